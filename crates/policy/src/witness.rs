//! Whoever keeps an eye on calls that were let through: each refusal is told once, by whom it is made, before the caller hears of it; and a
//! message that came late is not handed on under a permit that would not be given any more.

use std::fmt;
use std::time::Duration;

use hallpass_token::Fingerprint;

use crate::adapter::FIRST_MESSAGE_WITHIN;
use crate::{Denial, Failure, Permit, Refusal};

/// Learns of every refusal of calls that were let through at first: by the object check, by a desk, by a handler.
pub trait Witness: fmt::Debug + Send + Sync + 'static {
    /// A call was refused under this permit. Must not wait: it is on the path of the call.
    fn refused(&self, permit: &Permit, refusal: &Refusal);

    /// A handler did not do what it was called for. Must not wait.
    fn failed(&self, permit: &Permit, failure: &Failure);

    /// A handler did what it was called for, under a rule whose calls are recorded. Must not wait.
    fn answered(&self, permit: &Permit);

    /// Whether a line of the record that tells of no change is to be written; otherwise it is counted. What it is about, if anything, has
    /// lines of its own. Must not wait.
    fn lists(&self, _permit: &Permit, _line: &'static str, _about: Option<Fingerprint>) -> bool {
        true
    }

    /// Whether the permit still holds ([`validity`](crate::validity)): asked when the call's message has arrived, which its client may
    /// have withheld for long. Must not wait.
    fn upholds(&self, permit: &Permit) -> Result<(), Denial>;

    /// How long the first message of a client's stream may take.
    fn first_message_within(&self) -> Duration {
        FIRST_MESSAGE_WITHIN
    }
}
