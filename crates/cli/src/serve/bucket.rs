//! Buckets, as sections of the configuration name them.
//!
//! Invariant: an access key is read from where the configuration says it is, and is in no error.

use hallpass_server::BucketSection;
use hallpass_store::S3;
use hallpass_token::SecretRef;
use secrecy::ExposeSecret as _;

use crate::failure::Failure;
use crate::secrets;

/// The bucket of the section with this name.
pub(super) fn of(name: &str, section: &BucketSection, plaintext: bool) -> Result<S3, Failure> {
    let endpoint = section.endpoint.clone();
    let speaks_http = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    if speaks_http && !plaintext && !endpoint.as_deref().is_some_and(is_loopback) {
        return Err(Failure::failed(format_args!(
            "{name}.endpoint: is without TLS and beyond loopback; right: https://, or insecure_plaintext",
        )));
    }
    Ok(S3 {
        bucket: section.bucket.clone(),
        region: section.region.clone(),
        endpoint,
        prefix: section.prefix.clone(),
        access_key_id: referred(&format!("{name}.access_key_id"), &section.access_key_id)?,
        secret_access_key: referred(
            &format!("{name}.secret_access_key"),
            &section.secret_access_key,
        )?,
        allow_http: speaks_http,
    })
}

fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()) || host == "[::1]"
}

/// What stands where the configuration says.
fn referred(key: &str, place: &str) -> Result<String, Failure> {
    let wrong = |problem: &str| Failure::failed(format_args!("{key}: {problem}"));
    // What is no place may be the key itself, which is not shown.
    let place: SecretRef = place
        .parse()
        .map_err(|_| wrong("names no place; right: env:NAME, file:PATH or ssm:/path"))?;
    let found = secrets::fetch(&place).map_err(|problem| wrong(&format!("{place}: {problem}")))?;
    Ok(found.expose_secret().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loopback() {
        for (endpoint, is) in [
            ("http://127.0.0.1:9000", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:9000/x", true),
            ("http://10.0.0.1:9000", false),
            ("http://127.0.0.1.example.org", false),
            ("http://localhost.example.org:80", false),
        ] {
            assert_eq!(is_loopback(endpoint), is, "{endpoint}");
        }
    }

    #[test]
    fn keys_are_referred_to_and_never_shown() {
        let refused = match referred("labeler.files.secret_access_key", "hunter2") {
            Err(Failure::Failed(problem)) => Err(problem),
            other => Ok(other.is_ok()),
        };
        let told = "labeler.files.secret_access_key: names no place; right: env:NAME, file:PATH or ssm:/path";
        assert_eq!(refused, Err(told.to_owned()));
    }
}
