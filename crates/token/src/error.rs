//! Why a token is refused, not minted, or a ring not read. No variant holds a token, a secret or anything that a stranger wrote.

use std::fmt;

use crate::GrantError;

/// Why a token does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT of the strict form, or a claim of the wrong form.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// More of something than is read. The log names the limit; the client is told nothing of it.
    #[error("{0} {1}")]
    BeyondLimit(&'static str, Limit),
    /// The header asks for something that is not done here: `crit`, a key by URL, a nested token.
    #[error("header not accepted: {0}")]
    HeaderNotAccepted(&'static str),
    /// No key of the ring has this `kid`, or the token has none where one is demanded.
    #[error("unknown key")]
    UnknownKey,
    /// The key is retired.
    #[error("retired key")]
    KeyRetired,
    /// The signature is not the key's.
    #[error("bad signature")]
    BadSignature,
    /// The header's `alg` is not the key's.
    #[error("the algorithm is not the key's")]
    Algorithm,
    /// The issuer is not the key's.
    #[error("the issuer is not the key's")]
    WrongIssuer,
    /// The header's `typ` does not fit the claim `type`, or the key's profile.
    #[error("typ and type do not fit")]
    TypeMismatch,
    /// The key may not sign tokens of this kind.
    #[error("the key may not sign this type")]
    TypeNotAllowed,
    /// The key may not sign for this service.
    #[error("the key may not sign for this service")]
    ServiceNotAllowed,
    /// The key may not sign this scope.
    #[error("the key may not sign a scope")]
    ScopeNotAllowed,
    /// The key may not sign for this audience.
    #[error("the key may not sign for an audience")]
    AudienceNotAllowed,
    /// The key may not vouch for users of the issuer that the token names as its root's.
    #[error("the key may not claim another issuer's root")]
    RootNotAllowed,
    /// A claim that this kind of token needs is absent.
    #[error("{0} is missing")]
    MissingClaim(&'static str),
    /// A claim that the settings of the token's issuer require is absent, or has another value or another JSON type.
    #[error("claim {0:?} is not what `require` of its issuer's settings demands")]
    RequiredClaim(ClaimName),
    /// A claim is present that this kind of token, or this profile, does not have.
    #[error("unexpected claim: {0}")]
    UnexpectedClaim(&'static str),
    /// What the token says of stored objects cannot be read, or contradicts itself.
    #[error("storage grants: {0}")]
    Grants(#[from] GrantError),
    /// The token lives longer than its kind may, or never.
    #[error("lifetime: {0}")]
    Lifetime(&'static str),
    /// The token has ended.
    #[error("expired")]
    Expired,
    /// The token is not valid yet, or issued in the future.
    #[error("not valid yet")]
    NotYetValid,
}

/// How much is read of a token or a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most this many bytes.
    Bytes(usize),
    /// At most this many values.
    Values(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(most) => write!(f, "is too long: more than {most} bytes"),
            Self::Values(most) => write!(f, "has too many values: more than {most}"),
        }
    }
}

/// The name of a claim as the operator's settings have it, cut to 39 bytes. It is never a token's own text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClaimName {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl ClaimName {
    const LONGEST: usize = 39;

    /// The name, shortened where it is longer.
    pub fn new(name: &str) -> Self {
        let name = &name.as_bytes()[..name.floor_char_boundary(Self::LONGEST)];
        let mut bytes = [0; Self::LONGEST];
        bytes[..name.len()].copy_from_slice(name);
        Self { bytes, length: u8::try_from(name.len()).unwrap_or(0) }
    }
}

impl fmt::Debug for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.bytes[..usize::from(self.length)]))
    }
}

/// Why a token is not minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The ring has no such key.
    #[error("no such key")]
    UnknownKey,
    /// The ring has only the public part of this key.
    #[error("the ring has no private part of this key")]
    NoPrivateKey,
    /// The key's state is not active.
    #[error("the key is not active")]
    KeyNotActive,
    /// The key's entry does not allow this, or the token would be refused by every verifier.
    #[error("not allowed: {0}")]
    NotAllowed(TokenError),
    /// The scope is not among those delegated, or the parent lacks it.
    #[error("a scope is not delegated")]
    ScopeNotDelegated,
    /// The parent already has as many ancestors as a token may have.
    #[error("the chain of tokens is too long")]
    ChainTooLong,
    /// A child must have this from its parent.
    #[error("{0} is not the parent's")]
    NotTheParents(&'static str),
    /// A token of this kind is never this parent's child.
    #[error("a user token is minted from a user's own token only, for an agent")]
    NotAChild,
    /// The parent has ended, or ends before the child could live.
    #[error("the parent token has expired")]
    ParentExpired,
    /// The life asked for is outside what the kind of token may have.
    #[error("lifetime: {0}")]
    Lifetime(&'static str),
    /// The key's profile has no place for this.
    #[error("the key's profile cannot carry {0}")]
    ProfileCannotCarry(&'static str),
    /// The algorithm is not one for a shared secret.
    #[error("the algorithm takes a key pair; HS256 or HS512 take a secret")]
    NotASecretAlgorithm,
    /// The secret is too short to be one.
    #[error("the secret has fewer than 32 bytes")]
    SecretTooShort,
    /// The crypto library refused to sign.
    #[error("signing failed")]
    Signing,
}

/// Why a key ring is not read. Names the key and the member and says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The text is not a ring.
    #[error("key ring: {0}")]
    Unreadable(String),
    /// The text is no set of keys (RFC 7517, section 5).
    #[error("no JWKS: {0}")]
    NotJwks(&'static str),
    /// One key is not right.
    #[error("key {kid}: {field}: {problem}")]
    Key {
        /// The key's `kid`, or its place in the ring where it has none.
        kid: String,
        /// The member.
        field: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

/// What is wrong with a key, before it is known which key it is.
#[derive(Debug)]
pub(crate) struct Flaw {
    field: &'static str,
    problem: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl Flaw {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    pub(crate) fn of(self, kid: &str) -> RingError {
        RingError::Key { kid: kid.to_owned(), field: self.field, problem: self.problem }
    }
}
