//! Finds a claim by name or by the way to it, and the values that it holds.

use serde_json::{Map, Value};

use crate::claim_members::said_names;

/// Where a claim stands in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimPath {
    /// Its whole name, or the names on the way to it with dots between, which may have dots themselves: `realm_access.roles`.
    Dotted(String),
    /// The names on the way to it, each as it stands.
    Names(Vec<String>),
}

impl ClaimPath {
    /// The claim, if the token has it.
    pub(super) fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        match self {
            Self::Dotted(path) => find(claims, path),
            Self::Names(names) => {
                let (last, way) = names.split_last()?;
                let inner = |claims: &'a Map<String, Value>, name: &String| {
                    claims.get(name).and_then(Value::as_object)
                };
                way.iter().try_fold(claims, inner)?.get(last)
            }
        }
    }

    /// Whether it is the claim of this name.
    pub(super) fn is(&self, claim: &str) -> bool {
        match self {
            Self::Dotted(path) => path == claim,
            Self::Names(names) => names.len() == 1 && names[0] == claim,
        }
    }

    /// Whether it names a claim.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Dotted(path) => !path.is_empty(),
            Self::Names(names) => !names.is_empty() && names.iter().all(|name| !name.is_empty()),
        }
    }
}

impl From<&str> for ClaimPath {
    fn from(path: &str) -> Self {
        Self::Dotted(path.to_owned())
    }
}

/// The claim of this whole name; else the one at the end of the way. Where a dot parts two names is up to the token: short names come first.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let inner = claims.get(&path[..dot])?.as_object()?;
        find(inner, &path[dot + 1..])
    })
}

/// The scopes that a claim holds: each text of a list, or the words of a text (RFC 6749, section 3.3). Anything else is skipped.
pub(super) fn scopes(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => text.split_ascii_whitespace().collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The roles or groups that a claim holds: a text, the texts of a list, or the names of an object's members. Anything else is skipped.
pub(super) fn roles(value: &Value) -> impl Iterator<Item = &str> {
    said_names(value)
}

/// Whether a claim is this value, or is a list that has it.
pub(super) fn holds(value: &Value, wanted: &Value) -> bool {
    value == wanted || value.as_array().is_some_and(|items| items.contains(wanted))
}
