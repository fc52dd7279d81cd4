//! Decides who may call what, and gives out the proofs of it.
//!
//! Invariant: without a rule, a verified token that meets it and the object check that it names, there is no proof, and
//! without proof no handler is entered. The decision itself (`decide`) does no I/O and reads no clock.

mod action;
pub mod adapter;
mod decision;
mod denial;
mod desk;
mod object;
mod permit;
mod proof;
mod pushback;
mod record;
mod rule;
mod user;
mod validity;
mod witness;

pub use action::{Action, StepUp};
pub use decision::{
    Credential, DecisionId, Facts, KeyEntry, ListState, NoDecisionId, concerns_action, decide,
};
pub use denial::{Denial, ERROR_DOMAIN, Refusal};
pub use desk::{ActionDesk, Claimed, Desk, Outcome};
/// The kinds of token, as rules name them.
pub use hallpass_token::TokenType;
pub use object::Object;
pub use permit::Permit;
pub use proof::{Granted, ObjectPolicy, Permission, Seen, Unknown, Verdict, Visible};
pub use pushback::push_back;
pub use record::Failure;
pub use rule::{Access, Resource, Rule, ServiceDeclaration, WhenStale};
pub use user::{current_user, for_current_user};
pub use validity::validity;
pub use witness::Witness;
