//! Answers URLs of files in the data folder by plain HTTP.
//!
//! Invariant: what is sent is the file that the URL was signed for, or nothing. No answer names a file or says whether there is one.

use std::sync::Arc;

use tokio_stream::StreamExt as _;
use tonic::body::Body;
use tonic::codegen::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use tonic::codegen::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};

use super::signature::{Invalid, Ticket};
use super::{Download, Source, Wanted};
use crate::datasets::store::Datasets;
use crate::error::Error;
use hallpass_formats::{FileKind, FilePath, ImageKind};

/// The path at which files are fetched.
pub const DOWNLOAD_PATH: &str = "/download/file";

impl Datasets {
    /// Answers a request for a file.
    pub(crate) async fn fetch(self: Arc<Self>, uri: Uri, headers: HeaderMap) -> Response<Body> {
        let ticket = match self.url_key.check(uri.query().unwrap_or_default(), (self.now)()) {
            Ok(ticket) => ticket,
            Err(Invalid::Expired) => {
                return refused(StatusCode::FORBIDDEN, "this URL has expired: ask for a new one\n");
            }
            Err(Invalid::Altered) => {
                let text = "this URL is not one that was given out: ask for a new one\n";
                return refused(StatusCode::FORBIDDEN, text);
            }
        };
        match self.open_file(ticket, from(&headers)).await {
            Ok(answer) => answer,
            Err(Error::NoSuchFile { .. } | Error::GoneMidway(_) | Error::ChangedMidway) => {
                refused(StatusCode::NOT_FOUND, "the file is there no more, or has changed\n")
            }
            Err(Error::OffsetPastEnd { .. }) => {
                refused(StatusCode::RANGE_NOT_SATISFIABLE, "the file has fewer bytes\n")
            }
            Err(error) => {
                tracing::warn!(%error, "a file could not be sent by its URL");
                refused(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the file cannot be read: try again later\n",
                )
            }
        }
    }

    async fn open_file(&self, ticket: Ticket, from: Option<u64>) -> Result<Response<Body>, Error> {
        let Ticket { dataset, path, number, .. } = ticket;
        let (source, offset) = (Source::Dataset(dataset), from.unwrap_or(0));
        let row = super::one(&self.database, &source, &path).await?;
        if row.stored.number != number {
            return Err(Error::ChangedMidway);
        }
        let size = row.stored.size;
        let wanted = Wanted::From { path: path.clone(), offset, onwards: false };
        let (database, files) = (self.database.clone(), self.files.clone());
        let download = Download::begin(database, files, source, wanted).await?;
        let pieces = download.pieces().map(|piece| match piece {
            Ok(sent) => Ok(http_body::Frame::data(sent.data)),
            Err(error) => {
                tracing::warn!(%error, "a file that is sent by its URL breaks off");
                Err(std::io::Error::other("the file cannot be read"))
            }
        });
        let mut answer = Response::new(Body::new(http_body_util::StreamBody::new(pieces)));
        let headers = answer.headers_mut();
        describe(headers, &path);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size - offset));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if from.is_some() {
            let range = format!("bytes {offset}-{}/{size}", size.saturating_sub(1));
            headers.extend(HeaderValue::try_from(range).ok().map(|range| (CONTENT_RANGE, range)));
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(answer)
    }
}

/// What a browser must know, so that it never takes a file for a page of this host.
fn describe(headers: &mut HeaderMap, path: &str) {
    let kind = FilePath::parse(path).ok().as_ref().and_then(FileKind::of);
    let kind = match kind {
        Some(FileKind::Image(kind)) => media_type(kind),
        _ => "application/octet-stream",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let disposition = HeaderValue::try_from(format!("inline; filename=\"{name}\""));
    headers.extend(disposition.ok().map(|value| (CONTENT_DISPOSITION, value)));
}

const fn media_type(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Png => "image/png",
        ImageKind::Jpeg => "image/jpeg",
        ImageKind::Gif => "image/gif",
        ImageKind::Bmp => "image/bmp",
        ImageKind::WebP => "image/webp",
    }
}

/// The byte from which on a client wants a file (`bytes=N-`). Other ranges may be answered with all of it (RFC 9110, 14.2).
fn from(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

fn refused(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::new(http_body_util::Full::from(text)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
