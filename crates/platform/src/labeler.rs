//! Platform's side of Labeler: every call is made in the name of the caller of a handler, or not at all.

mod answer;
mod client;
mod peer;
mod relay;
mod resume;

pub(crate) use answer::{Asked, LabelerError};
pub(crate) use client::{LabelerClient, answered, relayed};
pub use peer::{Peer, is_serving};
pub(crate) use relay::relay;
pub(crate) use resume::download;
