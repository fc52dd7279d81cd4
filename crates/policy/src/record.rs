//! What becomes of a call after it was let through: told to the permit's witness, so that every refusal is recorded with who it was, and given
//! to the client with the decision's id, under which its cause can be found.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{DecisionId, ERROR_DOMAIN, Object, Permit};

/// The name of the fact in `ErrorInfo` that holds the decision's id.
const DECISION: &str = "decision_id";

/// A call that its handler did not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The decision that let the call through.
    pub decision: DecisionId,
    /// What the client gets.
    pub code: Code,
    /// The stable reason; empty where the handler gives none.
    pub reason: String,
    /// What the client is told.
    pub message: String,
    /// The decision of another service whose refusal the handler passes on.
    pub elsewhere: Option<String>,
    /// The object that the call was for.
    pub object: Option<Object>,
}

/// A handler's error as the client gets it. A refusal that the permit made has been recorded already.
pub(crate) fn failed(permit: &Permit, object: Option<Object>, status: Status) -> Status {
    let details = status.get_error_details();
    let info = details.error_info();
    let named = info.and_then(|info| info.metadata.get(DECISION));
    if named.is_some_and(|id| id.parse() == Ok(permit.decision())) {
        return status;
    }
    let failure = Failure {
        decision: permit.decision(),
        code: status.code(),
        reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
        message: status.message().to_owned(),
        elsewhere: named.cloned(),
        object,
    };
    permit.tell_failed(&failure);
    let own = info.is_some_and(|info| info.domain == ERROR_DOMAIN);
    if own && named.is_none() { with_decision(&status, details, permit.decision()) } else { status }
}

/// The same status, which names the decision.
fn with_decision(status: &Status, mut details: ErrorDetails, decision: DecisionId) -> Status {
    if let Some(info) = details.error_info() {
        let (reason, mut metadata) = (info.reason.clone(), info.metadata.clone());
        metadata.insert(DECISION.to_owned(), decision.to_string());
        details.set_error_info(reason, ERROR_DOMAIN, metadata);
    }
    let (code, message, metadata) = (status.code(), status.message(), status.metadata().clone());
    Status::with_error_details_and_metadata(code, message, details, metadata)
}
