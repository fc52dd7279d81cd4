//! What a token says. Plain data: only `KeyRing::verify` vouches for it, by wrapping it in a `Verified`.

use serde_json::Value;

use crate::{Fingerprint, Grants, Scopes, TokenType, UnixTime};

/// The most ancestors that a token may have.
pub const MAX_PARENTS: usize = 8;

/// The claims of a token, whatever profile it came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// `iss`; under the profiles of other minters, the issuer of the key entry.
    pub issuer: Option<String>,
    /// `sub`: the user in whose name the holder acts; `None` for background tokens.
    pub subject: Option<String>,
    /// `aud`; under the profiles of other minters, the audiences of the key entry.
    pub audience: Vec<String>,
    /// `service`: the service that holds the token.
    pub service: Option<String>,
    /// `scopes`; under `bearer-v1`, the scopes of the key entry.
    pub scopes: Scopes,
    /// `type`.
    pub token_type: TokenType,
    /// `iat`.
    pub issued_at: UnixTime,
    /// `nbf`.
    pub not_before: Option<UnixTime>,
    /// `exp`; `None` only for user tokens whose key entry allows it.
    pub expires_at: Option<UnixTime>,
    /// `jti`; `None` only under the profiles of other minters.
    pub id: Option<String>,
    /// `txn`: the same through a whole chain of calls.
    pub txn: Option<String>,
    /// `may_act`: the one who may be made to act for the subject (RFC 8693, section 4.4); nobody else then.
    pub may_act: Option<Value>,
    /// `act`: who acts for the subject (RFC 8693, section 4.1); informational.
    pub actor: Option<Value>,
    /// `job_id`: the job that a background token was minted for.
    pub job_id: Option<String>,
    /// `job_owner`: the user whose permissions the job's calls need; background tokens only.
    pub job_owner: Option<String>,
    /// `resource`: the one object that the token is for.
    pub resource: Option<ResourceClaim>,
    /// `cnf`: the certificate that the token is bound to (RFC 8705).
    pub confirmation: Option<Confirmation>,
    /// `par`: the fingerprints of all ancestors, the root first; at most [`MAX_PARENTS`].
    pub parents: Vec<Fingerprint>,
    /// `root_iat`: when the first token of the chain was issued; present with `par` only.
    pub root_issued_at: Option<UnixTime>,
    /// `root_kid`: the key that signed the first token of the chain; present with `par` only.
    pub root_key: Option<String>,
    /// `root_iss`: who issued the first token of the chain, whatever a verifier's own ring knows by the name in `root_kid`; present with `par`
    /// only, and absent where the minter could not tell.
    pub root_issuer: Option<String>,
    /// `sid`: the session that the token was made for.
    pub session: Option<String>,
    /// `roles`: what the user is, as their issuer knows it.
    pub roles: Vec<String>,
    /// `amr`: the factors by which the user proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// `auth_time`: when they did so (`OpenID` Connect Core, section 2).
    pub auth_time: Option<UnixTime>,
    /// `actions`: the elevated operations that action tokens can be had for with it; `None` for any that the user may.
    pub actions: Option<Vec<String>>,
    /// `b p r l`, in short or in full: what the holder may do to stored objects; `None` where the token does not say. Users' and services'
    /// tokens alone have them.
    pub grants: Option<Grants>,
}

/// The one object that a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceClaim {
    /// The declared type, such as `dataset`; `type` on the wire.
    pub kind: String,
    /// The object's id.
    pub id: String,
}

/// What the holder must prove besides having the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// The SHA-256 of the client certificate (RFC 8705, section 3.1: `x5t#S256`).
    pub certificate_sha256: [u8; 32],
}
