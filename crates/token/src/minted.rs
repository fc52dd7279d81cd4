//! A token on its way to the one place that sends or prints it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::Limit;
use crate::wire::MAX_TOKEN;
use crate::{Fingerprint, MintError, TokenError, UnixTime};

/// A signed token. Its `Debug` does not show it.
#[derive(Clone)]
pub struct MintedToken {
    token: SecretString,
    expires_at: Option<UnixTime>,
    fingerprint: Fingerprint,
}

impl MintedToken {
    /// The signed part with its signature.
    pub(crate) fn assemble(
        signed: String,
        signature: &[u8],
        fingerprint: Fingerprint,
        expires_at: Option<UnixTime>,
    ) -> Result<Self, MintError> {
        let token = signed + "." + &URL_SAFE_NO_PAD.encode(signature);
        if token.len() > MAX_TOKEN {
            return Err(MintError::NotAllowed(TokenError::BeyondLimit(
                "the token",
                Limit::Bytes(MAX_TOKEN),
            )));
        }
        Ok(Self { token: token.into(), expires_at, fingerprint })
    }

    /// The token itself, for the one place that sends or prints it.
    pub fn expose(&self) -> &str {
        self.token.expose_secret()
    }

    /// When it ends.
    pub const fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// What its verifiers will know it by.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedToken")
            .field("fingerprint", &self.fingerprint)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
