//! Why an activity did not do its part.
//!
//! Invariant: a failure says whether another attempt is worth it, and holds no token and nothing of a trainer's environment.

use hallpass_policy::{Denial, ERROR_DOMAIN};
use hallpass_store::NoSpace;
use serde::{Deserialize, Serialize};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why an activity did not do its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word in capitals, such as `DATASET_GONE`.
    pub reason: String,
    /// What it was, for people.
    pub message: String,
    /// Whether another attempt is worth it.
    pub retryable: bool,
}

impl Failure {
    /// One that another attempt does not mend.
    pub fn lasting(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), retryable: false }
    }

    /// One that may be over at the next attempt.
    pub fn passing(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), retryable: true }
    }

    /// The worker that had the job is gone.
    pub fn lost() -> Self {
        Self::passing("WORKER_LOST", "the process that ran the job ended without a word")
    }

    /// The worker has a fault of its own.
    pub fn panicked() -> Self {
        Self::passing("WORKER_PANICKED", "the worker panicked; Platform's log says where")
    }

    /// What Labeler's refusal means for a job.
    pub(crate) fn of(status: &Status) -> Self {
        let info = status.get_details_error_info().filter(|info| info.domain == ERROR_DOMAIN);
        let reason = info.map(|info| info.reason).unwrap_or_default();
        let said = || format!("labeler answers {:?} {reason}: {}", status.code(), status.message());
        if reason == Denial::DelegationRefused("").reason() {
            let said = "platform's key ring does not let it make the job's token; right: a key of platform's for background \
                        tokens with the trainer's scopes";
            return Self::lasting("TOKEN_NOT_MADE", said);
        }
        match status.code() {
            Code::PermissionDenied | Code::NotFound if is_of_the_object(&reason) => Self::lasting(
                "DATASET_REFUSED",
                "the dataset is gone, or the job's owner may no longer do this with it; right: ask its owner for access and retry the job",
            ),
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Unknown => Self::passing("LABELER_UNAVAILABLE", said()),
            Code::DataLoss => Self::lasting("DATASET_BROKEN", status.message()),
            Code::Unauthenticated => Self::passing("LABELER_REFUSES", said()),
            _ => Self::lasting("LABELER_FAILED", said()),
        }
    }

    /// The machine, not the job, is at fault.
    pub(crate) fn local(what: &str, error: &dyn std::fmt::Display) -> Self {
        Self::passing("WORKER_FAILED", format!("{what}: {error}"))
    }

    /// The disk takes no more.
    pub(crate) fn no_space(error: NoSpace) -> Self {
        Self::passing("DISK_FULL", error.to_string())
    }

    pub(crate) fn stopped() -> Self {
        Self::passing("STOPPED", "stopped on request")
    }
}

fn is_of_the_object(reason: &str) -> bool {
    let refused = Denial::ObjectRefused { kind: "dataset", permission: "read" };
    reason == refused.reason() || reason.ends_with("NOT_FOUND")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_service_is_tried_again_and_a_fault_is_not() {
        for (code, retryable) in [
            (Code::Unavailable, true),
            (Code::Aborted, true),
            (Code::Unauthenticated, true),
            (Code::InvalidArgument, false),
            (Code::Unimplemented, false),
            (Code::PermissionDenied, false),
            (Code::DataLoss, false),
        ] {
            assert_eq!(Failure::of(&Status::new(code, "x")).retryable, retryable, "{code:?}");
        }
    }
}
