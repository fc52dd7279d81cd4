//! JSON files: read as a stream, with errors for people, and told apart by what they hold.
//!
//! Promise: no tree of a file is made; what is kept of it is bounded, whatever its size.

mod glimpse;
mod kind;
mod plain;
mod watch;

pub(crate) use kind::{JsonKind, Tool, kind_of};
pub(crate) use plain::refusal;
pub(crate) use watch::{Position, Watched};
