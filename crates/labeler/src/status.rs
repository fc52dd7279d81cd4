//! What clients are told of an error. The one place where errors become statuses; the operator's log gets the cause here.

use std::collections::HashMap;
use std::time::Duration;

use hallpass_formats::Problems;
use hallpass_policy::ERROR_DOMAIN;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::error::Error;
use crate::model::access::Kind;

/// How long a client waits before it tries again where memory was short.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (code, reason) = match class(&error) {
            Class::Answer(code, reason) => (code, reason),
            Class::Refused(refusal) => return refusal,
        };
        log(&error, reason);
        let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, metadata(&error));
        if let Some((field, problem)) = violation(&error) {
            details.add_bad_request_violation(field, problem);
        }
        if matches!(error, Error::UploadsBusy) {
            details.set_retry_info(Some(TRY_AGAIN_AFTER));
        }
        if let Error::ContentRefused(problems) = &error {
            for problem in told(problems) {
                details.add_bad_request_violation("files", problem);
            }
        }
        Self::with_error_details(code, message(&error), details)
    }
}

enum Class {
    /// The code and the stable reason.
    Answer(Code, &'static str),
    /// Somebody else has said it already.
    Refused(Status),
}

fn class(error: &Error) -> Class {
    use Class::{Answer, Refused};
    match error {
        Error::Invalid { .. } => Answer(Code::InvalidArgument, "FIELD_INVALID"),
        Error::FileRefused { .. } => Answer(Code::InvalidArgument, "FILE_REFUSED"),
        Error::UploadRefused(_) | Error::ContentRefused(_) => {
            Answer(Code::InvalidArgument, "UPLOAD_REFUSED")
        }
        Error::HashMismatch { .. } => Answer(Code::InvalidArgument, "SHA256_MISMATCH"),
        Error::OffsetMismatch { .. } => Answer(Code::FailedPrecondition, "OFFSET_MISMATCH"),
        Error::FileBusy { .. } => Answer(Code::Aborted, "FILE_BUSY"),
        Error::Incomplete(_) => Answer(Code::FailedPrecondition, "UPLOAD_INCOMPLETE"),
        Error::ContentMismatch => Answer(Code::InvalidArgument, "CONTENT_MISMATCH"),
        Error::UploadChanged => Answer(Code::Aborted, "UPLOAD_CHANGED"),
        Error::UploadEnded => Answer(Code::Aborted, "UPLOAD_ENDED"),
        Error::UploadBusy => Answer(Code::Aborted, "UPLOAD_BUSY"),
        Error::Idle(_) => Answer(Code::DeadlineExceeded, "UPLOAD_IDLE"),
        Error::TooManyUploads { .. } => Answer(Code::ResourceExhausted, "TOO_MANY_UPLOADS"),
        Error::UploadsTooBig { .. } => Answer(Code::ResourceExhausted, "UPLOADS_TOO_BIG"),
        Error::TooManyDatasets { .. } => Answer(Code::ResourceExhausted, "TOO_MANY_DATASETS"),
        Error::DatasetsTooBig { .. } => Answer(Code::ResourceExhausted, "DATASETS_TOO_BIG"),
        Error::TooManySnapshots { .. } => Answer(Code::ResourceExhausted, "TOO_MANY_SNAPSHOTS"),
        Error::TooManyShares { .. } => Answer(Code::ResourceExhausted, "TOO_MANY_SHARES"),
        Error::NewOwnerFull => Answer(Code::ResourceExhausted, "NEW_OWNER_FULL"),
        // Whole: that a token ended in the middle is how Platform knows that the upload can go on.
        Error::BrokenOff(status) => Refused(status.clone()),
        Error::RequestReused => Answer(Code::AlreadyExists, "REQUEST_ID_REUSED"),
        Error::EtagMismatch => Answer(Code::Aborted, "ETAG_MISMATCH"),
        Error::SnapshotsNeedIt(_) => Answer(Code::FailedPrecondition, "SNAPSHOT_NEEDS_DATASET"),
        Error::NoSuchFile { .. } => Answer(Code::NotFound, "FILE_NOT_FOUND"),
        Error::OffsetPastEnd { .. } => Answer(Code::OutOfRange, "OFFSET_PAST_END"),
        Error::Refused(refusal) => Refused(refusal.clone().into()),
        Error::GoneMidway(Kind::Snapshot) => Answer(Code::Aborted, "SNAPSHOT_DELETED"),
        Error::GoneMidway(Kind::Dataset | Kind::Upload) => Answer(Code::Aborted, "DATASET_DELETED"),
        Error::ChangedMidway => Answer(Code::Aborted, "DATASET_CHANGED"),
        Error::UploadsBusy => Answer(Code::ResourceExhausted, "UPLOADS_BUSY"),
        Error::NoUrls => Answer(Code::FailedPrecondition, "NO_URLS"),
        Error::AnswerTooBig => Answer(Code::ResourceExhausted, "ANSWER_TOO_BIG"),
        Error::NoUser => Answer(Code::PermissionDenied, "NO_USER"),
        Error::DiskFull | Error::NoSpace(_) => Answer(Code::ResourceExhausted, "DISK_FULL"),
        Error::Files { .. } | Error::Database(_) => Answer(Code::Unavailable, "STORE_UNAVAILABLE"),
        Error::Damaged { .. } => Answer(Code::DataLoss, "FILE_DAMAGED"),
        Error::Chance | Error::TaskLost => Answer(Code::Internal, "INTERNAL"),
    }
}

/// What is wrong with the request is said in full; what is wrong with the server is not.
fn message(error: &Error) -> String {
    match error {
        Error::ContentRefused(problems) => refused(problems),
        Error::Files { .. } | Error::Database(_) => "the store does not answer".to_owned(),
        Error::Damaged { path, .. } => format!("the stored file {path} is damaged"),
        Error::Chance | Error::TaskLost => "internal error".to_owned(),
        _ => error.to_string(),
    }
}

/// What a program needs to go on: the offset that would be right.
fn metadata(error: &Error) -> HashMap<String, String> {
    match error {
        Error::OffsetMismatch { received, .. } => {
            [("offset".to_owned(), received.to_string())].into()
        }
        _ => HashMap::new(),
    }
}

/// An answer's metadata has room for a few KiB, in which each problem stands three times: so many bytes of problems are told, each up to
/// so many.
const TOLD: usize = 2000;
const LONGEST: usize = 300;

/// The problems that have room, at most 20; the first always.
fn told(problems: &Problems) -> Vec<String> {
    let mut left = TOLD;
    let mut told = Vec::new();
    for problem in problems {
        let text = bounded(&problem.to_string());
        if text.len() > left {
            break;
        }
        left -= text.len();
        told.push(text);
    }
    told
}

fn bounded(problem: &str) -> String {
    if problem.len() <= LONGEST {
        return problem.to_owned();
    }
    // Paths are long where they begin; what is wrong stands at the end.
    let mut at = problem.len() - LONGEST;
    while !problem.is_char_boundary(at) {
        at += 1;
    }
    format!("…{}", &problem[at..])
}

fn refused(problems: &Problems) -> String {
    let told = told(problems);
    let more = problems.more() + problems.iter().count().saturating_sub(told.len()) as u64;
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    format!("the upload is refused: {}{more}", told.join("\n"))
}

fn violation(error: &Error) -> Option<(&str, String)> {
    match error {
        Error::Invalid { field, problem } => Some((field, problem.clone())),
        Error::FileRefused { .. } | Error::UploadRefused(_) => Some(("chunk", error.to_string())),
        Error::HashMismatch { .. } => Some(("file.sha256", error.to_string())),
        Error::ContentMismatch => Some(("content_sha256", error.to_string())),
        Error::OffsetPastEnd { .. } => Some(("offset", error.to_string())),
        _ => None,
    }
}

fn log(error: &Error, reason: &'static str) {
    match error {
        Error::DiskFull
        | Error::Files { .. }
        | Error::Database(_)
        | Error::Damaged { .. }
        | Error::Chance
        | Error::TaskLost => tracing::error!(reason, %error, "failed"),
        _ => tracing::debug!(reason, %error, "refused"),
    }
}
