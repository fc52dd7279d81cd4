//! What identifies a token that nobody here can verify, so that it can be revoked all the same.
//!
//! Promise: whoever makes a token up cannot name another's by it: a name that the token claims counts only where its signature vouches for it, or
//! where no key here could contradict it.

use serde_json::Value;

use crate::wire::{Compact, Header, MAX_TOKEN};
use crate::{Fingerprint, KeyRing, TokenError, UnixTime};

/// What identifies a token that is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unverified {
    /// Exactly these bytes: every verifier looks it up, whatever the token's profile.
    pub signed_part: Fingerprint,
    /// The token by its `iss` and `jti`, which its descendants name as their ancestor; `None` where it claims none, or one that a key here
    /// would have to vouch for and does not.
    pub name: Option<Fingerprint>,
    /// Its `exp`, rounded up. Whoever accepts these bytes reads the same.
    pub expires_at: Option<UnixTime>,
}

impl KeyRing {
    /// Reads a token of a form that some verifier could accept. Nothing vouches for what it says.
    pub fn unverified(&self, token: &str) -> Result<Unverified, TokenError> {
        let compact = Compact::cut(token, MAX_TOKEN)?;
        let header = Header::read(compact.header()?)?;
        compact.signature()?;
        let payload = compact.payload()?;
        let text = |claim: &str| payload.get(claim).and_then(Value::as_str);
        let name = match (text("iss"), text("jti")) {
            (Some(issuer), Some(id)) if self.lets_claim(issuer, &header, &compact) => {
                Some(Fingerprint::token(issuer, id))
            }
            _ => None,
        };
        let signed_part = Fingerprint::signed_part(compact.signed());
        Ok(Unverified { signed_part, name, expires_at: payload.get("exp").and_then(rounded_up) })
    }

    /// Whether a token may call itself one of this issuer's: its key, retired or not, signed it; or the issuer is unknown here.
    fn lets_claim(&self, issuer: &str, header: &Header, compact: &Compact<'_>) -> bool {
        let kid = header.kid.as_deref();
        let key = match self.outside(issuer) {
            Some(keys) => keys.signer(kid, header.algorithm()).ok(),
            None => kid.and_then(|kid| self.own_key(kid)),
        };
        match (key, compact.signature()) {
            (Some(key), Ok(signature)) => {
                key.issuer() == issuer
                    && header.algorithm() == Some(key.algorithm())
                    && key.material().verify(compact.signed(), &signature)
            }
            _ => self.outside(issuer).is_none() && self.keys().all(|key| key.issuer() != issuer),
        }
    }
}

/// A `NumericDate` (RFC 7519, section 2), which may have a fraction.
fn rounded_up(value: &Value) -> Option<UnixTime> {
    let fraction = || value.as_f64().filter(|secs| (0.0..1e15).contains(secs));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked, and no fraction is left"
    )]
    let rounded = || fraction().map(|secs| secs.ceil() as u64);
    value.as_u64().or_else(rounded).map(UnixTime::from_secs)
}
