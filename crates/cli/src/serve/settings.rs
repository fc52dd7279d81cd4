//! Labeler's settings, as the section `[labeler]` of the configuration gives them.

use hallpass_labeler::{FileStore, Quota, Settings};
use hallpass_server::Config;
use hallpass_telemetry::urls;

use crate::failure::Failure;
use crate::serve::bucket;

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
    let bucket = section
        .files
        .as_ref()
        .map(|files| bucket::of("labeler.files", files, config.insecure_plaintext));
    let files = bucket.transpose()?.map_or(FileStore::Folder, FileStore::S3);
    let usual = Settings::default();
    let folder_bucket = match &section.bucket {
        Some(_) if section.files.is_some() => {
            return Err(Failure::failed(
                "labeler.bucket: not beside labeler.files, whose bucket has a name; right: leave it out",
            ));
        }
        Some(name) if !hallpass_token::Grants::can_name(name) => {
            return Err(Failure::failed(
                "labeler.bucket: no name of a bucket; right: letters, digits, dots, dashes and underscores",
            ));
        }
        Some(name) => name.clone(),
        None => usual.folder_bucket.clone(),
    };
    let download_url = section.download_url.as_deref();
    let download_url = download_url.map(|url| base(url, config.insecure_plaintext)).transpose()?;
    let limits = section.limits;
    let quota = Quota {
        datasets: limits.datasets,
        bytes: limits.bytes,
        snapshots: limits.snapshots,
        shares: limits.shares,
    };
    Ok(Settings {
        import_roots: section.import_roots.clone(),
        files,
        folder_bucket,
        download_url,
        quota,
        max_open_uploads: limits.open_uploads,
        max_open_bytes: limits.open_bytes,
        upload_memory_bytes: usize::try_from(limits.upload_memory_bytes).unwrap_or(usize::MAX),
        keep_free: config.limits.keep_free_bytes,
        ..usual
    })
}

/// The beginning of download URLs, without a slash at the end.
fn base(url: &str, plaintext: bool) -> Result<String, Failure> {
    let wrong = |problem: &str| Failure::failed(format_args!("labeler.download_url: {problem}"));
    if !bucket::is_endpoint(url) {
        return Err(wrong("no URL of a server; right: such as https://files.example.org"));
    }
    if !url.starts_with("https://") && !plaintext && !urls::is_private(url) {
        return Err(wrong(
            "is without TLS and beyond loopback; right: https://, or insecure_plaintext",
        ));
    }
    Ok(url.trim_end_matches('/').to_owned())
}
