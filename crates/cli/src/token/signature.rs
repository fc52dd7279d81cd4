//! Verifies with a public JWKS: the signature, and unless it is the only thing asked for, the times.

use std::fs;
use std::path::Path;

use hallpass_token::{Inspected, SKEW, UnixTime, numeric_date, verify_signature_only};
use serde_json::Value;

use crate::failure::Failure;

/// Whether one of the set's keys signed the token. `Ok(Err(reason))` where none did.
pub(super) fn check(jwks: &Path, token: &str) -> Result<Result<Inspected, String>, Failure> {
    use hallpass_token::SignatureError;
    let at_file = |problem: &dyn std::fmt::Display| {
        Failure::failed(format_args!("{}: {problem}", jwks.display()))
    };
    let set = fs::read_to_string(jwks)
        .map_err(|error| at_file(&format_args!("{error}; right: a JWKS")))?;
    match verify_signature_only(&set, token) {
        Ok(read) => Ok(Ok(read)),
        Err(SignatureError::Keys(error)) => Err(at_file(&error)),
        Err(SignatureError::Token(error)) => Ok(Err(error.to_string())),
    }
}

/// Whether the token is within its time, give or take the skew.
pub(super) fn check_times(payload: &Value, now: UnixTime) -> Result<(), String> {
    let instant = |name: &str| match payload.get(name) {
        None => Ok(None),
        Some(value) => match numeric_date(value) {
            None => Err(format!("{name} is no instant")),
            instant => Ok(instant),
        },
    };
    if instant("exp")?.is_some_and(|end| now >= end.plus(SKEW)) {
        return Err("expired".to_owned());
    }
    let begins = [instant("iat")?, instant("nbf")?];
    if begins.into_iter().flatten().any(|begin| begin > now.plus(SKEW)) {
        return Err("not valid yet".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times() {
        let cases = [
            (json!({}), Ok(())),
            (json!({"exp": 1_000}), Ok(())),
            (json!({"exp": 971}), Ok(())),
            (json!({"exp": 970.5, "iat": 1_029.5}), Ok(())),
            (json!({"iat": 1_030.5}), Err("not valid yet")),
            (json!({"exp": 970}), Err("expired")),
            (json!({"exp": 0}), Err("expired")),
            (json!({"nbf": 1_030, "iat": 1_030}), Ok(())),
            (json!({"nbf": 1_031}), Err("not valid yet")),
            (json!({"iat": 1_031}), Err("not valid yet")),
            (json!({"exp": "1000"}), Err("exp is no instant")),
            (json!({"exp": null}), Err("exp is no instant")),
            (json!({"exp": -1}), Err("exp is no instant")),
        ];
        for (payload, right) in cases {
            let checked = check_times(&payload, UnixTime::from_secs(1_000));
            assert_eq!(checked, right.map_err(str::to_owned), "{payload}");
        }
    }
}
