//! Everything that can go wrong here, and the one mapping to what clients are told.
//!
//! Invariant: no wildcard arm; the cause of what is the operator's to mend is logged here, and the client gets a fixed message.

use std::time::Duration;

use hallpass_policy::{ERROR_DOMAIN, Refusal, push_back};
use hallpass_revocation::{ReadError, WriteError, boot_now};
use hallpass_token::MintError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::rotation::RotationError;
use crate::seldom::Seldom;

/// Why a service here does not do what it was asked for. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field of the request is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// The request's field, dotted where nested.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A field of the request is wrong, and what would be right depends.
    #[error("{field}: {problem}")]
    Wrong {
        /// The request's field, dotted where nested.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The caller is not what an operation demands.
    #[error("{0}")]
    Refused(Refusal),
    /// No key of the ring may sign what is asked for.
    #[error("the key ring has no active private key of platform that signs tokens for {0}")]
    NoSigner(&'static str),
    /// The rings are not changed.
    #[error("keys are not rotated: {0}")]
    Unrotated(#[from] RotationError),
    /// A new key is to sign that verifiers elsewhere do not know.
    #[error("{successor} is not known to the verifiers of {audiences}")]
    VerifiersElsewhere {
        /// The new key.
        successor: String,
        /// The audiences of its tokens whose verifiers' rings are not at hand.
        audiences: String,
    },
    /// There are too many of something.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// The system gives no random bits.
    #[error("no randomness")]
    NoRandomness,
    /// The token is not minted.
    #[error("token not minted: {0}")]
    Unminted(#[from] MintError),
    /// The token is another's, and the caller is no administrator.
    #[error("the token is not the caller's")]
    NotTheCallers,
    /// An administrator presents what leaves nothing to record.
    #[error("nothing was revoked: {0}")]
    NotRecorded(&'static str),
    /// Nothing is revoked under the name.
    #[error("nothing is revoked under this name")]
    NotRevoked,
    /// No refusal of the caller's is remembered under the id.
    #[error("no refusal of the caller's has this id")]
    RefusalUnknown,
    /// The process that may know of a refusal does not answer.
    #[error("the other process cannot be asked: {}", .0.code())]
    Elsewhere(Status),
    /// The follower's side of the feed failed.
    #[error("the follower's stream: {}", .0.code())]
    Follower(Status),
    /// The revocation could not be made durable.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A session is durable here, but the other Platforms do not know it: its handle is given to nobody.
    #[error("the other Platforms cannot be told of a session")]
    SessionNotShared,
    /// The list could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The task that reads the list ended without an answer.
    #[error("the reading task ended without an answer")]
    TaskLost,
    /// The server is put together wrongly.
    #[error("the permit holds no token")]
    NoToken,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match &error {
            Error::Invalid { field, problem } => invalid(field, problem),
            Error::Wrong { field, problem } => invalid(field, problem),
            Error::Refused(refusal) => refusal.clone().into(),
            Error::Unminted(MintError::ChainTooLong) => answer(
                Code::FailedPrecondition,
                "CHAIN_TOO_LONG",
                "the token has too many ancestors to have another descendant",
            ),
            Error::Unminted(MintError::ParentExpired) => {
                answer(Code::Unauthenticated, "TOKEN_EXPIRED", "the token has expired")
            }
            Error::Unminted(MintError::NotTheParents("actions")) => answer(
                Code::PermissionDenied,
                "ACTION_NOT_DELEGATED",
                "the agent was not given this operation",
            ),
            Error::TooMany(what) => {
                answer(Code::ResourceExhausted, "TOO_MANY", &format!("too many {what}"))
            }
            Error::Unrotated(RotationError::Busy(_)) => {
                tracing::warn!(%error, "the same call goes on where this one ended");
                answer(Code::Aborted, "RINGS_BUSY", "the key rings are being changed; try again")
            }
            Error::Unrotated(RotationError::Failed(_)) => {
                tracing::error!(%error, "the rings are as they were, or the same call goes on");
                answer(Code::Internal, "RINGS_UNCHANGED", "the key rings cannot be changed")
            }
            Error::VerifiersElsewhere { successor, audiences } => answer(
                Code::FailedPrecondition,
                "VERIFIERS_ELSEWHERE",
                &format!(
                    "{successor} is prepared; right: add it to the rings of {audiences} (`hallpass keys export`, `add`), then the \
                     same call again"
                ),
            ),
            Error::NoRandomness => {
                tracing::error!(%error, "a token is not issued");
                answer(Code::Unavailable, "NO_RANDOMNESS", "no token can be made at the moment")
            }
            Error::NotTheCallers => {
                answer(Code::PermissionDenied, "NOT_THE_CALLERS", "the token is not the caller's")
            }
            Error::NotRecorded(_) => answer(Code::NotFound, "NOT_RECORDED", &error.to_string()),
            Error::NotRevoked => {
                answer(Code::NotFound, "NOT_REVOKED", "nothing is revoked under this name")
            }
            Error::RefusalUnknown => answer(
                Code::NotFound,
                "REFUSAL_UNKNOWN",
                "no refusal of the caller's is remembered under this id",
            ),
            Error::Elsewhere(_) => {
                tracing::warn!(%error, "a refusal is not explained");
                answer(
                    Code::Unavailable,
                    "LABELER_UNAVAILABLE",
                    "not known here, and Labeler cannot be asked at the moment",
                )
            }
            Error::Follower(status) => status.clone(),
            Error::Write(_) | Error::SessionNotShared => unwritten(&error),
            Error::Read(_) | Error::TaskLost => {
                tracing::error!(%error, "the revocation list cannot be fed");
                answer(Code::Unavailable, "LIST_UNREADABLE", "the list cannot be read")
            }
            Error::NoToken | Error::NoSigner(_) | Error::Unminted(_) => {
                tracing::error!(%error, "misconfigured");
                answer(Code::Internal, "MISCONFIGURED", "the service is misconfigured")
            }
        }
    }
}

/// A list whose disk is well again accepts entries within this.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A full disk refuses every call; what each was about is in the audit lines.
static UNWRITTEN: Seldom = Seldom::new();

/// What was not kept, or not told to those who have to know.
fn unwritten(error: &Error) -> Status {
    let (reason, message) = match error {
        Error::SessionNotShared => (
            "NOT_CARRIED",
            "no session is opened: the other Platforms cannot be told at the moment; try again",
        ),
        Error::Write(WriteError::NotCarried) => (
            "NOT_CARRIED",
            "the revocation is kept and in force here, but the other nodes cannot be told yet; ask again",
        ),
        _ => ("NOT_DURABLE", "it cannot be made durable at the moment; try again"),
    };
    if let Some(left_out) = UNWRITTEN.may_write(boot_now()) {
        tracing::error!(%error, left_out, "not acknowledged");
    }
    let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, []);
    details.set_retry_info(Some(TRY_AGAIN_AFTER));
    let mut status = Status::with_error_details(Code::Unavailable, message, details);
    push_back(status.metadata_mut(), TRY_AGAIN_AFTER);
    status
}

fn answer(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, []);
    Status::with_error_details(code, message, details)
}

fn invalid(field: &str, problem: &str) -> Status {
    let mut details = ErrorDetails::with_error_info("FIELD_INVALID", ERROR_DOMAIN, []);
    details.add_bad_request_violation(field, problem);
    Status::with_error_details(Code::InvalidArgument, format!("{field} {problem}"), details)
}
