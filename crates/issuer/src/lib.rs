//! The auth services themselves: holders revoke tokens and look into them, users get tokens for elevated operations, operators revoke by name, nodes follow the list.
//!
//! Invariant: what is acknowledged as revoked is durable. Exactly one node hosts these services: the one that owns the list.

mod action_service;
mod audit;
mod delegate;
mod delegation_service;
mod delegations;
mod diagnostics;
mod error;
mod holder;
mod instant;
mod issue;
mod issued;
mod issuer;
mod key_service;
mod listed;
mod present;
mod rate;
mod revocation_service;
mod revoke_many;
mod rotation;
mod seldom;
mod session_service;
mod target;
mod token_service;
mod usage;
mod watch;
mod wire;

pub use delegations::{Delegations, DelegationsError};
pub use diagnostics::{Answer, Diagnostics, Elsewhere};
pub use issuer::Issuer;
pub use rotation::{RingStore, RotationError, Step, Successor};

#[cfg(test)]
mod tests;
