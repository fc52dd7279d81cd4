//! A token that is renewed before it ends, so that a transfer can last longer than a token.
//!
//! Invariant: what is minted anew says what the token at hand says, of the same user, and lives as long; a key that did not sign that
//! token signs no other in its place.

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::rand;
use hallpass_guard::Clock;
use hallpass_token::{NewToken, TokenId, TokenType, UnixTime, Verified, inspect, numeric_date};
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;
use crate::rings::RingFile;

/// How a token is renewed, and when.
#[derive(Debug)]
pub(super) struct Renewal {
    way: Way,
    /// `None` for a token without end.
    due: Option<UnixTime>,
    clock: Clock,
}

#[derive(Debug)]
enum Way {
    /// Somebody else puts a newer one into the file.
    File(PathBuf),
    /// The key that signed it signs the next one.
    Key(Box<RingFile>, Box<Verified>),
}

impl Renewal {
    /// By reading its file again.
    pub(super) fn from_file(file: PathBuf, token: &SecretString) -> Self {
        let clock = Clock::system();
        Self { way: Way::File(file), due: due(token), clock }
    }

    /// By the key of a ring that signed it.
    pub(super) fn by_key(ring: RingFile, token: &SecretString) -> Result<Self, Failure> {
        let clock = Clock::system();
        let failed = |problem: &dyn std::fmt::Display| {
            let right = "right: the ring that signed the token at hand";
            Failure::failed(format_args!("{}: {problem}; {right}", ring.path.display()))
        };
        let verified = ring
            .ring
            .verify(token.expose_secret().trim(), clock.now())
            .map_err(|error| failed(&error))?;
        if verified.claims().token_type != TokenType::User {
            return Err(failed(&"only users' tokens are minted anew"));
        }
        let key = ring.ring.key(verified.kid());
        if !key.is_some_and(hallpass_token::Key::can_sign) {
            return Err(failed(&"it holds no private part of the token's key"));
        }
        Ok(Self { way: Way::Key(Box::new(ring), Box::new(verified)), due: due(token), clock })
    }

    /// The next token, if the one at hand is about to end. A failure is no news: the service says what it thinks of the old one.
    pub(super) fn next(&mut self) -> Option<SecretString> {
        let now = self.clock.now();
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        let token: SecretString = match &self.way {
            Way::File(file) => std::fs::read_to_string(file).ok()?.into(),
            Way::Key(ring, old) => mint(ring, old, now)?,
        };
        self.due = due(&token);
        Some(token)
    }
}

/// When three quarters of a token's life are over.
fn due(token: &SecretString) -> Option<UnixTime> {
    let payload = inspect(token.expose_secret().trim()).ok()?.payload;
    let second = |name: &str| payload.get(name).and_then(numeric_date).map(UnixTime::as_secs);
    let (from, to) = (second("iat")?, second("exp")?);
    Some(UnixTime::from_secs(from.saturating_add(to.saturating_sub(from) / 4 * 3)))
}

fn mint(ring: &RingFile, old: &Verified, now: UnixTime) -> Option<SecretString> {
    let mut id = [0; 16];
    rand::fill(&mut id).ok()?;
    let claims = old.claims();
    let mut new = NewToken::new(TokenType::User, TokenId::from_random(id));
    new.subject.clone_from(&claims.subject);
    new.audience.clone_from(&claims.audience);
    new.scopes = claims.scopes.clone();
    new.roles.clone_from(&claims.roles);
    new.resource.clone_from(&claims.resource);
    new.grants.clone_from(&claims.grants);
    new.life = claims
        .expires_at
        .map(|end| end.since(claims.issued_at.whole()).max(Duration::from_secs(1)));
    Some(ring.ring.mint(old.kid(), &new, now).ok()?.expose().to_owned().into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use hallpass_token::{Algorithm, KeyRing, KeySpec, KeyState, Profile, generate};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn ring() -> KeyRing {
        let spec = KeySpec {
            kid: "users-1".to_owned(),
            issuer: "users".to_owned(),
            owner: "users".to_owned(),
            types: vec![TokenType::User],
            scopes: ["datasets:read", "datasets:write"].into_iter().collect(),
            audiences: vec!["platform".to_owned()],
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        KeyRing::new(vec![generate(Algorithm::EdDsa, spec).unwrap()]).unwrap()
    }

    fn token(ring: &KeyRing) -> SecretString {
        let mut new = NewToken::new(TokenType::User, TokenId::from_random([7; 16]));
        new.subject = Some("alice".to_owned());
        new.audience = vec!["platform".to_owned()];
        new.scopes = std::iter::once("datasets:read").collect();
        new.life = Some(Duration::from_secs(400));
        ring.mint("users-1", &new, NOW).unwrap().expose().to_owned().into()
    }

    #[test]
    fn a_key_mints_the_same_again_once_three_quarters_are_over() {
        let (ring, clock) = (ring(), Clock::manual(NOW));
        let token = token(&ring);
        let old = ring.verify(token.expose_secret(), NOW).unwrap();
        let file = RingFile { path: "ring".into(), ring };
        let way = Way::Key(Box::new(file), Box::new(old.clone()));
        let mut renewal = Renewal { way, due: due(&token), clock: clock.clone() };
        clock.advance(Duration::from_secs(299));
        assert!(renewal.next().is_none());
        clock.advance(Duration::from_secs(1));
        let next = renewal.next().unwrap();
        let Way::Key(file, _) = &renewal.way else { return };
        let new = file.ring.verify(next.expose_secret(), clock.now()).unwrap();
        let (old, new) = (old.claims(), new.claims());
        assert_ne!(old.id, new.id);
        assert_eq!((&old.subject, &old.scopes), (&new.subject, &new.scopes));
        assert_eq!(new.expires_at, old.expires_at.map(|end| end.plus(Duration::from_mins(5))));
        assert!(renewal.next().is_none(), "not again at once");
    }

    #[test]
    fn a_file_is_read_again_when_the_token_is_about_to_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let token = token(&ring());
        std::fs::write(file.path(), "the next").unwrap();
        let clock = Clock::manual(NOW);
        let way = Way::File(file.path().to_owned());
        let mut renewal = Renewal { way, due: due(&token), clock: clock.clone() };
        assert!(renewal.next().is_none());
        clock.advance(Duration::from_secs(301));
        assert_eq!(renewal.next().unwrap().expose_secret(), "the next");
    }

    #[test]
    fn another_ring_mints_nothing() {
        let token = token(&ring());
        let other = RingFile { path: "other".into(), ring: ring() };
        assert!(Renewal::by_key(other, &token).unwrap_err().to_string().starts_with("other: "));
    }
}
