//! Buckets, as sections of the configuration name them.
//!
//! Invariant: an access key is read from where the configuration says it is, and is in no error.

use hallpass_server::BucketSection;
use hallpass_store::S3;
use hallpass_telemetry::urls;
use hallpass_token::SecretRef;
use secrecy::ExposeSecret as _;
use tonic::codegen::http::uri::{Authority, Uri};

use crate::failure::Failure;
use crate::secrets;

/// The bucket of the section with this name. Whatever a library would take badly is refused here, by its name: some of them panic.
pub(super) fn of(name: &str, section: &BucketSection, plaintext: bool) -> Result<S3, Failure> {
    let wrong = |key: &str, problem: &str| Failure::failed(format_args!("{name}.{key}: {problem}"));
    checked(section).map_err(|(key, problem)| wrong(key, problem))?;
    let endpoint = section.endpoint.clone();
    let speaks_http = endpoint.as_deref().is_some_and(|endpoint| !is_https(endpoint));
    if speaks_http && !plaintext && !endpoint.as_deref().is_some_and(urls::is_private) {
        return Err(wrong(
            "endpoint",
            "is without TLS and beyond loopback; right: https://, or insecure_plaintext",
        ));
    }
    let access_key_id = referred(&format!("{name}.access_key_id"), &section.access_key_id)?;
    let secret = referred(&format!("{name}.secret_access_key"), &section.secret_access_key)?;
    for (key, found) in [("access_key_id", &access_key_id), ("secret_access_key", &secret)] {
        // They become part of a header and of a signature.
        if found.is_empty() || !found.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(key, "holds no key of visible ASCII characters: give the key alone"));
        }
    }
    Ok(S3 {
        bucket: section.bucket.clone(),
        region: section.region.clone(),
        endpoint,
        prefix: section.prefix.clone(),
        access_key_id,
        secret_access_key: secret,
        allow_http: speaks_http,
    })
}

/// What is wrong with a setting that holds no secret.
fn checked(section: &BucketSection) -> Result<(), (&'static str, &'static str)> {
    if !is_bucket(&section.bucket) {
        return Err((
            "bucket",
            "is no name of a bucket: 3 to 63 lowercase letters, digits, dots, dashes and underscores, a letter or digit at both ends",
        ));
    }
    let in_region = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !(1..=64).contains(&section.region.len()) || !section.region.bytes().all(in_region) {
        return Err(("region", "is no name of a region: such as eu-central-1, or auto"));
    }
    if section.endpoint.as_deref().is_some_and(|endpoint| !is_endpoint(endpoint)) {
        return Err(("endpoint", "is no URL of a store: such as https://s3.example.org:9000"));
    }
    if !is_prefix(&section.prefix) {
        return Err((
            "prefix",
            "is no beginning of names: parts of letters, digits, dots, dashes and underscores with / between, at most 512 characters",
        ));
    }
    Ok(())
}

fn is_bucket(name: &str) -> bool {
    let inner = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | '_');
    let outer = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    (3..=63).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(outer)
        && name.ends_with(outer)
        && !name.contains("..")
}

/// Whether a text is the URL of a server: a scheme, a place, perhaps a path.
pub(super) fn is_endpoint(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<Uri>() else { return false };
    let has_place = uri.host().is_some_and(|host| !host.is_empty());
    let written = uri.authority().map(Authority::as_str).unwrap_or_default();
    // A port that is none is left out by the parser, or left to the library.
    let behind = written.rsplit_once(']').map_or(written, |(_, behind)| behind);
    let port =
        behind.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|of| of > 0));
    matches!(uri.scheme_str(), Some("http" | "https"))
        && has_place
        && port
        && uri.query().is_none()
        && !endpoint.contains(['#', '@', '\\'])
        && endpoint.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_https(endpoint: &str) -> bool {
    endpoint.parse::<Uri>().is_ok_and(|uri| uri.scheme_str() == Some("https"))
}

fn is_prefix(prefix: &str) -> bool {
    let part = |part: &str| {
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !part.is_empty() && part != "." && part != ".." && part.chars().all(named)
    };
    // One slash at the end says the same as none.
    let parts = prefix.strip_suffix('/').unwrap_or(prefix);
    prefix.len() <= 512 && (prefix.is_empty() || parts.split('/').all(part))
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

    fn section() -> BucketSection {
        BucketSection {
            bucket: "datasets".to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: None,
            prefix: String::new(),
            // Set wherever a test runs, and of visible characters.
            access_key_id: "env:CARGO_PKG_NAME".to_owned(),
            secret_access_key: "env:CARGO_PKG_NAME".to_owned(),
        }
    }

    /// The setting that is named, or nothing; and the library takes what is let through.
    fn named(change: impl FnOnce(&mut BucketSection), plaintext: bool) -> Option<String> {
        let mut section = section();
        change(&mut section);
        match of("artifacts", &section, plaintext) {
            Ok(s3) => {
                assert!(s3.bucket().is_ok(), "{s3:?}");
                None
            }
            Err(problem) => {
                let problem = problem.to_string();
                let (key, _) = problem.split_once(':').unwrap_or_default();
                Some(key.trim_start_matches("artifacts.").to_owned())
            }
        }
    }

    #[test]
    fn every_setting_of_a_bucket_is_checked_by_its_name() {
        assert_eq!(named(|_| {}, false), None);
        let long = "x".repeat(64);
        for bucket in [
            "", "ab", &long, "Datasets", "-data", "data-", "a..b", "a b", "a/b", "a\nb", "a\0b",
            "ä-ö-ü",
        ] {
            assert_eq!(
                named(|of| of.bucket = bucket.into(), false).as_deref(),
                Some("bucket"),
                "{bucket:?}"
            );
        }
        for region in ["", &"x".repeat(65), "eu central", "eu\r\nx: y", "eu/1", "eu.1", "ü"] {
            assert_eq!(
                named(|of| of.region = region.into(), false).as_deref(),
                Some("region"),
                "{region:?}"
            );
        }
        for prefix in ["/a", "a//b", "../a", "a/./b", "a b", "a\nb", "a\\b", "ä", &"x".repeat(513)]
        {
            assert_eq!(
                named(|of| of.prefix = prefix.into(), false).as_deref(),
                Some("prefix"),
                "{prefix:?}"
            );
        }
        for prefix in ["a", "a/b", "a/b/", "v1.2_x-y"] {
            assert_eq!(named(|of| of.prefix = prefix.into(), false), None, "{prefix:?}");
        }
        for key in ["env:NO_SUCH_VARIABLE", "hunter2", ""] {
            let (id, secret) = ("access_key_id", "secret_access_key");
            assert_eq!(named(|of| of.access_key_id = key.into(), false).as_deref(), Some(id));
            assert_eq!(
                named(|of| of.secret_access_key = key.into(), false).as_deref(),
                Some(secret)
            );
        }
    }

    #[test]
    fn an_endpoint_is_a_url_and_beyond_loopback_one_with_tls() {
        let at =
            |endpoint: &str, plaintext| named(|of| of.endpoint = Some(endpoint.into()), plaintext);
        for right in [
            "https://s3.example.org",
            "https://s3.example.org:9000/",
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
            "http://localhost:9000",
            "HTTP://127.0.0.1:9000",
        ] {
            assert_eq!(at(right, false), None, "{right}");
        }
        for wrong in [
            "",
            "s3.example.org",
            "ftp://s3.example.org",
            "https://",
            "https:///x",
            "https://a b",
            "https://host:port",
            "https://host:0",
            "https://host:99999",
            "https://u:p@host",
            "https://host/?x=y",
            "https://host/#x",
            "https://host\r\nx: y",
            "https://hö.st",
        ] {
            assert_eq!(at(wrong, true).as_deref(), Some("endpoint"), "{wrong:?}");
        }
        for far in [
            "http://10.0.0.1:9000",
            "http://s3.example.org",
            "http://127.0.0.1.example.org",
            "Http://s3.example.org",
        ] {
            assert_eq!(at(far, false).as_deref(), Some("endpoint"), "{far}");
            assert_eq!(at(far, true), None, "{far}");
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
