//! Whoever keeps an eye on refusals: each is told once, by whom it is made, before the caller hears of it.

use std::fmt;

use crate::{Permit, Refusal};

/// Learns of every refusal of calls that were let through at first: by the object check, by a desk, by a handler.
pub trait Witness: fmt::Debug + Send + Sync + 'static {
    /// A call was refused under this permit. Must not wait: it is on the path of the call.
    fn refused(&self, permit: &Permit, refusal: &Refusal);
}
