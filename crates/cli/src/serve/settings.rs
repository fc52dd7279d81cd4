//! Labeler's settings, as the section `[labeler]` of the configuration gives them.
//!
//! Invariant: an access key is read from where the configuration says it is, and is in no error.

use std::fs;

use hallpass_labeler::{FileStore, S3, Settings};
use hallpass_server::{BucketSection, Config};

use crate::failure::Failure;

/// The settings; the defaults where the configuration says nothing.
pub(super) fn of(config: &Config) -> Result<Settings, Failure> {
    let section = &config.labeler;
    for (name, root) in &section.import_roots {
        if !root.is_dir() {
            return Err(Failure::failed(format_args!(
                "labeler.import_roots.{name}: {} is no folder; right: a folder that is there",
                root.display()
            )));
        }
    }
    let bucket = section.files.as_ref().map(|files| bucket(files, config.insecure_plaintext));
    let files = bucket.transpose()?.map_or(FileStore::Folder, FileStore::S3);
    Ok(Settings { import_roots: section.import_roots.clone(), files, ..Settings::default() })
}

fn bucket(section: &BucketSection, plaintext: bool) -> Result<S3, Failure> {
    let endpoint = section.endpoint.clone();
    let speaks_http = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    if speaks_http && !plaintext && !endpoint.as_deref().is_some_and(is_loopback) {
        return Err(Failure::failed(
            "labeler.files.endpoint: is without TLS and beyond loopback; right: https://, or insecure_plaintext",
        ));
    }
    Ok(S3 {
        bucket: section.bucket.clone(),
        region: section.region.clone(),
        endpoint,
        prefix: section.prefix.clone(),
        access_key_id: referred("access_key_id", &section.access_key_id)?,
        secret_access_key: referred("secret_access_key", &section.secret_access_key)?,
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
    let wrong = |problem: &str| {
        Failure::failed(format_args!(
            "labeler.files.{key}: {problem}; right: env:NAME or file:PATH"
        ))
    };
    let found = match place.split_once(':') {
        Some(("env", name)) => {
            std::env::var(name).map_err(|_| wrong("the variable is not set, or not text"))?
        }
        Some(("file", path)) => {
            fs::read_to_string(path).map_err(|_| wrong("the file cannot be read"))?
        }
        _ => return Err(wrong("says neither")),
    };
    match found.trim() {
        "" => Err(wrong("is empty there")),
        value => Ok(value.to_owned()),
    }
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
        let refused = match referred("secret_access_key", "hunter2") {
            Err(Failure::Failed(problem)) => Err(problem),
            other => Ok(other.is_ok()),
        };
        let told = "labeler.files.secret_access_key: says neither; right: env:NAME or file:PATH";
        assert_eq!(refused, Err(told.to_owned()));
    }
}
