//! Why a call was refused, in words for whoever called.
//!
//! Invariant: no wildcard arm; what a refusal hides from its caller, the explanation hides as well.

use hallpass_contract::auth::ExplainRefusalResponse;
use hallpass_guard::{Refused, Why};
use hallpass_policy::{Access, Denial, Failure, Rule};
use tonic::Code;

use super::allowed::proof;
use crate::instant::timestamp;

/// What a caller is told of their refused call; an administrator the cause as well.
pub(super) fn told(
    refused: &Refused,
    environment: &'static str,
    admin: bool,
) -> ExplainRefusalResponse {
    let caller = refused.caller.as_ref();
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let (code, explanation, remedy, cause) = match &refused.why {
        Why::Denied(denial) => {
            let explained = explanation(denial, refused.rule);
            (denial.answer().0, explained, remedy(denial), denial.to_string())
        }
        Why::Failed(failure) => {
            (failure.code, failure.message.clone(), mend(failure), failed(failure))
        }
    };
    ExplainRefusalResponse {
        decision_id: refused.decision.to_string(),
        environment: environment.to_owned(),
        refuse_time: Some(timestamp(refused.at)),
        rpc: refused.path.trim_start_matches('/').to_owned(),
        code: name(code),
        reason: refused.why.reason().to_owned(),
        explanation,
        remedy,
        token_type: caller.map(|of| of.token_type.as_str().to_owned()).unwrap_or_default(),
        token_id: text(caller.and_then(|caller| caller.token_id.as_deref())),
        cause: if admin { cause } else { String::new() },
        object: refused.object.as_ref().map(ToString::to_string).unwrap_or_default(),
        subject: text(caller.and_then(|caller| caller.subject.as_deref())),
        session_id: text(caller.and_then(|caller| caller.session.as_deref())),
        key_id: text(caller.map(|caller| &*caller.key_id)),
    }
}

fn explanation(denial: &Denial, rule: Option<&'static Rule>) -> String {
    let (_, _, message) = denial.answer();
    match denial {
        Denial::TypeNotAccepted(kind) => {
            let kinds = rule.map(kinds).unwrap_or_default();
            format!("the RPC takes {kinds} tokens; the call had a {kind} token")
        }
        Denial::AudienceMismatch(audience) => {
            format!("the token is not meant for the audience {audience}")
        }
        Denial::ScopeMissing(scope) => {
            format!("the RPC demands the scope {scope}, which the token lacks")
        }
        Denial::ActionMissing(audience) => {
            format!(
                "the RPC is an elevated operation: it demands an action token with the audience {audience}"
            )
        }
        Denial::RoleMissing(action) => {
            format!(
                "{} is for {}; the token names none of them",
                action.audience,
                action.roles.join(", ")
            )
        }
        Denial::StepUpRequired(step_up) => {
            format!(
                "the operation demands that the user has proved who they are: {}",
                proof(step_up)
            )
        }
        Denial::ObjectRefused { kind, permission } => {
            format!("the {kind} does not exist, or the caller may not {permission} it")
        }
        Denial::StorageNotGranted(operation) => {
            format!(
                "the token's storage grants do not hold {operation} for the bucket of the object"
            )
        }
        Denial::ObjectIdInvalid { field, problem } => {
            format!("the request's field {field} {problem}")
        }
        Denial::MetadataTooLarge { bytes, most } => {
            format!("the call had {bytes} bytes of metadata; {most} are taken")
        }
        Denial::MessageTooLarge { length, most } => {
            format!(
                "the request message had {length} bytes or more, decompressed; the RPC takes {most}"
            )
        }
        Denial::MessageUnreadable(why) => format!("the request message cannot be decoded: {why}"),
        Denial::TooMany(wait) => format!("too many calls; the wait was {} ms", wait.as_millis()),
        Denial::UnknownMethod
        | Denial::TokenMissing
        | Denial::CredentialsMalformed(_)
        | Denial::TokenInvalid(_)
        | Denial::TokenExpired
        | Denial::TokenNotYetValid
        | Denial::TokenRevoked
        | Denial::TokenCutOff(_)
        | Denial::SessionEnded(_)
        | Denial::BindingMismatch
        | Denial::ActionUnexpected
        | Denial::ActionMismatch
        | Denial::TokenSpent
        | Denial::CompressionUnsupported
        | Denial::ListStale
        | Denial::CannotDecide(_)
        | Denial::DelegationRefused(_)
        | Denial::Misconfigured(_) => message.to_owned(),
    }
}

fn remedy(denial: &Denial) -> String {
    match denial {
        Denial::UnknownMethod => "look the RPC up with `hallpass rules`",
        Denial::TokenMissing | Denial::CredentialsMalformed(_) => {
            "send exactly one `authorization: Bearer TOKEN`"
        }
        Denial::TokenInvalid(_) => "get a new token from whoever issued this one",
        Denial::TokenExpired => "get a new token",
        Denial::TokenNotYetValid => "wait until it is valid, or set the issuer's clock right",
        Denial::TokenRevoked | Denial::TokenCutOff(_) => {
            "log in anew; whoever revoked it has the reason in the record"
        }
        Denial::SessionEnded(_) => "open a new session with `hallpass session open`",
        Denial::BindingMismatch => "connect with the client certificate that the token is bound to",
        Denial::TypeNotAccepted(_) | Denial::AudienceMismatch(_) => {
            "call the service that the token is for; users call Platform"
        }
        Denial::ScopeMissing(_) => "ask for a token that holds the scope",
        Denial::ActionMissing(_) => {
            "get one with `hallpass action issue AUDIENCE` and send it in `hallpass-action`"
        }
        Denial::ActionUnexpected => "leave `hallpass-action` out",
        Denial::ActionMismatch => {
            "send an action token of your own, got for this operation and object"
        }
        Denial::TokenSpent => "get another action token: it was good for one call",
        Denial::RoleMissing(_) => "ask whoever gives out the roles",
        Denial::StepUpRequired(_) => {
            "log in again in the way that is demanded, then repeat the call"
        }
        Denial::ObjectRefused { .. } => "check the id, and ask the object's owner for access",
        Denial::StorageNotGranted(_) => {
            "ask for a token whose storage grants name the bucket and the operation"
        }
        Denial::ObjectIdInvalid { .. } => "name the object in the request",
        Denial::MetadataTooLarge { .. } => {
            "send less metadata; a long token can be exchanged for a session's handle"
        }
        Denial::MessageTooLarge { .. } => "send less at a time",
        Denial::CompressionUnsupported => "compress with gzip, or not at all",
        Denial::MessageUnreadable(_) => "build the client from the protos of this server",
        Denial::TooMany(_) => "wait as long as RetryInfo says",
        Denial::ListStale | Denial::CannotDecide(_) => "try again a little later",
        Denial::DelegationRefused(_) | Denial::Misconfigured(_) => {
            "tell the operator, with the decision's id"
        }
    }
    .to_owned()
}

/// What to do where it was the handler that did not do the call.
fn mend(failure: &Failure) -> String {
    match failure.code {
        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded => "try again a little later",
        Code::ResourceExhausted => "wait, or make room, as the answer says",
        Code::Internal | Code::Unknown | Code::DataLoss => {
            "tell the operator, with the decision's id"
        }
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => "change the request as the answer says",
    }
    .to_owned()
}

fn failed(failure: &Failure) -> String {
    let elsewhere = failure.elsewhere.as_ref();
    let elsewhere =
        elsewhere.map(|id| format!("; passed on from decision {id}")).unwrap_or_default();
    format!("refused by the handler: {}{elsewhere}", failure.message)
}

fn kinds(rule: &Rule) -> String {
    match rule.access {
        Access::Public => String::new(),
        Access::Tokens { types, .. } => {
            types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" and ")
        }
    }
}

/// The code's name as gRPC has it.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
