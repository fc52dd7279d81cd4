//! Whom an exporter trusts, and what it shows, where its collector speaks TLS: the system's authorities, or what the variables
//! `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE` and `…_CLIENT_KEY` name. Those of one signal come first.

use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::TelemetryError;
use crate::environment::{Asked, with_scheme};

/// The settings of each signal; none where its collector is spoken to without TLS.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {
    pub(crate) traces: Option<ClientTlsConfig>,
    pub(crate) metrics: Option<ClientTlsConfig>,
}

/// The names of one signal's variables, each before the general one.
struct Names {
    signal: &'static str,
    endpoint: [&'static str; 2],
    authority: [&'static str; 2],
    certificate: [&'static str; 2],
    key: [&'static str; 2],
}

const TRACES: Names = Names {
    signal: "TRACES_",
    endpoint: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    authority: ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    certificate: [
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    ],
    key: ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};

const METRICS: Names = Names {
    signal: "METRICS_",
    endpoint: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    authority: ["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    certificate: [
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    ],
    key: ["OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};

impl Tls {
    /// Reads the variables through `get`, and the files that they name.
    pub(crate) fn of(
        asked: Asked,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TelemetryError> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let of = |used: bool, names: &Names| {
            if used { of_signal(names, &get) } else { Ok(None) }
        };
        Ok(Self { traces: of(asked.traces, &TRACES)?, metrics: of(asked.metrics, &METRICS)? })
    }
}

fn of_signal(
    names: &Names,
    get: &impl Fn(&str) -> Option<String>,
) -> Result<Option<ClientTlsConfig>, TelemetryError> {
    let first =
        |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, get(name)?)));
    let endpoint = first(names.endpoint).map(|(_, url)| with_scheme(&url, names.signal, get));
    if !endpoint.is_some_and(|url| is_https(&url)) {
        return Ok(None);
    }
    let config = match first(names.authority) {
        Some(file) => {
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(file, "CERTIFICATE")?))
        }
        None => ClientTlsConfig::new().with_enabled_roots(),
    };
    match (first(names.certificate), first(names.key)) {
        (None, None) => Ok(Some(config)),
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (read(certificate, "CERTIFICATE")?, read(key, "PRIVATE KEY")?);
            Ok(Some(config.identity(Identity::from_pem(certificate, key))))
        }
        (Some((name, file)), None) | (None, Some((name, file))) => {
            let problem = "certificate and key go together: give both, or neither".to_owned();
            Err(TelemetryError::File { name, file, problem })
        }
    }
}

fn is_https(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

/// The text of a PEM file.
fn read((name, file): (&'static str, String), what: &str) -> Result<String, TelemetryError> {
    let failed = |problem| TelemetryError::File { name, file: file.clone(), problem };
    let text = std::fs::read(&file).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(text).unwrap_or_default();
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(what);
    match text.lines().any(begins) {
        true if text.contains("ENCRYPTED") => {
            Err(failed("is encrypted: decrypt it with `openssl pkey`".to_owned()))
        }
        true => Ok(text),
        false => Err(failed(format!("holds no {what} in PEM"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/tests/tls/ca.pem");
    const BOTH: Asked = Asked { traces: true, metrics: true };

    /// Whether traces and metrics are sent by TLS, or what is wrong.
    fn by_tls(variables: &[(&str, &str)]) -> Result<(bool, bool), String> {
        let get = |name: &str| {
            let name = name.strip_prefix("OTEL_EXPORTER_OTLP_")?;
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let tls = Tls::of(BOTH, get).map_err(|error| error.to_string())?;
        Ok((tls.traces.is_some(), tls.metrics.is_some()))
    }

    #[test]
    fn tls_is_spoken_where_the_address_says_so_or_has_no_scheme() {
        let (https, bare) =
            (("ENDPOINT", "HTTPS://collector:4317"), ("ENDPOINT", "collector:4317"));
        let insecure = ("INSECURE", "true");
        for (variables, expected) in [
            (&[("ENDPOINT", "http://127.0.0.1:4317")][..], (false, false)),
            (&[https], (true, true)),
            (&[https, ("METRICS_ENDPOINT", "http://127.0.0.1:4317")], (true, false)),
            (&[https, ("TRACES_INSECURE", "true")], (true, true)),
            (&[bare], (true, true)),
            (&[bare, insecure], (false, false)),
            (&[bare, insecure, ("TRACES_INSECURE", "false")], (true, false)),
            (&[https, ("CERTIFICATE", CA)], (true, true)),
        ] {
            assert_eq!(by_tls(variables), Ok(expected), "{variables:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_variable() {
        let https = ("ENDPOINT", "https://collector:4317");
        for (variable, problem) in [
            (
                ("CERTIFICATE", "/none.pem"),
                "OTEL_EXPORTER_OTLP_CERTIFICATE, /none.pem: No such file",
            ),
            (("METRICS_CERTIFICATE", "/"), "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE, /: "),
            (("CLIENT_CERTIFICATE", CA), "certificate and key go together"),
            (("TRACES_CLIENT_KEY", CA), "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"),
        ] {
            let refused = by_tls(&[https, variable]);
            assert!(refused.as_ref().is_err_and(|said| said.contains(problem)), "{refused:?}");
        }
    }
}
