//! The one guard: no call reaches a handler, and none leaves for another service, without a decision.
//!
//! Invariant: whatever cannot be read, verified or known is a refusal. A server's half ([`Guard`], feature `serve`) gathers the facts
//! and lets `hallpass_policy::decide` decide; a client's half ([`AttachLayer`]) mints the narrowest token that the called RPC's rule
//! demands. No token is logged, and none reaches a handler.

mod attach;
mod clock;
mod deadline;
mod decisions;
#[cfg(feature = "serve")]
mod follow;
mod keys;
#[cfg(feature = "serve")]
mod pace;
#[cfg(feature = "serve")]
mod serve;

pub use attach::{
    Attach, AttachError, AttachLayer, Attached, Background, Job, PatienceLayer, Patient, Sending,
    TokenExpiry, as_service, elevate, on_behalf,
};
pub use clock::Clock;
pub use deadline::Deadline;
pub use decisions::Decisions;
#[cfg(feature = "serve")]
pub use follow::Following;
pub use keys::Keys;
#[cfg(feature = "serve")]
pub use pace::Pace;
#[cfg(feature = "serve")]
pub use serve::{
    Actions, CallLimits, CallTask, ClientCertificate, Counts, Guard, GuardLayer, GuardSetup,
    Guarded, HTTP_PATHS, PUBLIC_RULES, PeerAddress, Refusals, Refused, RefusedCaller, Serving,
    SlotLimits, Taken, UsageRow, Why, call_task, http_path, network, public_rule,
};

/// Finds the rule of an RPC by its path, `/package.Service/Method`. The contract's `rule` is one.
pub type Rules = fn(&str) -> Option<&'static hallpass_policy::Rule>;

/// The metadata that carries an action token beside the caller's own, without a scheme.
pub const ACTION_HEADER: http::HeaderName = http::HeaderName::from_static(ACTION_NAME);

const ACTION_NAME: &str = "hallpass-action";
