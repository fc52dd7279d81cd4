//! What a token lets its holder do to stored objects: which buckets, which operations, in which roles.
//!
//! Invariant: what cannot be read is refused, what is not known grants nothing, and nothing that is missing is made up. A claim in
//! short and in full must say the same.

mod buckets;
mod operations;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The most bytes that the claims may have once they are decoded.
pub const MOST_GRANT_BYTES: usize = 250_000;

/// The most buckets, permissions or roles of one token.
const MOST: usize = 10_000;

/// The storage grants of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The buckets, each by its whole name.
    pub buckets: BTreeSet<String>,
    /// The operations, such as "s3:GetObject". Only those that are known here.
    pub permissions: BTreeSet<&'static str>,
    /// The roles.
    pub roles: BTreeSet<String>,
    /// The greatest part the holder may play, if the token names one.
    pub level: Option<Level>,
    /// How many permissions the token names that are not known here. They grant nothing.
    pub unknown_permissions: usize,
}

/// The greatest part a token's holder may play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// May read.
    Read,
    /// May read and write.
    Write,
    /// May do everything.
    Admin,
}

/// Why the grants of a token cannot be read. No value of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A claim is there in short and in full, and the two differ.
    #[error("the claims {short:?} and {full:?} say different things")]
    Conflict {
        /// The short name.
        short: &'static str,
        /// The full name.
        full: &'static str,
    },
    /// A claim is not what it has to be.
    #[error("the claim {claim:?} {problem}")]
    Malformed {
        /// The claim's name.
        claim: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is too much of it.
    #[error("the grants have more than 250000 bytes or 10000 entries")]
    TooBig,
}

impl Grants {
    /// Reads the grants out of a token's claims: `p`, `r`, `b`, `l` in short or `permissions`, `roles`, `buckets`, `level` in full.
    /// `None` if the token has none of them.
    pub fn read(claims: &Map<String, Value>) -> Result<Option<Self>, GrantError> {
        let buckets = twin(claims, "b", "buckets", buckets::read)?;
        let permissions = twin(claims, "p", "permissions", operations::read)?;
        let roles = twin(claims, "r", "roles", strings)?;
        let level = twin(claims, "l", "level", Level::read)?;
        if buckets.is_none() && permissions.is_none() && roles.is_none() && level.is_none() {
            return Ok(None);
        }
        let permissions = permissions.unwrap_or_default();
        Ok(Some(Self {
            buckets: buckets.unwrap_or_default(),
            permissions: permissions.known,
            roles: roles.unwrap_or_default(),
            level,
            unknown_permissions: permissions.unknown.len(),
        }))
    }

    /// Writes the grants as claims, each in its shortest form that reads back as the same.
    pub fn write(&self, claims: &mut Map<String, Value>) {
        let strings = |all: &BTreeSet<String>| all.iter().cloned().map(Value::String).collect();
        claims.insert("b".to_owned(), buckets::write(&self.buckets));
        claims.insert("p".to_owned(), operations::write(&self.permissions));
        if !self.roles.is_empty() {
            claims.insert("r".to_owned(), Value::Array(strings(&self.roles)));
        }
        if let Some(level) = self.level {
            claims.insert("l".to_owned(), level.as_str().into());
        }
    }

    /// Whether the holder may do an operation in a bucket: the bucket and the operation are both named, and the level, where there is
    /// one, reaches so far.
    pub fn allow(&self, operation: &str, bucket: &str) -> bool {
        let reaches = self.level.is_none_or(|level| level >= operations::level(operation));
        reaches && self.permissions.contains(operation) && self.buckets.contains(bucket)
    }

    /// Grants of these operations in these buckets, each by its whole name; the name that is none.
    pub fn of(
        buckets: &[String],
        permissions: &[String],
        level: Option<Level>,
    ) -> Result<Self, String> {
        if let Some(wrong) = buckets.iter().find(|name| !Self::can_name(name)) {
            return Err(wrong.clone());
        }
        let known = |name: &String| operations::find(name).ok_or_else(|| name.clone());
        Ok(Self {
            buckets: buckets.iter().cloned().collect(),
            permissions: permissions.iter().map(known).collect::<Result<_, _>>()?,
            level,
            ..Self::default()
        })
    }

    /// Whether a bucket can have this name.
    pub fn can_name(bucket: &str) -> bool {
        buckets::is_name(bucket)
    }

    /// Whether the holder may do anything at all in a bucket.
    pub fn reach(&self, bucket: &str) -> bool {
        self.permissions.iter().any(|operation| self.allow(operation, bucket))
    }

    /// Whether these grants are the same as others or less.
    pub fn is_within(&self, held: &Self) -> bool {
        let levels = match (self.level, held.level) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(held)) => own <= held,
        };
        levels
            && self.buckets.is_subset(&held.buckets)
            && self.permissions.is_subset(&held.permissions)
            && self.roles.is_subset(&held.roles)
    }

    /// About how many bytes of memory they take.
    pub(crate) fn held_bytes(&self) -> usize {
        /// A text in a tree: what points to it, in a node that is not full, and what the allocator adds.
        const TEXT: usize = 64;
        let texts = self.buckets.iter().chain(&self.roles).map(|text| text.len() + TEXT);
        texts.sum::<usize>() + self.permissions.len() * size_of::<&str>() * 2
    }

    /// The same grants for one bucket alone; without buckets if that one is not among them.
    #[must_use]
    pub fn only(&self, bucket: &str) -> Self {
        let mut narrowed = self.clone();
        narrowed.buckets.retain(|held| held == bucket);
        narrowed
    }
}

impl Level {
    /// As tokens name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin].into_iter().find(|level| name == level.as_str())
    }

    fn read(claim: &'static str, value: &Value) -> Result<Self, GrantError> {
        let named = value.as_str().and_then(Self::named);
        named.ok_or(GrantError::Malformed { claim, problem: "must be read, write or admin" })
    }
}

/// What a claim says that may be there in short, in full, or in both and then the same.
fn twin<T: PartialEq>(
    claims: &Map<String, Value>,
    short: &'static str,
    full: &'static str,
    read: fn(&'static str, &Value) -> Result<T, GrantError>,
) -> Result<Option<T>, GrantError> {
    let read = |name: &'static str| claims.get(name).map(|value| read(name, value)).transpose();
    match (read(short)?, read(full)?) {
        (Some(one), Some(other)) if one != other => Err(GrantError::Conflict { short, full }),
        (one, other) => Ok(one.or(other)),
    }
}

/// A list of texts, each once.
fn strings(claim: &'static str, value: &Value) -> Result<BTreeSet<String>, GrantError> {
    let malformed = |problem| GrantError::Malformed { claim, problem };
    let list = value.as_array().ok_or(malformed("must be a list"))?;
    if list.len() > MOST {
        return Err(GrantError::TooBig);
    }
    let mut all = BTreeSet::new();
    for entry in list {
        let text = entry.as_str().ok_or(malformed("must hold texts alone"))?;
        if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
            return Err(malformed(
                "holds an empty text, a longer one than 256 bytes, or control characters",
            ));
        }
        if !all.insert(text.to_owned()) {
            return Err(malformed("names something twice"));
        }
    }
    Ok(all)
}
