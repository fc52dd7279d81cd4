//! Which strings may stand in a claim: bounded, not empty, and nothing that would break a log line.

/// The longest name, in bytes.
pub(crate) const MAX_NAME: usize = 256;

/// The longest name of a key, in bytes: an OIDC issuer's URL, `#` and its `kid`.
const MAX_KEY_NAME: usize = 512;

/// What would be right where a name is not.
pub(crate) const RIGHT_NAME: &str =
    "empty, too long or unprintable; right: 1 to 256 bytes without control characters";

/// Whether the text can be an issuer, a subject, an id, a service, an audience or a `kid`.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether the text can be the name of a key, its own issuer's or an OIDC issuer's.
pub(crate) fn is_key_name(text: &str) -> bool {
    (1..=MAX_KEY_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether the text can be a scope (RFC 6749, section 3.3: visible ASCII without quote and backslash).
pub(crate) fn is_scope(text: &str) -> bool {
    is_name(text)
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}
