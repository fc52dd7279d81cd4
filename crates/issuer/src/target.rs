//! What an operator names, as the list keeps it.

use hallpass_contract::auth::RevocationTarget;
use hallpass_contract::auth::revocation_target::Target;
use hallpass_policy::Permit;
use hallpass_revocation::{Entry, Note};
use hallpass_token::{Fingerprint, SKEW, UnixTime};
use prost_types::Timestamp;

use crate::error::Error;
use crate::instant::{ceil, exact};
use crate::present::Present;
use crate::token_service::kept_until;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;
/// The longest name of anything, in bytes: longer than what any token that is accepted could hold.
const LONGEST_NAME: usize = 4096;
/// The most that a note keeps of who asked, in bytes.
const LONGEST_BY: usize = 512;

/// The entry that a request asks for.
pub(crate) fn entry(
    target: Option<&RevocationTarget>,
    expire_time: Option<&Timestamp>,
    present: &Present,
) -> Result<Entry, Error> {
    let now = present.now();
    let until = expire_time.map(|end| until(end, now)).transpose()?;
    let target = target.and_then(|RevocationTarget { target }| target.as_ref());
    let target = target.ok_or(Error::Invalid { field: "target", problem: "must be set" })?;
    Ok(match target {
        Target::Token(token) => {
            let issuer = name("target.token.issuer", &token.issuer)?;
            let id = name("target.token.token_id", &token.token_id)?;
            Entry::exact(Fingerprint::token(issuer, id), until)
        }
        Target::SessionId(sid) => {
            Entry::exact(Fingerprint::session(name("target.session_id", sid)?), until)
        }
        Target::KeyId(kid) => Entry::exact(Fingerprint::key(name("target.key_id", kid)?), until),
        Target::TokenFingerprint(text) => Entry::exact(fingerprint(text)?, until),
        Target::Subject(subject) => {
            let issuer = name("target.subject.issuer", &subject.issuer)?;
            let sub = name("target.subject.subject", &subject.subject)?;
            let field = "target.subject.issued_before";
            let given = before(field, subject.issued_before.as_ref(), now)?;
            let before = given.unwrap_or_else(|| present.for_issuer(issuer));
            Entry::cutoff(Fingerprint::subject(issuer, sub), before, until)
        }
        Target::Service(service) => {
            let field = "target.service.issued_before";
            let given = before(field, service.issued_before.as_ref(), now)?;
            let service = name("target.service.service", &service.service)?;
            let before = given.unwrap_or_else(|| present.for_service(service));
            Entry::cutoff(Fingerprint::service(service), before, until)
        }
    })
}

/// The name of what is revoked, for the record: the kind of thing, then its name, kept in bounds.
pub(crate) fn named(target: Option<&RevocationTarget>) -> String {
    const LONGEST: usize = 256;
    let mut named = match target.and_then(|of| of.target.as_ref()) {
        None => String::new(),
        Some(Target::Token(of)) => format!("token {} {}", of.issuer, of.token_id),
        Some(Target::TokenFingerprint(print)) => format!("token {print}"),
        Some(Target::SessionId(sid)) => format!("session {sid}"),
        Some(Target::KeyId(kid)) => format!("key {kid}"),
        Some(Target::Subject(of)) => format!("subject {} {}", of.issuer, of.subject),
        Some(Target::Service(of)) => format!("service {}", of.service),
    };
    named.truncate(named.floor_char_boundary(LONGEST));
    named
}

/// The operator's record of a request.
pub(crate) fn note(permit: &Permit, reason: String, now: UnixTime) -> Result<Note, Error> {
    const FIELD: &str = "reason";
    if reason.chars().count() > LONGEST_REASON {
        return Err(Error::Invalid { field: FIELD, problem: "must have at most 200 characters" });
    }
    if reason.chars().any(char::is_control) {
        return Err(Error::Invalid { field: FIELD, problem: "must not hold control characters" });
    }
    let by = permit.subject().or(permit.service()).unwrap_or_default();
    let by = by[..by.floor_char_boundary(LONGEST_BY)].to_owned();
    Ok(Note { reason, by, at: now })
}

fn fingerprint(text: &str) -> Result<Fingerprint, Error> {
    let problem =
        "must have 22 characters of base64url, as logs and `hallpass token inspect` give it";
    text.parse().map_err(|_| Error::Invalid { field: "target.token_fingerprint", problem })
}

fn name<'a>(field: &'static str, name: &'a str) -> Result<&'a str, Error> {
    match name.len() {
        0 => Err(Error::Invalid { field, problem: "must not be empty" }),
        1..=LONGEST_NAME => Ok(name),
        _ => Err(Error::Invalid { field, problem: "must have at most 4096 bytes" }),
    }
}

/// An end in the past would drop the entry at once.
fn until(end: &Timestamp, now: UnixTime) -> Result<UnixTime, Error> {
    const FIELD: &str = "expire_time";
    let end = ceil(end).ok_or(Error::Invalid { field: FIELD, problem: "is no valid time" })?;
    if end <= now {
        return Err(Error::Invalid { field: FIELD, problem: "must not have passed" });
    }
    Ok(kept_until(end))
}

/// What is issued later than now is another matter: a cut-off in the future would refuse it.
fn before(
    field: &'static str,
    given: Option<&Timestamp>,
    now: UnixTime,
) -> Result<Option<UnixTime>, Error> {
    let Some(given) = given else { return Ok(None) };
    match exact(given) {
        None => Err(Error::Invalid { field, problem: "is no valid time" }),
        Some(before) if before > now.plus(SKEW) => {
            Err(Error::Invalid { field, problem: "must not be in the future" })
        }
        before => Ok(before),
    }
}
