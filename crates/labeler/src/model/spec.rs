//! What a client wants a new dataset to be, checked.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256};

use crate::error::Error;
use crate::model::access::{Role, Visibility};
use crate::model::dataset::{Format, Share};
use crate::model::ids::RequestId;
use hallpass_formats::is_refused;

/// The longest name of a dataset, in characters.
pub(crate) const LONGEST_NAME: usize = 200;
/// The longest description of a dataset, in characters.
pub(crate) const LONGEST_DESCRIPTION: usize = 2000;
/// The longest id of a user, in bytes.
pub(crate) const LONGEST_SUBJECT: usize = 256;
/// The most users that a new dataset is shared with.
pub(crate) const MOST_SHARES: usize = 100;

/// What a client wants, as it says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wish {
    /// A name for people.
    pub(crate) display_name: String,
    /// What it is, for people.
    pub(crate) description: String,
    /// How the files are laid out; `None` means that this is to be found out.
    pub(crate) format: Option<Format>,
    /// Who may read it.
    pub(crate) visibility: Visibility,
    /// Who else may use it.
    pub(crate) shares: Vec<Share>,
}

/// What a new dataset is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    wish: Wish,
    request: Option<RequestId>,
}

impl Spec {
    /// Checks everything that can be checked without knowing the owner. Errors name the wish's field.
    pub(crate) fn new(mut wish: Wish, request: Option<RequestId>) -> Result<Self, Error> {
        wish.display_name = name(&wish.display_name)?;
        check_description(&wish.description)?;
        check_shares(&wish.shares)?;
        wish.shares.sort();
        Ok(Self { wish, request })
    }

    /// A name for people.
    pub(crate) fn display_name(&self) -> &str {
        &self.wish.display_name
    }

    /// What it is, for people; may be empty.
    pub(crate) fn description(&self) -> &str {
        &self.wish.description
    }

    /// How the files are to be laid out, if that was said.
    pub(crate) const fn format(&self) -> Option<Format> {
        self.wish.format
    }

    /// Who may read it.
    pub(crate) const fn visibility(&self) -> Visibility {
        self.wish.visibility
    }

    /// Who else may use it, sorted.
    pub(crate) fn shares(&self) -> &[Share] {
        &self.wish.shares
    }

    /// The id of the request, if it is to be idempotent.
    pub(crate) const fn request(&self) -> Option<&RequestId> {
        self.request.as_ref()
    }

    /// The SHA-256 of everything but the request's id: the same for the same wish.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let Wish { display_name, description, format, visibility, shares } = &self.wish;
        let format = format.map_or("", Format::as_str);
        let mut parts = vec![display_name.as_str(), description, format, visibility.as_str()];
        parts.extend(shares.iter().flat_map(|share| [share.subject.as_str(), share.role.as_str()]));
        fingerprint(&parts)
    }
}

/// The SHA-256 of these texts, each with its length, so that no two lists of them read alike.
pub(crate) fn fingerprint(parts: &[&str]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    digest(hash)
}

/// A name without the white space around it, if it can be one.
pub(crate) fn name(text: &str) -> Result<String, Error> {
    const FIELD: &str = "display_name";
    let name = text.trim();
    match name.chars().count() {
        0 => Err(Error::invalid(FIELD, "must not be blank; it takes 1 to 200 characters")),
        1..=LONGEST_NAME if name.chars().any(|c| c != '\\' && is_refused(c)) => {
            Err(Error::invalid(FIELD, "must not hold control or invisible characters"))
        }
        1..=LONGEST_NAME => Ok(name.to_owned()),
        _ => Err(Error::invalid(FIELD, "must have at most 200 characters")),
    }
}

/// Whether a text can describe a dataset: it may have lines.
pub(crate) fn check_description(text: &str) -> Result<(), Error> {
    const FIELD: &str = "description";
    let passes = |c| matches!(c, '\\' | '\n' | '\r' | '\t') || !is_refused(c);
    if text.chars().nth(LONGEST_DESCRIPTION).is_some() {
        return Err(Error::invalid(FIELD, "must have at most 2000 characters"));
    }
    if !text.chars().all(passes) {
        let problem =
            "must not hold control or invisible characters, but for ends of lines and tabs";
        return Err(Error::invalid(FIELD, problem));
    }
    Ok(())
}

/// Whether a text can be a user's id.
pub(crate) fn check_subject(field: &'static str, text: &str) -> Result<(), Error> {
    if text.is_empty() || text.len() > LONGEST_SUBJECT {
        return Err(Error::invalid(field, "must have 1 to 256 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not hold control characters"));
    }
    Ok(())
}

/// The 32 bytes that a SHA-256 ends with.
pub(crate) fn digest(hash: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

fn check_shares(shares: &[Share]) -> Result<(), Error> {
    const FIELD: &str = "shares";
    if shares.len() > MOST_SHARES {
        return Err(Error::invalid(FIELD, "must name at most 100 users"));
    }
    let mut seen = BTreeSet::new();
    for share in shares {
        check_subject("shares.subject", &share.subject)?;
        if share.role == Role::Owner {
            let problem = "a dataset has one owner, who makes it; right: viewer or editor";
            return Err(Error::invalid("shares.role", problem));
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
        made(Wish { display_name: name.to_owned(), shares: shares.to_vec(), ..Wish::default() })
    }

    fn made(wish: Wish) -> Result<Spec, String> {
        Spec::new(wish, None).map_err(|error| error.within("dataset").to_string())
    }

    #[test]
    fn wrong_wishes_name_the_field() {
        let long = "x".repeat(201);
        let many: Vec<_> = (0..101).map(|n| share(&n.to_string(), Role::Viewer)).collect();
        let viewer = share("7", Role::Viewer);
        let table: &[(&str, &[Share], &str)] = &[
            ("", &[], "display_name: must not be blank; it takes 1 to 200 characters"),
            (" \u{a0}", &[], "display_name: must not be blank; it takes 1 to 200 characters"),
            ("a\nb", &[], "display_name: must not hold control or invisible characters"),
            (&long, &[], "display_name: must have at most 200 characters"),
            ("a", &many, "shares: must name at most 100 users"),
            ("a", &[share("", Role::Viewer)], "shares.subject: must have 1 to 256 bytes"),
            ("a", &[share("\0", Role::Viewer)], "shares.subject: must not hold control characters"),
            (
                "a",
                &[share("7", Role::Owner)],
                "shares.role: a dataset has one owner, who makes it; right: viewer or editor",
            ),
            ("a", &[viewer.clone(), viewer], "shares: must name each user once"),
        ];
        for (name, shares, problem) in table {
            assert_eq!(spec(name, shares).map(|_| ()), Err(format!("dataset.{problem}")));
        }
        assert!(spec(&"猫".repeat(200), &[]).is_ok());
    }

    #[test]
    fn names_lose_the_space_around_them() {
        let name = |text| spec(text, &[]).map(|spec| spec.display_name().to_owned());
        assert_eq!(name("\u{a0} two cats\n"), Ok("two cats".to_owned()));
        assert_eq!(name(&format!(" {} ", "x".repeat(200))), Ok("x".repeat(200)));
    }

    #[test]
    fn descriptions_may_have_lines_and_are_bounded() {
        let of = |text: &str| {
            let wish =
                Wish { display_name: "a".into(), description: text.into(), ..Wish::default() };
            made(wish).is_ok()
        };
        for fine in ["", "two\r\n\tlines", "a\\b", &"猫".repeat(2000)] {
            assert!(of(fine), "{fine:?}");
        }
        for refused in ["\0", "\u{202e}", "a\u{1b}[2J", &"x".repeat(2001)] {
            assert!(!of(refused), "{refused:?}");
        }
    }

    #[test]
    fn the_same_wish_has_the_same_fingerprint_whatever_the_order() -> Result<(), String> {
        let (seven, eight) = (share("7", Role::Viewer), share("8", Role::Editor));
        let one = spec("a", &[seven.clone(), eight.clone()])?;
        assert_eq!(one.fingerprint(), spec("a", &[eight.clone(), seven.clone()])?.fingerprint());
        assert_ne!(one.fingerprint(), spec("a", &[seven])?.fingerprint());
        assert_ne!(one.fingerprint(), spec("b", one.shares())?.fingerprint());
        let mut wish = one.wish.clone();
        wish.description = "more".to_owned();
        assert_ne!(one.fingerprint(), made(wish.clone())?.fingerprint());
        wish = Wish { format: Some(Format::Coco), ..one.wish.clone() };
        assert_ne!(one.fingerprint(), made(wish)?.fingerprint());
        Ok(())
    }
}
