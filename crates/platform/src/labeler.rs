//! Platform's side of Labeler: every call is made in the name of the caller of a handler, or not at all.

mod answer;
mod client;
mod peer;
mod upload;

pub(crate) use answer::LabelerError;
pub(crate) use client::LabelerClient;
pub use peer::{Peer, is_serving};
