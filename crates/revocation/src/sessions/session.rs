//! One open session.
//!
//! Invariant: it is over when its time is, or when nobody used it for too long, whoever asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{Fingerprint, KeyRing, SKEW, TokenError, UnixTime, Verified};
use secrecy::{ExposeSecret as _, SecretString};

use super::Absent;
use super::seal::Sealed;
use crate::{Entry, Note};

/// An open session.
#[derive(Debug)]
pub struct Session {
    pub(super) id: String,
    pub(super) holder: Fingerprint,
    /// The user, also where somebody acts for them.
    pub(super) user: Fingerprint,
    pub(super) opened: UnixTime,
    pub(super) ends: UnixTime,
    pub(super) used: AtomicU64,
    /// The last use that is on disk.
    pub(super) noted: AtomicU64,
    pub(super) sealed: Sealed,
    /// What operators see of the token.
    about: Vec<u8>,
}

impl Session {
    /// Whether it was opened by somebody who acts for its user.
    pub(super) fn is_of_agent(&self) -> bool {
        self.holder != self.user
    }

    pub(super) fn new(
        id: String,
        (holder, user): (Fingerprint, Fingerprint),
        (opened, ends): (UnixTime, UnixTime),
        sealed: Sealed,
    ) -> Self {
        let at = || AtomicU64::new(opened.as_secs());
        Self { id, holder, user, opened, ends, used: at(), noted: at(), sealed, about: Vec::new() }
    }

    pub(super) fn with_about(self, about: Vec<u8>) -> Self {
        Self { about, ..self }
    }

    /// What operators see of its token, as it was when the session was opened; empty for one of an earlier version.
    pub fn about(&self) -> &[u8] {
        &self.about
    }

    /// Its public id, the `sid` of what is made from it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was opened.
    pub const fn opened(&self) -> UnixTime {
        self.opened
    }

    /// When it ends at the latest.
    pub const fn ends(&self) -> UnixTime {
        self.ends
    }

    /// When it was last used.
    pub fn used(&self) -> UnixTime {
        UnixTime::from_secs(self.used.load(Ordering::Relaxed))
    }

    /// Until when its end has to be remembered.
    pub fn kept_until(&self) -> UnixTime {
        self.ends.plus(SKEW).plus(SKEW)
    }

    /// The token that it stands for; `None` where this is not its handle.
    pub fn token(&self, handle: &str) -> Option<SecretString> {
        self.sealed.open(handle, &self.id)
    }

    /// The token that it stands for, verified now, as the session shows it.
    pub fn verified(
        &self,
        handle: &str,
        ring: &KeyRing,
        now: UnixTime,
    ) -> Result<Verified, TokenError> {
        let token = self.token(handle).ok_or(TokenError::BadSignature)?;
        let token = ring.verify(token.expose_secret(), now)?;
        token.in_session(&self.id, self.ends).ok_or(TokenError::UnexpectedClaim("sid"))
    }

    pub(super) fn check(&self, now: UnixTime, idle: Duration) -> Result<(), Absent> {
        if now >= self.ends {
            return Err(Absent::Over);
        }
        if now >= self.used().plus(idle) { Err(Absent::Idle) } else { Ok(()) }
    }

    pub(super) fn use_to_note<'a>(
        (name, session): (&'a Fingerprint, &'a Arc<Self>),
    ) -> Option<(Arc<Self>, Entry, u64)> {
        let used = session.used.load(Ordering::Relaxed);
        if used <= session.noted.load(Ordering::Relaxed) {
            return None;
        }
        let entry = Entry::cutoff(*name, UnixTime::from_secs(used), Some(session.kept_until()));
        Some((Arc::clone(session), entry, used))
    }

    pub(super) fn write(&self) -> String {
        let (opened, ends) = (self.opened.as_secs(), self.ends.as_secs());
        let about = URL_SAFE_NO_PAD.encode(&self.about);
        format!("{} {opened} {ends} {} {} {about}", self.id, self.sealed.to_text(), self.user)
    }

    pub(super) fn read(record: &Note) -> Option<Self> {
        let mut parts = record.reason.split(' ');
        let id = parts.next()?.to_owned();
        let mut instant = || Some(UnixTime::from_secs(parts.next()?.parse().ok()?));
        let times = (instant()?, instant()?);
        let sealed = Sealed::of_text(parts.next()?)?;
        let holder = record.by.parse().ok()?;
        // Records of earlier versions name the holder alone.
        let user = parts.next().map_or(Ok(holder), str::parse).ok()?;
        let about = parts.next().and_then(|about| URL_SAFE_NO_PAD.decode(about).ok());
        Some(Self::new(id, (holder, user), times, sealed).with_about(about.unwrap_or_default()))
    }
}
