//! A set of scopes. Sorted, without repetition, so that equal sets are equal values.

use std::fmt;

/// What a token may do, as names such as `labeler:read`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Box<[String]>);

impl Scopes {
    /// Whether the set holds this scope.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.binary_search_by(|held| held.as_str().cmp(scope)).is_ok()
    }

    /// Whether every scope of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|scope| other.contains(scope))
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: Into<String>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut all: Vec<String> = scopes.into_iter().map(Into::into).collect();
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}
