//! Which exporters the OTEL_ variables ask for.

use crate::environment::Asked;

const EVERYTHING: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
const TRACES: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4317");
const METRICS: (&str, &str) = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:4317");

type Variables<'a> = &'a [(&'a str, &'a str)];

fn asked(variables: Variables<'_>) -> Result<(bool, bool), String> {
    let get = |name: &str| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    Asked::of(get).map(|asked| (asked.traces, asked.metrics)).map_err(|error| error.to_string())
}

#[test]
fn silence_means_none() {
    let rows: [(Variables<'_>, (bool, bool)); 9] = [
        (&[], (false, false)),
        (&[EVERYTHING], (true, true)),
        (&[TRACES], (true, false)),
        (&[METRICS], (false, true)),
        (&[("OTEL_TRACES_EXPORTER", "otlp")], (false, false)),
        (&[EVERYTHING, ("OTEL_TRACES_EXPORTER", "none")], (false, true)),
        (&[EVERYTHING, ("OTEL_METRICS_EXPORTER", "none")], (true, false)),
        (&[EVERYTHING, ("OTEL_SDK_DISABLED", "TRUE")], (false, false)),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], (false, false)),
    ];
    for (variables, expected) in rows {
        assert_eq!(asked(variables), Ok(expected), "{variables:?}");
    }
}

#[test]
fn what_is_not_built_in_is_refused_by_name() {
    for variable in
        [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
    {
        let error = asked(&[EVERYTHING, variable]).unwrap_err();
        assert!(error.contains(variable.0) && error.contains(variable.1), "{error}");
    }
}

#[test]
fn a_collector_that_others_could_listen_to_is_refused_unless_that_is_wanted() {
    let checked = |name: &'static str, url: &str, plaintext| {
        let get = |asked: &str| (asked == name).then(|| url.to_owned());
        let checked = Asked::of(get).and_then(|asked| asked.check(get, plaintext));
        checked.map_err(|error| error.to_string())
    };
    for (name, _) in [EVERYTHING, TRACES, METRICS] {
        assert_eq!(checked(name, "http://127.0.0.1:4317", false), Ok(()));
        assert_eq!(checked(name, "http://localhost:4317", false), Ok(()));
        assert_eq!(checked(name, "https://collector:4317", false), Ok(()));
        assert_eq!(checked(name, "http://collector:4317", true), Ok(()));
        let refused = checked(name, "http://collector:4317", false).unwrap_err();
        assert!(refused.starts_with(name) && refused.contains("beyond loopback"), "{refused}");
        for login in ["http://alice:s3cr3t@127.0.0.1:4317", "https://s3cr3t@collector"] {
            let refused = checked(name, login, true).unwrap_err();
            assert!(refused.contains("user or a password") && !refused.contains("s3cr3t"));
        }
    }
}
