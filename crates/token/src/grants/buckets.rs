//! The ways in which a token can list its buckets.
//!
//! Read are a plain list, the three published short forms, and one of our own; written are the plain list and our own, as the
//! published ones do not read back as what was written. Our own is `{"_type": "front", "_data": [[n, "rest"], …]}`: the names
//! sorted by bytes, each as the number of its first bytes that are the last one's, and the rest of it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{GrantError, MOST, MOST_GRANT_BYTES};
use crate::strict_json;

/// The longest name of a bucket that any region has allowed.
const LONGEST: usize = 255;

/// Reads a list of buckets in whichever form it is.
pub(super) fn read(claim: &'static str, value: &Value) -> Result<BTreeSet<String>, GrantError> {
    let names = match value {
        Value::Array(plain) => texts(claim, plain)?,
        Value::Object(packed) => unpack(claim, packed)?,
        _ => return Err(malformed(claim, "must be a list or an object")),
    };
    let mut buckets = BTreeSet::new();
    let mut bytes = 0;
    for name in names {
        bytes += name.len();
        if bytes > MOST_GRANT_BYTES || buckets.len() == MOST {
            return Err(GrantError::TooBig);
        }
        if !is_name(&name) {
            return Err(malformed(claim, "holds what is no name of a bucket"));
        }
        if !buckets.insert(name) {
            return Err(malformed(claim, "names a bucket twice"));
        }
    }
    Ok(buckets)
}

/// Writes the plain list or the short form, whichever is shorter.
pub(super) fn write(buckets: &BTreeSet<String>) -> Value {
    let plain: Value = buckets.iter().map(String::as_str).collect();
    let mut last = "";
    let front = buckets.iter().map(|name| {
        let common = name.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count();
        last = name;
        json!([common, &name[common..]])
    });
    let front = json!({ "_type": "front", "_data": front.collect::<Vec<_>>() });
    if front.to_string().len() < plain.to_string().len() { front } else { plain }
}

fn unpack(claim: &'static str, packed: &Map<String, Value>) -> Result<Vec<String>, GrantError> {
    let (Some(form), Some(data), 2) = (packed.get("_type"), packed.get("_data"), packed.len())
    else {
        return Err(malformed(claim, "must have `_type` and `_data` and nothing else"));
    };
    match (form.as_str(), data) {
        (Some("groups"), Value::Object(groups)) => grouped(claim, groups),
        (Some("patterns"), Value::Object(patterns)) => patterned(claim, patterns),
        (Some("compressed"), Value::String(text)) => encoded(claim, text),
        (Some("front"), Value::Array(entries)) => front(claim, entries),
        _ => Err(malformed(claim, "has a form that is not known, or the wrong data for it")),
    }
}

/// `{"quilt": ["a", "b-c"]}` is quilt-a and quilt-b-c.
fn grouped(claim: &'static str, groups: &Map<String, Value>) -> Result<Vec<String>, GrantError> {
    let mut names = Vec::new();
    for (key, rests) in groups {
        if key.is_empty() || key.contains('-') {
            return Err(malformed(claim, "has a group whose key is empty or holds a dash"));
        }
        let rests = rests.as_array().ok_or(malformed(claim, "has a group that is no list"))?;
        for rest in texts(claim, rests)? {
            // A bucket "foo" and a bucket "foo-foo" are both written so: it would be a guess.
            if rest == *key {
                return Err(malformed(claim, "has a group that could mean two buckets"));
            }
            names.push(format!("{key}-{rest}"));
        }
    }
    Ok(names)
}

/// "quilt-" goes in front of the first list; the others are as they are.
fn patterned(claim: &'static str, lists: &Map<String, Value>) -> Result<Vec<String>, GrantError> {
    let mut names = Vec::new();
    for (key, list) in lists {
        let front = match key.as_str() {
            "quilt" => "quilt-",
            "cell" | "other" => "",
            _ => return Err(malformed(claim, "has a pattern that is not known")),
        };
        let list = list.as_array().ok_or(malformed(claim, "has a pattern that is no list"))?;
        names.extend(texts(claim, list)?.into_iter().map(|rest| format!("{front}{rest}")));
    }
    Ok(names)
}

/// Base64 of a JSON list.
fn encoded(claim: &'static str, text: &str) -> Result<Vec<String>, GrantError> {
    if text.len() > MOST_GRANT_BYTES {
        return Err(GrantError::TooBig);
    }
    let bytes = STANDARD.decode(text).map_err(|_| malformed(claim, "is not padded base64"))?;
    // Wrapped into an object, as the strict reader reads those alone.
    let wrapped = [b"{\"list\":".as_slice(), &bytes, b"}"].concat();
    let object = strict_json::object(&wrapped).map_err(|_| malformed(claim, "holds no JSON"))?;
    match object.get("list") {
        Some(Value::Array(list)) if object.len() == 1 => texts(claim, list),
        _ => Err(malformed(claim, "holds no JSON list")),
    }
}

/// Each name by what it shares with the one before, in the one order and the one way that `write` has.
fn front(claim: &'static str, entries: &[Value]) -> Result<Vec<String>, GrantError> {
    let broken = malformed(claim, "is not in the form that is written");
    let mut names = Vec::<String>::new();
    let mut bytes = 0;
    for entry in entries {
        let entry = entry.as_array().map(Vec::as_slice);
        let Some([Value::Number(common), Value::String(rest)]) = entry else { return Err(broken) };
        let last = names.last().map_or("", String::as_str);
        let common = common.as_u64().and_then(|common| usize::try_from(common).ok());
        let shared = common.and_then(|common| last.get(..common)).ok_or(broken)?;
        let name = format!("{shared}{rest}");
        let next = last.as_bytes().get(shared.len());
        if (!names.is_empty() && name.as_str() <= last)
            || next.is_some_and(|next| rest.as_bytes().first() == Some(next))
        {
            return Err(broken);
        }
        bytes += name.len();
        if bytes > MOST_GRANT_BYTES || names.len() == MOST {
            return Err(GrantError::TooBig);
        }
        names.push(name);
    }
    Ok(names)
}

fn texts(claim: &'static str, list: &[Value]) -> Result<Vec<String>, GrantError> {
    if list.len() > MOST {
        return Err(GrantError::TooBig);
    }
    let text = |entry: &Value| entry.as_str().map(str::to_owned);
    let all: Option<Vec<_>> = list.iter().map(text).collect();
    all.ok_or(malformed(claim, "must hold texts alone"))
}

pub(super) fn is_name(name: &str) -> bool {
    let ends = |at: Option<char>| at.is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= LONGEST
        && ends(name.chars().next())
        && ends(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

const fn malformed(claim: &'static str, problem: &'static str) -> GrantError {
    GrantError::Malformed { claim, problem }
}
