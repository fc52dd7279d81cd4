//! The server's half: every call is decided before its handler is entered, and a stream as long as it lasts.

mod actions;
mod cache;
mod call;
mod caller;
mod credentials;
mod cutoff;
mod fair;
mod guard;
mod holder;
mod layer;
mod limits;
mod message;
mod public;
mod refusals;
mod remembered;
mod report;
mod response;
mod session;
mod setup;
mod slots;
mod streams;
mod tokens;
mod usage;
mod verifications;
mod watch;

pub use actions::Actions;
pub use credentials::ClientCertificate;
pub use guard::{Counts, Guard};
pub use layer::{GuardLayer, Guarded};
pub use limits::{CallLimits, PeerAddress};
pub use public::{PUBLIC_RULES, public_rule};
pub use refusals::{Refusals, Refused, RefusedCaller, Why};
pub use setup::GuardSetup;
pub use slots::SlotLimits;
pub use usage::UsageRow;
