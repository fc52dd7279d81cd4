//! The revocation list: durable on disk, looked up in memory, fed from the issuer to every node.
//!
//! Invariant: once [`List::revoke`] has returned, no later look-up on this node misses the entry, whatever happens to the process
//! or the power; and a node that cannot know by `max_staleness` says so through its [`Freshness`].
//!
//! On the path of a call: read [`Freshness`] first, then the [`Index`]. In the other order an entry that arrives in between is
//! missed while the node already counts as fresh. Neither read waits for a disk or for a writer.

mod applying;
mod claims;
mod entry;
pub mod feed;
mod freshness;
mod index;
mod list;
mod sessions;
mod sweep_clock;

pub use applying::Applying;
pub use claims::{Claim, ClaimStore, Claiming, Claims, ClaimsError};
pub use entry::{Entry, Forgotten, Note};
pub use freshness::{Freshness, boot_now};
pub use index::{Index, Usage};
pub use list::{
    List, Listed, OpenError, Opened, Options, ReadError, Stats, StoreError, WriteError,
};
pub use sessions::{
    Absent, BeginError, Handle, NewSession, Session, SessionLimits, SessionNews, SessionNewsKind,
    Sessions, SessionsError,
};
pub use sweep_clock::SweepClock;
