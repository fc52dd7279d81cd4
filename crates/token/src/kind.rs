//! The kinds of token, and what tells one from another on the wire.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Who holds a token and for what. Kinds exclude each other: each has its own `typ` and its own `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// A person or an API client at the edge.
    User,
    /// A service, for one user.
    Service,
    /// A worker, for no user.
    Background,
    /// A user, for one elevated operation.
    Action,
}

impl TokenType {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::User, Self::Service, Self::Background, Self::Action];

    /// The value of the claim `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Background => "background",
            Self::Action => "action",
        }
    }

    /// The header's `typ` (RFC 8725, section 3.11).
    pub const fn header_type(self) -> &'static str {
        match self {
            Self::User => "hallpass-user+jwt",
            Self::Service => "hallpass-service+jwt",
            Self::Background => "hallpass-background+jwt",
            Self::Action => "hallpass-action+jwt",
        }
    }

    /// The longest that such a token may live, unless its key's entry lets user tokens live for ever.
    pub const fn longest_life(self) -> Duration {
        match self {
            Self::User => Duration::from_hours(366 * 24),
            Self::Service => Duration::from_mins(5),
            Self::Background => Duration::from_hours(24),
            Self::Action => Duration::from_mins(10),
        }
    }

    /// The shortest life that is minted.
    pub const fn shortest_life(self) -> Duration {
        match self {
            Self::Action => Duration::from_secs(30),
            Self::User | Self::Service | Self::Background => Duration::from_secs(1),
        }
    }

    /// How long such a token lives when nothing else is asked for.
    pub const fn usual_life(self) -> Duration {
        match self {
            Self::User | Self::Background => Duration::from_hours(1),
            Self::Service => Duration::from_mins(5),
            Self::Action => Duration::from_mins(2),
        }
    }

    /// Whether such a token can say what its holder may do to stored objects. An action token stands beside one that does, and
    /// background work has no holder to ask.
    pub const fn carries_grants(self) -> bool {
        matches!(self, Self::User | Self::Service)
    }

    /// Whether such a token names the service that holds it.
    pub const fn names_service(self) -> bool {
        matches!(self, Self::Service | Self::Background)
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token type; one of user, service, background, action")]
pub struct UnknownTokenType;

impl FromStr for TokenType {
    type Err = UnknownTokenType;

    fn from_str(text: &str) -> Result<Self, UnknownTokenType> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownTokenType)
    }
}
