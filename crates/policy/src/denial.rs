//! Every way in which a call is refused, and the one mapping from refusals to what the client is told.
//!
//! Invariant: a client learns a code, a fixed message, a stable reason and the decision's id; the cause stays in the log.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::{TokenError, TokenType};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{Action, DecisionId, Object, StepUp, push_back};

/// The `domain` of every `google.rpc.ErrorInfo` that Hallpass sends.
pub const ERROR_DOMAIN: &str = "hallpass";

/// Why a call is refused. `Display` is for the operator's log; it never holds a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// No RPC of this path has a rule.
    #[error("no rule for this path")]
    UnknownMethod,
    /// The RPC demands a token and the call has none.
    #[error("no authorization metadata")]
    TokenMissing,
    /// The metadata does not hold exactly one credential of the right form.
    #[error("malformed credentials: {0}")]
    CredentialsMalformed(&'static str),
    /// The token does not verify.
    #[error("token refused: {0}")]
    TokenInvalid(TokenError),
    /// The token has ended.
    #[error("token expired")]
    TokenExpired,
    /// The token is not valid yet.
    #[error("token not yet valid")]
    TokenNotYetValid,
    /// The token, an ancestor, its session or its key is revoked.
    #[error("token revoked")]
    TokenRevoked,
    /// A cut-off refuses the token, and whatever a clock within the skew issues until so long from now.
    #[error("token revoked by a cut-off; a new one counts in {0:?}")]
    TokenCutOff(Duration),
    /// The session has ended: its time is over, or nobody used it for too long.
    #[error("session ended: {0}")]
    SessionEnded(&'static str),
    /// The token is bound to a client certificate that this connection does not show.
    #[error("token bound to another client certificate")]
    BindingMismatch,
    /// Tokens of this kind may not call this RPC.
    #[error("token type {} not accepted", .0.as_str())]
    TypeNotAccepted(TokenType),
    /// The token is meant for another service.
    #[error("token not meant for audience {0}")]
    AudienceMismatch(&'static str),
    /// The token lacks the rule's scope.
    #[error("scope {0} missing")]
    ScopeMissing(&'static str),
    /// The rule demands an action token and the call has none.
    #[error("action token for audience {0} missing")]
    ActionMissing(&'static str),
    /// The rule knows no action token and the call has one.
    #[error("action token not expected")]
    ActionUnexpected,
    /// The action token belongs to another caller, is for another kind of object, or is none.
    #[error("action token does not belong to the caller, or not to the call")]
    ActionMismatch,
    /// The action token was good for one call, which has been made.
    #[error("action token spent")]
    TokenSpent,
    /// The user has none of the roles that the operation is for.
    #[error("one of the roles {} missing for {}", .0.roles.join(", "), .0.audience)]
    RoleMissing(&'static Action),
    /// The user has not proved who they are in the way, or not as lately, as the operation demands.
    #[error("a stronger or more recent authentication is required: {0:?}")]
    StepUpRequired(StepUp),
    /// The caller may not do this to the object, or it does not exist.
    #[error("object refused: {kind} {permission}")]
    ObjectRefused {
        /// The object's type.
        kind: &'static str,
        /// What was asked for.
        permission: &'static str,
    },
    /// The caller's token has storage grants, and they do not reach so far.
    #[error("storage not granted: {0}")]
    StorageNotGranted(
        /// The operation that would be needed, such as `s3:GetObject`.
        &'static str,
    ),
    /// The request does not name the object that the rule binds.
    #[error("{field}: {problem}")]
    ObjectIdInvalid {
        /// The request's field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The request's metadata has more bytes than are read.
    #[error("metadata too large: {bytes} bytes; limits.header_bytes is {most}")]
    MetadataTooLarge {
        /// As HTTP/2 counts: names, values, and 32 for each.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// The request message is longer than the rule allows.
    #[error("request message of {length} bytes, or more: at most {most}")]
    MessageTooLarge {
        /// How long it is, as far as that is known, in bytes.
        length: u64,
        /// How long it may be.
        most: u32,
    },
    /// The request is compressed in a way that this server does not know.
    #[error("compression not supported")]
    CompressionUnsupported,
    /// The request message is not what the contract says, or not even a message.
    #[error("request message unreadable: {0}")]
    MessageUnreadable(
        /// Why.
        Box<str>,
    ),
    /// The caller calls too often.
    #[error("too many calls; again in {0:?}")]
    TooMany(Duration),
    /// The revocation list is older than the bound: this node cannot know.
    #[error("revocation list is stale")]
    ListStale,
    /// Something that the decision needs did not answer.
    #[error("cannot decide: {0}")]
    CannotDecide(&'static str),
    /// The handler asked for a scope in the caller's name that its rule does not delegate, or its key may not sign.
    #[error("delegation refused: {0}")]
    DelegationRefused(&'static str),
    /// The server is put together wrongly.
    #[error("misconfigured: {0}")]
    Misconfigured(&'static str),
}

impl Denial {
    /// The code, the stable reason and the fixed message that a client gets. The one place where refusals become these.
    #[expect(clippy::too_many_lines, reason = "one table, which is read as a whole")]
    pub const fn answer(&self) -> (Code, &'static str, &'static str) {
        use Code as C;
        match self {
            Self::UnknownMethod => (C::Unimplemented, "UNKNOWN_METHOD", "unknown method"),
            Self::TokenMissing => {
                (C::Unauthenticated, "TOKEN_MISSING", "a bearer token is required")
            }
            Self::CredentialsMalformed(_) => (
                C::Unauthenticated,
                "CREDENTIALS_MALFORMED",
                "exactly one bearer token is required",
            ),
            Self::TokenInvalid(_) => {
                (C::Unauthenticated, "TOKEN_INVALID", "the token is not valid")
            }
            Self::TokenExpired => (C::Unauthenticated, "TOKEN_EXPIRED", "the token has expired"),
            Self::TokenNotYetValid => {
                (C::Unauthenticated, "TOKEN_NOT_YET_VALID", "the token is not valid yet")
            }
            Self::TokenRevoked => (C::Unauthenticated, "TOKEN_REVOKED", "the token is revoked"),
            Self::TokenCutOff(_) => (
                C::Unauthenticated,
                "TOKEN_REVOKED",
                "the token is revoked; a new one counts after the time that RetryInfo says",
            ),
            Self::SessionEnded(_) => {
                (C::Unauthenticated, "SESSION_ENDED", "the session has ended; open a new one")
            }
            Self::BindingMismatch => (
                C::Unauthenticated,
                "BINDING_MISMATCH",
                "the token is bound to another certificate",
            ),
            Self::TypeNotAccepted(_) => (
                C::PermissionDenied,
                "TYPE_NOT_ACCEPTED",
                "this kind of token may not call this method",
            ),
            Self::AudienceMismatch(_) => {
                (C::PermissionDenied, "AUDIENCE_MISMATCH", "the token is meant for another service")
            }
            Self::ScopeMissing(_) => {
                (C::PermissionDenied, "SCOPE_MISSING", "the token lacks a scope")
            }
            Self::ActionMissing(_) => {
                (C::PermissionDenied, "ACTION_MISSING", "an action token is required")
            }
            Self::ActionUnexpected => {
                (C::PermissionDenied, "ACTION_UNEXPECTED", "this method takes no action token")
            }
            Self::ActionMismatch => {
                (C::PermissionDenied, "ACTION_MISMATCH", "the action token is not the caller's")
            }
            Self::TokenSpent => {
                (C::Unauthenticated, "TOKEN_SPENT", "the action token has been used")
            }
            Self::RoleMissing(_) => {
                (C::PermissionDenied, "ROLE_MISSING", "the caller does not have the role for this")
            }
            Self::StepUpRequired(_) => (
                C::Unauthenticated,
                "INSUFFICIENT_USER_AUTHENTICATION",
                "a stronger or more recent authentication is required",
            ),
            Self::ObjectRefused { .. } => (
                C::PermissionDenied,
                "OBJECT_REFUSED",
                "the object does not exist or the caller may not do this to it",
            ),
            Self::StorageNotGranted(_) => (
                C::PermissionDenied,
                "STORAGE_NOT_GRANTED",
                "the token's storage grants do not allow this in the object's bucket",
            ),
            Self::ObjectIdInvalid { .. } => {
                (C::InvalidArgument, "OBJECT_ID_INVALID", "the request does not name its object")
            }
            Self::MetadataTooLarge { .. } => (
                C::ResourceExhausted,
                "METADATA_TOO_LARGE",
                "the request's metadata is too large; send less of it",
            ),
            Self::MessageTooLarge { .. } => (
                C::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
                "the request message is larger than this method takes",
            ),
            Self::CompressionUnsupported => (
                C::Unimplemented,
                "COMPRESSION_UNSUPPORTED",
                "the request's compression is not supported; use gzip or none",
            ),
            // The code is the one that gRPC has for it, although the caller is at fault.
            Self::MessageUnreadable(_) => {
                (C::Internal, "MESSAGE_UNREADABLE", "the request message cannot be decoded")
            }
            Self::TooMany(_) => (C::ResourceExhausted, "TOO_MANY", "too many calls"),
            Self::ListStale => (
                C::Unavailable,
                "LIST_STALE",
                "this node cannot tell what is revoked at the moment",
            ),
            Self::CannotDecide(_) => {
                (C::Unavailable, "CANNOT_DECIDE", "the call cannot be decided at the moment")
            }
            Self::DelegationRefused(_) => {
                (C::Internal, "DELEGATION_REFUSED", "the service may not ask this of another")
            }
            Self::Misconfigured(_) => {
                (C::Internal, "MISCONFIGURED", "the service is misconfigured")
            }
        }
    }

    /// What it means that the transport, which decodes messages before any handler is entered, answers for itself: that it cannot
    /// read one. All that we say has details.
    pub fn of_transport(status: &Status) -> Option<Self> {
        const LONGEST: usize = 128;
        let its_own = status.code() == Code::Internal && status.details().is_empty();
        its_own.then(|| Self::MessageUnreadable(status.message().chars().take(LONGEST).collect()))
    }

    /// The stable reason, such as `TOKEN_EXPIRED`; also the metrics' label.
    pub const fn reason(&self) -> &'static str {
        self.answer().1
    }

    /// What the client gets: the code, a fixed message, and `ErrorInfo` with the reason and the decision's id.
    pub fn into_status(self, decision: DecisionId) -> Status {
        let (code, reason, message) = self.answer();
        let mut metadata = self.required();
        metadata.insert("decision_id".to_owned(), decision.to_string());
        let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, metadata);
        let mut headers = MetadataMap::new();
        match self {
            Self::TooMany(wait) | Self::TokenCutOff(wait) => {
                details.set_retry_info(Some(wait));
                push_back(&mut headers, wait);
            }
            Self::ObjectIdInvalid { field, problem } => {
                details.add_bad_request_violation(field, problem);
            }
            Self::CompressionUnsupported => {
                let known = AsciiMetadataValue::from_static("gzip,identity");
                headers.insert("grpc-accept-encoding", known);
            }
            _ => {}
        }
        Status::with_error_details_and_metadata(code, message, details, headers)
    }

    /// What would be needed, where the client can do something about it (RFC 9470, section 3).
    fn required(&self) -> HashMap<String, String> {
        let facts: Vec<(&str, String)> = match self {
            Self::ActionMissing(audience) => vec![("audience", (*audience).to_owned())],
            Self::MetadataTooLarge { most, .. } => vec![("limit_bytes", most.to_string())],
            Self::MessageTooLarge { most, .. } => vec![("limit_bytes", most.to_string())],
            Self::StorageNotGranted(operation) => vec![("operation", (*operation).to_owned())],
            Self::RoleMissing(action) => vec![("roles", action.roles.join(" "))],
            Self::StepUpRequired(step_up) => {
                let error = ("error", "insufficient_user_authentication".to_owned());
                let amr = (!step_up.amr.is_empty()).then(|| ("amr_values", step_up.amr.join(" ")));
                let age = step_up.max_age.map(|age| ("max_age", age.as_secs().to_string()));
                std::iter::once(error).chain(amr).chain(age).collect()
            }
            _ => Vec::new(),
        };
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl From<TokenError> for Denial {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::TokenExpired,
            TokenError::NotYetValid => Self::TokenNotYetValid,
            other => Self::TokenInvalid(other),
        }
    }
}

/// A refusal together with the decision that it belongs to, as the log and the client know it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Why.
    pub denial: Denial,
    /// Which decision.
    pub decision: DecisionId,
    /// The object that the call was for, as far as it was looked at.
    pub object: Option<Object>,
    /// The bucket that the object lies in.
    pub bucket: Option<Arc<str>>,
}

impl Refusal {
    /// Of a call whose objects were not looked at.
    pub const fn new(denial: Denial, decision: DecisionId) -> Self {
        Self { denial, decision, object: None, bucket: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.denial, self.decision)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.denial.into_status(refusal.decision)
    }
}
