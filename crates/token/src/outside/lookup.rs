//! Finds a claim by name or by the way to it, and the values that it holds.

use serde_json::{Map, Value};

use crate::claim_members::said_names;

/// The claim of this whole name; else the one at the end of the way whose names have dots between: `realm_access.roles`.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
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
