//! What a client wants a new dataset to be, checked.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256};

use crate::access::{Role, Visibility};
use crate::dataset::Share;
use crate::error::Error;
use crate::file_path::is_refused;
use crate::ids::RequestId;

/// The longest name of a dataset, in characters.
pub(crate) const LONGEST_NAME: usize = 200;
/// The longest id of a user, in bytes.
pub(crate) const LONGEST_SUBJECT: usize = 256;
/// The most users that a new dataset is shared with.
pub(crate) const MOST_SHARES: usize = 100;

/// What a new dataset is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    display_name: String,
    visibility: Visibility,
    shares: Vec<Share>,
    request: Option<RequestId>,
}

impl Spec {
    /// Checks everything that can be checked without knowing the owner.
    pub(crate) fn new(
        display_name: String,
        visibility: Visibility,
        mut shares: Vec<Share>,
        request: Option<RequestId>,
    ) -> Result<Self, Error> {
        check_name(&display_name)?;
        check_shares(&shares)?;
        shares.sort();
        Ok(Self { display_name, visibility, shares, request })
    }

    /// A name for people.
    pub(crate) fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Who may read it.
    pub(crate) const fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// Who else may use it, sorted.
    pub(crate) fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// The id of the request, if it is to be idempotent.
    pub(crate) const fn request(&self) -> Option<&RequestId> {
        self.request.as_ref()
    }

    /// The SHA-256 of everything but the request's id: the same for the same wish.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut parts = vec![self.display_name.as_str(), self.visibility.as_str()];
        parts.extend(
            self.shares.iter().flat_map(|share| [share.subject.as_str(), share.role.as_str()]),
        );
        let mut hash = Context::new(&SHA256);
        for part in parts {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        digest(hash)
    }
}

/// The 32 bytes that a SHA-256 ends with.
pub(crate) fn digest(hash: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

fn check_name(name: &str) -> Result<(), Error> {
    const FIELD: &str = "start.dataset.display_name";
    match name.chars().count() {
        0 => Err(Error::invalid(FIELD, "must not be empty")),
        1..=LONGEST_NAME if name.trim().is_empty() => {
            Err(Error::invalid(FIELD, "must not be blank"))
        }
        1..=LONGEST_NAME if name.chars().any(|c| c != '\\' && is_refused(c)) => {
            Err(Error::invalid(FIELD, "must not hold control or invisible characters"))
        }
        1..=LONGEST_NAME => Ok(()),
        _ => Err(Error::invalid(FIELD, "must have at most 200 characters")),
    }
}

fn check_shares(shares: &[Share]) -> Result<(), Error> {
    const FIELD: &str = "start.dataset.shares";
    const SUBJECT: &str = "start.dataset.shares.subject";
    if shares.len() > MOST_SHARES {
        return Err(Error::invalid(FIELD, "must name at most 100 users"));
    }
    let mut seen = BTreeSet::new();
    for share in shares {
        if share.subject.is_empty() || share.subject.len() > LONGEST_SUBJECT {
            return Err(Error::invalid(SUBJECT, "must have 1 to 256 bytes"));
        }
        if share.subject.chars().any(char::is_control) {
            return Err(Error::invalid(SUBJECT, "must not hold control characters"));
        }
        if share.role == Role::Owner {
            return Err(Error::invalid("start.dataset.shares.role", "a dataset has one owner"));
        }
        if !seen.insert(&share.subject) {
            return Err(Error::invalid(FIELD, "must name each user once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(subject: &str, role: Role) -> Share {
        Share { subject: subject.to_owned(), role }
    }

    fn spec(name: &str, shares: &[Share]) -> Result<Spec, String> {
        Spec::new(name.to_owned(), Visibility::Private, shares.to_vec(), None)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn wrong_wishes_name_the_field() {
        let long = "x".repeat(201);
        let many: Vec<_> = (0..101).map(|n| share(&n.to_string(), Role::Viewer)).collect();
        let viewer = share("7", Role::Viewer);
        let table: &[(&str, &[Share], &str)] = &[
            ("", &[], "start.dataset.display_name: must not be empty"),
            (" \u{a0}", &[], "start.dataset.display_name: must not be blank"),
            (
                "a\nb",
                &[],
                "start.dataset.display_name: must not hold control or invisible characters",
            ),
            (&long, &[], "start.dataset.display_name: must have at most 200 characters"),
            ("a", &many, "start.dataset.shares: must name at most 100 users"),
            (
                "a",
                &[share("", Role::Viewer)],
                "start.dataset.shares.subject: must have 1 to 256 bytes",
            ),
            (
                "a",
                &[share("\0", Role::Viewer)],
                "start.dataset.shares.subject: must not hold control characters",
            ),
            ("a", &[share("7", Role::Owner)], "start.dataset.shares.role: a dataset has one owner"),
            ("a", &[viewer.clone(), viewer], "start.dataset.shares: must name each user once"),
        ];
        for (name, shares, problem) in table {
            assert_eq!(spec(name, shares).map(|_| ()), Err((*problem).to_owned()));
        }
        assert!(spec(&"猫".repeat(200), &[]).is_ok());
    }

    #[test]
    fn the_same_wish_has_the_same_fingerprint_whatever_the_order() -> Result<(), String> {
        let (seven, eight) = (share("7", Role::Viewer), share("8", Role::Editor));
        let one = spec("a", &[seven.clone(), eight.clone()])?;
        assert_eq!(one.fingerprint(), spec("a", &[eight.clone(), seven.clone()])?.fingerprint());
        assert_ne!(one.fingerprint(), spec("a", &[seven])?.fingerprint());
        assert_ne!(one.fingerprint(), spec("b", one.shares())?.fingerprint());
        Ok(())
    }
}
