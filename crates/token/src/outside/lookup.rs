//! Finds a claim by name or by the way to it, and the values that it holds.

use serde_json::{Map, Value};

use crate::TokenError;

/// The most values that a claim of scopes or roles may hold. Directories put a user's every group there.
const MOST_VALUES: usize = 512;

/// The claim of this whole name; else the one at the end of the way whose names have dots between: `realm_access.roles`.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

/// What a claim holds: each text of a list, or one text, which is many with spaces between where `spaced` says so (RFC 6749, section 3.3).
pub(super) fn values<'a>(
    claim: &'static str,
    value: Option<&'a Value>,
    spaced: bool,
) -> Result<Vec<&'a str>, TokenError> {
    let malformed = TokenError::Malformed(claim);
    let values: Vec<&str> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if spaced => text.split_ascii_whitespace().collect(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => {
            items.iter().map(Value::as_str).collect::<Option<_>>().ok_or(malformed)?
        }
        Some(_) => return Err(malformed),
    };
    if values.len() > MOST_VALUES { Err(malformed) } else { Ok(values) }
}

/// Whether a claim is this value, or is a list that has it.
pub(super) fn holds(value: &Value, wanted: &Value) -> bool {
    value == wanted || value.as_array().is_some_and(|items| items.contains(wanted))
}
