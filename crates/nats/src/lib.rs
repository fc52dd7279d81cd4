//! Revocations, claims and sessions through NATS `JetStream`, where one issuer's own feed is outgrown.
//!
//! Invariant: what an issuer has acknowledged is in the stream or in that issuer's own list, from which the stream is filled again;
//! and a node is fresh only if the stream itself, asked by the node, had nothing that the node has not applied. Nothing that
//! happens to the stream revokes less: what is removed from it stays revoked on every node.
//!
//! [`Following`] brings the stream to a node's list, [`Carrying`] an issuer's list to the stream, [`SharedClaims`] keeps the claims on
//! tokens that are good for one call, [`SharedSessions`] lets a handle be good at every Platform. docs/nats.md tells how they go together.

mod carry;
mod claims;
mod connection;
mod error;
mod follow;
mod link;
mod messages;
mod place;
mod sessions;
mod stream;

pub use carry::Carrying;
pub use claims::SharedClaims;
pub use connection::{Login, Mesh, Settings};
pub use error::{ConnectError, StreamError};
pub use follow::Following;
pub use sessions::SharedSessions;
pub use stream::check;
