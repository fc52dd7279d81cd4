//! Which exporters the OTEL_ variables ask for.

use crate::checks::{self, Compressions};
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

#[test]
fn what_the_exporters_would_ignore_is_refused_by_name() {
    let gzip = "OTEL_EXPORTER_OTLP_COMPRESSION";
    let ratio = ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    let rows: [(Variables<'_>, Option<&str>); 22] = [
        (&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")], None),
        (&[("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_TRACES_SAMPLER_ARG", "x")], None),
        (&[("OTEL_TRACES_SAMPLER", "")], None),
        (&[ratio], None),
        (&[ratio, ("OTEL_TRACES_SAMPLER_ARG", "1e-3")], None),
        (&[("OTEL_TRACES_SAMPLER", "traceidratoi")], Some("OTEL_TRACES_SAMPLER=\"traceidratoi\"")),
        (&[("OTEL_TRACES_SAMPLER", "always_off ")], Some("OTEL_TRACES_SAMPLER=")),
        (&[("OTEL_TRACES_SAMPLER", "Always_On")], Some("OTEL_TRACES_SAMPLER=")),
        (&[("OTEL_TRACES_SAMPLER", "jaeger_remote")], Some("OTEL_TRACES_SAMPLER=")),
        (&[ratio, ("OTEL_TRACES_SAMPLER_ARG", "25%")], Some("OTEL_TRACES_SAMPLER_ARG=\"25%\"")),
        (&[ratio, ("OTEL_TRACES_SAMPLER_ARG", " 0")], Some("OTEL_TRACES_SAMPLER_ARG=")),
        (&[ratio, ("OTEL_TRACES_SAMPLER_ARG", "0,1")], Some("OTEL_TRACES_SAMPLER_ARG=")),
        (&[ratio, ("OTEL_TRACES_SAMPLER_ARG", "25")], Some("OTEL_TRACES_SAMPLER_ARG=")),
        (&[ratio, ("OTEL_TRACES_SAMPLER_ARG", "NaN")], Some("OTEL_TRACES_SAMPLER_ARG=")),
        (&[(gzip, "gzip")], None),
        (&[(gzip, "none")], None),
        (&[(gzip, "GZIP")], None),
        (&[(gzip, "gzpi")], Some("OTEL_EXPORTER_OTLP_COMPRESSION=\"gzpi\"")),
        (&[(gzip, "zstd")], Some("OTEL_EXPORTER_OTLP_COMPRESSION=")),
        (
            &[(gzip, "gzip"), ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "deflate")],
            Some("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION="),
        ),
        (&[("OTEL_BSP_SCHEDULE_DELAY", "5s")], Some("OTEL_BSP_SCHEDULE_DELAY=\"5s\"")),
        (&[("OTEL_METRIC_EXPORT_INTERVAL", "1m")], Some("OTEL_METRIC_EXPORT_INTERVAL=")),
    ];
    for (variables, refused) in rows {
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let checked =
            |asked| checks::check(asked, get).and_then(|()| Compressions::of(asked, get)).map(drop);
        let both = Asked { traces: true, metrics: true };
        let told = checked(both).map_err(|error| error.to_string()).err();
        let is_right = match (&told, refused) {
            (told, None) => told.is_none(),
            (told, Some(part)) => told.as_ref().is_some_and(|told| told.contains(part)),
        };
        assert!(is_right, "{variables:?}: {told:?}");
        let nothing = Asked { traces: false, metrics: false };
        assert!(checked(nothing).is_ok(), "nothing is exported: {variables:?}");
    }
}

#[test]
fn one_signal_s_compression_replaces_the_general_one() {
    let get = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_COMPRESSION" => Some("gzip".to_owned()),
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION" => Some("none".to_owned()),
        _ => None,
    };
    let of = Compressions::of(Asked { traces: true, metrics: true }, get).unwrap();
    assert!(of.traces.is_some() && of.metrics.is_none(), "{of:?}");
}

#[test]
fn a_sampler_and_an_argument_that_do_not_go_together_are_pointed_out() {
    let advice = |sampler: &str, argument: &str| {
        let told = checks::advice(|name| match name {
            "OTEL_TRACES_SAMPLER" => Some(sampler.to_owned()),
            "OTEL_TRACES_SAMPLER_ARG" => Some(argument.to_owned()),
            _ => None,
        });
        told.and_then(|told| told.split([':', ',']).next())
    };
    let idle = Some("OTEL_TRACES_SAMPLER_ARG has no effect");
    assert_eq!((advice("", "0.1"), advice("always_on", "0.1")), (idle, idle));
    let missing = Some("OTEL_TRACES_SAMPLER_ARG is not set");
    assert_eq!(advice("parentbased_traceidratio", ""), missing);
    assert_eq!((advice("traceidratio", "0.1"), advice("", "")), (None, None));
}
