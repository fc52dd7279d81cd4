//! Handles, and the tokens that are sealed with them.
//!
//! Invariant: the key comes from the handle alone, which has 256 random bits and is kept nowhere; each key seals one token.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::Fingerprint;
use secrecy::{ExposeSecret as _, SecretString};

/// What a handle begins with.
const PREFIX: &str = "hps_";

/// What a session's holder sends instead of the token.
#[derive(Debug)]
pub struct Handle(SecretString);

impl Handle {
    /// What begins like this is a handle, or nothing.
    pub const PREFIX: &str = PREFIX;

    /// A handle from 32 random bytes.
    pub fn new(random: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)).into())
    }

    /// The handle itself, to be given to its holder and to nobody else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the session is kept under.
    pub fn name(&self) -> Fingerprint {
        Fingerprint::handle(self.expose())
    }
}

/// A token that only its handle opens.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sealed(Vec<u8>);

impl Sealed {
    pub(super) fn new(handle: &Handle, id: &str, token: &str) -> Option<Self> {
        let mut bytes = token.as_bytes().to_vec();
        let key = key(handle.expose())?;
        let sealed = key.seal_in_place_append_tag(nonce(), Aad::from(id.as_bytes()), &mut bytes);
        sealed.is_ok().then_some(Self(bytes))
    }

    pub(super) fn open(&self, handle: &str, id: &str) -> Option<SecretString> {
        let mut bytes = self.0.clone();
        let opened = key(handle)?.open_in_place(nonce(), Aad::from(id.as_bytes()), &mut bytes);
        std::str::from_utf8(opened.ok()?).ok().map(|token| token.to_owned().into())
    }

    pub(super) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    pub(super) fn of_text(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().map(Self)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

fn key(handle: &str) -> Option<LessSafeKey> {
    let salt = Salt::new(HKDF_SHA256, b"hallpass session v1");
    let secret = salt.extract(handle.as_bytes());
    let okm = secret.expand(&[b"seal"], &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(okm)))
}

/// A key seals once, so its nonce may be the same each time.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
