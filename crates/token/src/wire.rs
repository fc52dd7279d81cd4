//! The compact form of a JWS (RFC 7515, section 7.1), read strictly: three parts, base64url without padding, a bounded size, and a
//! header that asks for nothing that is not done here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::error::Limit;
use crate::{Algorithm, TokenError, strict_json};

/// The longest token that is looked at, in bytes. Directories that put a user's groups into their tokens stop at 200 of them: 10 KiB.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

/// Header members that would make the verifier trust the token's own keys or read it otherwise. All are refused; RFC 7515,
/// section 4.1 and RFC 8725, section 3.10. Whatever begins with `x5` is refused too, but for certificates and their digests in tokens of OIDC issuers.
const REFUSED: [&str; 6] = ["crit", "jku", "jwk", "zip", "b64", "enc"];

/// A token cut in three. Only the signed part has been looked at.
pub(crate) struct Compact<'a> {
    signed: &'a str,
    payload: &'a str,
    header: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(crate) fn cut(token: &'a str, longest: usize) -> Result<Self, TokenError> {
        if token.len() > longest {
            return Err(TokenError::BeyondLimit("the token", Limit::Bytes(longest)));
        }
        let three = TokenError::Malformed("not three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or(three)?;
        let (header, payload) = signed.split_once('.').ok_or(three)?;
        if payload.contains('.') {
            return Err(three);
        }
        Ok(Self { signed, payload, header, signature })
    }

    /// What the signature is over.
    pub(crate) const fn signed(&self) -> &'a [u8] {
        self.signed.as_bytes()
    }

    pub(crate) fn header(&self) -> Result<Map<String, Value>, TokenError> {
        object(self.header)
    }

    pub(crate) fn payload(&self) -> Result<Map<String, Value>, TokenError> {
        object(self.payload)
    }

    /// The payload as it stands, which need be no JSON.
    pub(crate) fn content(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.payload)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.signature)
    }
}

/// What a verifier reads of a header.
pub(crate) struct Header {
    algorithm: String,
    pub(crate) kind: Option<String>,
    pub(crate) kid: Option<String>,
    certificate: bool,
}

impl Header {
    pub(crate) fn read(mut members: Map<String, Value>) -> Result<Self, TokenError> {
        if let Some(name) = REFUSED.into_iter().find(|name| members.contains_key(*name)) {
            return Err(TokenError::HeaderNotAccepted(name));
        }
        let mut certificate = false;
        for name in members.keys().filter(|name| name.starts_with("x5")) {
            match name.as_str() {
                "x5c" | "x5t" | "x5t#S256" => certificate = true,
                _ => return Err(TokenError::HeaderNotAccepted("x5…")),
            }
        }
        match text(&mut members, "cty")? {
            Some(cty) if cty.to_ascii_lowercase().ends_with("jwt") => {
                return Err(TokenError::HeaderNotAccepted("cty: a token inside a token"));
            }
            _ => {}
        }
        Ok(Self {
            algorithm: text(&mut members, "alg")?.ok_or(TokenError::Malformed("no alg"))?,
            kind: text(&mut members, "typ")?,
            kid: text(&mut members, "kid")?,
            certificate,
        })
    }

    /// What `alg` names, if it is known here.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::named(&self.algorithm)
    }

    /// Tokens of this mesh hold and name no certificate. OIDC issuers' often do; it is ignored, and their JWKS alone has their keys.
    pub(crate) const fn names_no_certificate(&self) -> Result<(), TokenError> {
        if self.certificate { Err(TokenError::HeaderNotAccepted("x5…")) } else { Ok(()) }
    }
}

fn text(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, TokenError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::Malformed("a header member is not a string")),
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenError> {
    strict_json::object(&decode(part)?).map_err(TokenError::Malformed)
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed("not base64url"))
}
