//! An object as a call names it, for the log and for whoever asks why a call was refused.

use std::fmt;
use std::sync::Arc;

/// An object by its type and the id that the call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its declared type, such as "dataset".
    pub kind: &'static str,
    /// Its id, in the caller's words.
    pub id: Arc<str>,
}

impl Object {
    /// Of a type, with an id.
    pub fn new(kind: &'static str, id: &str) -> Self {
        Self { kind, id: id.into() }
    }

    /// The id for the log: what looks like a token or a session's handle in the place of an id is not shown.
    pub fn shown(&self) -> &str {
        let is_credential = ["eyJ", "hps_"].iter().any(|start| self.id.starts_with(start));
        if is_credential { "(a credential in the place of an id)" } else { &self.id }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.shown())
    }
}
