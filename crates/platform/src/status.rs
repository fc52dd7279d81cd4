//! The one mapping from what went wrong to what the client is told.
//!
//! Invariant: no wildcard arm. What is the client's to mend is said with its field; what is the operator's is logged here, and the client
//! gets a fixed message.

use std::time::Duration;

use hallpass_jobs::ArtifactError;
use hallpass_policy::{ERROR_DOMAIN, push_back};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::error::Error;
use crate::labeler::LabelerError;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { field, problem } => invalid(field, problem),
            Error::RequestReused => answer(
                Code::AlreadyExists,
                "REQUEST_ID_REUSED",
                "the request id was used before, for another job",
            ),
            Error::JobEnded(state) => answer(
                Code::FailedPrecondition,
                "JOB_ENDED",
                &format!("the job has ended: {state}"),
            ),
            Error::JobNotFailed(state) => answer(
                Code::FailedPrecondition,
                "JOB_NOT_FAILED",
                &format!(
                    "the job is {state}; only one that has failed or was aborted can be retried"
                ),
            ),
            Error::NoResult(state) => answer(
                Code::FailedPrecondition,
                "JOB_HAS_NO_RESULT",
                &format!("the job is {state}; only one that has succeeded has files"),
            ),
            error @ Error::TooManyJobs { .. } => {
                answer(Code::ResourceExhausted, "TOO_MANY_JOBS", &error.to_string())
            }
            Error::NoSpace(error) => {
                answer(Code::ResourceExhausted, "DISK_FULL", &error.to_string())
            }
            error @ Error::NoSuchFile { .. } => {
                answer(Code::NotFound, "FILE_NOT_FOUND", &error.to_string())
            }
            error @ Error::OffsetPastEnd { .. } => {
                answer(Code::OutOfRange, "OFFSET_PAST_END", &error.to_string())
            }
            Error::Artifacts(ArtifactError::Absent) => answer(
                Code::DataLoss,
                "RESULT_LOST",
                "the store has no files of this job: it is another one than it was, or was cleared",
            ),
            Error::Artifacts(error @ ArtifactError::Store(_)) => {
                tracing::error!(%error, "the store of results failed");
                answer(Code::Unavailable, "STORE_UNAVAILABLE", "the store does not answer")
            }
            Error::Gone(refusal) => refusal.into(),
            Error::BrokenOff(status) => status,
            Error::UploadInterrupted => interrupted(),
            Error::Labeler(error) => error.into(),
            Error::NoUser => answer(Code::PermissionDenied, "NO_USER", "a user is required"),
            Error::Database(error) => {
                tracing::error!(%error, "the database failed");
                answer(Code::Unavailable, "STORE_UNAVAILABLE", "the store does not answer")
            }
            Error::Chance => {
                tracing::error!("the system gives no random bits");
                answer(Code::Internal, "INTERNAL", "internal error")
            }
        }
    }
}

impl From<LabelerError> for Status {
    fn from(error: LabelerError) -> Self {
        match error {
            LabelerError::Told(status) => *status,
            LabelerError::Refused(refusal) => refusal.into(),
            LabelerError::Unreachable => answer(
                Code::Unavailable,
                "LABELER_UNAVAILABLE",
                "datasets cannot be reached at the moment",
            ),
            LabelerError::TooLate => answer(
                Code::DeadlineExceeded,
                "DEADLINE_EXCEEDED",
                "the datasets' service did not answer in time",
            ),
            LabelerError::Changed => answer(
                Code::Aborted,
                "DATASET_CHANGED",
                "a file has changed since its download began; right: begin anew",
            ),
            LabelerError::Broken { .. } | LabelerError::Empty(_) => {
                tracing::error!(%error, "labeler answered what it must not");
                answer(Code::Internal, "INTERNAL", "internal error")
            }
        }
    }
}

fn answer(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, []);
    Status::with_error_details(code, message, details)
}

/// What has come is kept: whoever asks what that is can go on from there.
fn interrupted() -> Status {
    let mut details = ErrorDetails::with_error_info("UPLOAD_INTERRUPTED", ERROR_DOMAIN, []);
    details.set_retry_info(Some(Duration::ZERO));
    let message = "the upload is interrupted; right: go on from what ListUploadFiles tells";
    let mut status = Status::with_error_details(Code::Aborted, message, details);
    push_back(status.metadata_mut(), Duration::ZERO);
    status
}

fn invalid(field: &str, problem: &str) -> Status {
    let mut details = ErrorDetails::with_error_info("FIELD_INVALID", ERROR_DOMAIN, []);
    details.add_bad_request_violation(field, problem);
    Status::with_error_details(Code::InvalidArgument, format!("{field} {problem}"), details)
}
