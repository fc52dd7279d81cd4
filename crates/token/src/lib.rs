//! Pure tokens: bytes and an instant in, claims out.
//!
//! Invariant: a [`Verified`] exists only when a key of the ring signed exactly its bytes, and that key's entry allows everything
//! the token claims. There is no clock, no network and no file here; time and chance are arguments.
//!
//! No token and no secret is in any error, `Debug` or panic of this crate.

mod claim_members;
mod claims;
mod claims_wire;
mod error;
mod fingerprint;
mod generate;
mod inspect;
mod key;
mod key_spec;
mod kind;
mod lineage;
mod material;
mod mint;
mod minted;
mod names;
mod new_token;
mod plain;
mod ring;
mod ring_file;
mod ring_members;
mod scopes;
mod secret;
mod signature;
mod strict_json;
mod time;
mod verified;
mod verify;
mod wire;

pub use claims::{Claims, Confirmation, MAX_PARENTS, ResourceClaim};
pub use error::{MintError, RingError, TokenError};
pub use fingerprint::{Fingerprint, FingerprintError, TokenId};
pub use generate::generate;
pub use inspect::{Inspected, SignatureError, inspect, verify_signature_only};
pub use key::{Algorithm, Key, KeyState, Profile, UnknownAlgorithm};
pub use key_spec::KeySpec;
pub use kind::{TokenType, UnknownTokenType};
pub use minted::MintedToken;
pub use new_token::NewToken;
pub use plain::mint_bearer;
pub use ring::KeyRing;
pub use scopes::Scopes;
pub use secret::{SecretRef, SecretRefError};
pub use time::{SKEW, UnixTime};
pub use verified::Verified;
