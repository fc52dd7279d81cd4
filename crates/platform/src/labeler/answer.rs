//! What an answer of Labeler means for the caller of Platform.
//!
//! Invariant: one mapping, without a wildcard arm. The caller learns of Labeler what concerns the request; what concerns the two
//! services' own dealings stays between them.

use std::error::Error as _;

use hallpass_contract::can;
use hallpass_contract::storage::Need;
use hallpass_policy::{Denial, ERROR_DOMAIN, Granted, Permission, Permit, Refusal, push_back};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Why Labeler did not do what it was asked for in a caller's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabelerError {
    /// It concerns the request, in Labeler's words.
    #[error("labeler says {}: {}", .0.code(), .0.message())]
    Told(Box<Status>),
    /// The caller may not, or no longer.
    #[error("labeler refuses: {0}")]
    Refused(Refusal),
    /// Labeler cannot be reached, or cannot know at the moment.
    #[error("labeler cannot be reached")]
    Unreachable,
    /// Labeler did not answer within the caller's deadline.
    #[error("labeler did not answer in time")]
    TooLate,
    /// Labeler failed, or the two services do not fit together.
    #[error("labeler answers {code}: {reason}")]
    Broken {
        /// The code of its answer.
        code: Code,
        /// The stable reason that it gave, or else its message.
        reason: String,
    },
    /// A file is another than when its download began.
    #[error("a file has changed since its download began")]
    Changed,
    /// Labeler's answer lacks what it is about.
    #[error("labeler answers {0} with nothing")]
    Empty(
        /// The method.
        &'static str,
    ),
}

/// What a Labeler says to which the storage grants in Platform's token do not reach.
const NOT_GRANTED: &str = Denial::StorageNotGranted("").reason();

/// In whose name a call was made and what the caller wanted to do to which kind of object.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    permit: Permit,
    kind: &'static str,
    permission: &'static str,
}

impl Asked {
    /// With the proof that the caller may.
    pub(crate) fn with<P: Permission>(proof: &Granted<P>) -> Self {
        Self { permit: proof.permit().clone(), kind: P::KIND, permission: P::NAME }
    }

    /// Without an object that was checked; what is refused is then a dataset.
    pub(crate) fn by(permit: &Permit, permission: &'static str) -> Self {
        Self { permit: permit.clone(), kind: can::ReadDataset::KIND, permission }
    }

    /// What an error that answered the call means.
    pub(crate) fn understand(&self, status: &Status) -> LabelerError {
        use Code as C;
        match status.code() {
            C::InvalidArgument
            | C::NotFound
            | C::AlreadyExists
            | C::ResourceExhausted
            | C::FailedPrecondition
            | C::Aborted
            | C::OutOfRange => LabelerError::Told(Box::new(retold(status))),
            C::PermissionDenied => self.forbidden(status),
            C::Unauthenticated => self.unauthenticated(status),
            C::Unavailable => LabelerError::Unreachable,
            // Labeler did not say it: its connection ended in the middle.
            C::Unknown | C::Internal if status.source().is_some() => LabelerError::Unreachable,
            // A timer that ran out, on either side, makes tonic say CANCELLED.
            C::DeadlineExceeded | C::Cancelled => LabelerError::TooLate,
            C::Ok | C::Unknown | C::Internal | C::Unimplemented | C::DataLoss => broken(status),
        }
    }

    /// Whether the call ended because its token did: Platform's own, or with it the caller's. Where nobody reads, the stream is reset
    /// before it can say so.
    pub(crate) fn token_ended(status: &Status) -> bool {
        let reason = reason(status);
        match status.code() {
            Code::Unauthenticated => reason.as_deref() == Some(Denial::TokenExpired.reason()),
            Code::Cancelled => reason.is_none(),
            _ => false,
        }
    }

    /// The object is refused to the caller; any other refusal is about the token that Platform made.
    fn forbidden(&self, status: &Status) -> LabelerError {
        let denial = Denial::ObjectRefused { kind: self.kind, permission: self.permission };
        match reason(status).as_deref() {
            Some(said) if said == denial.reason() => self.refused(denial),
            Some(said) if said == NOT_GRANTED => {
                self.refused(Denial::StorageNotGranted(Need::of(self.permit.rule()).name()))
            }
            Some(_) | None => broken(status),
        }
    }

    /// Platform's token ended or is revoked only with the caller's own, which it descends from.
    fn unauthenticated(&self, status: &Status) -> LabelerError {
        let own = [Denial::TokenRevoked, Denial::TokenExpired];
        let said = reason(status);
        match own.into_iter().find(|denial| said.as_deref() == Some(denial.reason())) {
            Some(denial) => self.refused(denial),
            None => broken(status),
        }
    }

    fn refused(&self, denial: Denial) -> LabelerError {
        LabelerError::Refused(self.permit.refuse(denial))
    }
}

/// The same code, message, fields, wait and reason; nothing else of what Labeler sent.
fn retold(status: &Status) -> Status {
    let said = status.get_error_details();
    let mut details = ErrorDetails::new();
    if let Some(reason) = reason(status) {
        details.set_error_info(reason, ERROR_DOMAIN, []);
    }
    if let Some(wrong) = said.bad_request() {
        details.set_bad_request(wrong.field_violations.clone());
    }
    let mut metadata = MetadataMap::new();
    if let Some(wait) = said.retry_info() {
        details.set_retry_info(wait.retry_delay);
        push_back(&mut metadata, wait.retry_delay.unwrap_or_default());
    }
    Status::with_error_details_and_metadata(status.code(), status.message(), details, metadata)
}

fn broken(status: &Status) -> LabelerError {
    let reason = reason(status).unwrap_or_else(|| status.message().to_owned());
    LabelerError::Broken { code: status.code(), reason }
}

/// The stable reason of an error of ours.
fn reason(status: &Status) -> Option<String> {
    let info = status.get_details_error_info()?;
    (info.domain == ERROR_DOMAIN).then_some(info.reason)
}

#[cfg(test)]
mod tests {
    use hallpass_policy::DecisionId;

    use super::*;

    #[test]
    fn what_ended_with_its_token_or_was_reset_may_go_on_with_another_token() {
        let said = |denial: Denial| denial.into_status(DecisionId::new(1, 1));
        for (status, goes_on) in [
            (said(Denial::TokenExpired), true),
            (Status::cancelled("h2 protocol error: http2 error"), true),
            (said(Denial::TokenRevoked), false),
            (said(Denial::ListStale), false),
            (Status::unauthenticated("by somebody else"), false),
        ] {
            assert_eq!(Asked::token_ended(&status), goes_on, "{status}");
        }
    }
}
