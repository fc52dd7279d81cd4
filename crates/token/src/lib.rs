//! Pure tokens: bytes and an instant in, claims out.
//!
//! Invariant: a [`Verified`] exists only when a key of the ring signed exactly its bytes, and that key's entry allows everything
//! the token claims. There is no clock, no network and no file here; time and chance are arguments.
//!
//! No token and no secret is in any error, `Debug` or panic of this crate.
//!
//! ```
//! use hallpass_token::{Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile};
//! use hallpass_token::{TokenId, TokenType, UnixTime, generate};
//!
//! let spec = KeySpec {
//!     kid: "platform-1".to_owned(),
//!     issuer: "platform".to_owned(),
//!     owner: "platform".to_owned(),
//!     types: vec![TokenType::Service],
//!     scopes: ["labeler:read"].into_iter().collect(),
//!     audiences: vec!["labeler".to_owned()],
//!     state: KeyState::Active,
//!     profile: Profile::Standard,
//!     no_expiry: false,
//!     roots: None,
//!     max_life: None,
//! };
//! let ring = KeyRing::new(vec![generate(Algorithm::EdDsa, spec)?])?;
//!
//! let now = UnixTime::from_secs(1_764_300_000);
//! let mut new = NewToken::new(TokenType::Service, TokenId::from_random([7; 16]));
//! new.subject = Some("1".to_owned());
//! new.service = Some("platform".to_owned());
//! new.audience = vec!["labeler".to_owned()];
//! new.scopes = ["labeler:read"].into_iter().collect();
//!
//! let token = ring.mint("platform-1", &new, now)?;
//! let verified = ring.verify(token.expose(), now)?;
//! assert!(verified.claims().scopes.contains("labeler:read"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod claim_members;
mod claims;
mod claims_wire;
mod error;
mod fingerprint;
mod generate;
mod grants;
mod inspect;
mod jwk;
mod key;
mod key_spec;
mod kind;
mod lineage;
mod material;
mod mint;
mod minted;
mod names;
mod new_token;
mod outside;
mod plain;
mod ring;
mod ring_file;
mod ring_members;
mod scopes;
mod secret;
mod signature;
mod standing;
mod storage_claims;
mod strict_json;
mod time;
mod unverified;
mod verified;
mod verify;
mod wire;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claim_members::numeric_date;
pub use claims::{Claims, Confirmation, MAX_PARENTS, ResourceClaim};
pub use error::{ClaimName, Limit, MintError, RingError, TokenError};
pub use fingerprint::{Fingerprint, FingerprintError, TokenId};
pub use generate::generate;
pub use grants::{GrantError, Grants, Level, MOST_GRANT_BYTES};
pub use inspect::{Inspected, SignatureError, inspect, verify_signature_only};
pub use key::{Key, KeyState, Profile};
pub use key_spec::KeySpec;
pub use kind::{TokenType, UnknownTokenType};
pub use minted::MintedToken;
pub use new_token::NewToken;
pub use outside::{ClaimPath, LeftOut, OutsideIssuer, OutsideKeys, OutsideProblem};
pub use plain::mint_bearer;
pub use ring::KeyRing;
pub use scopes::Scopes;
pub use secret::{SecretRef, SecretRefError};
pub use time::{SKEW, UnixTime};
pub use unverified::Unverified;
pub use verified::{Chain, Verified};
