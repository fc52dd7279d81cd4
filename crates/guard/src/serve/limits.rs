//! How often callers may call, be refused, and come with what is no token.
//!
//! Invariant: an unverified token is held against the address that it came from, never against the user that it names.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_policy::Denial;
use hallpass_token::{Fingerprint, Verified};
use http::Extensions;

use crate::serve::slots::SlotLimits;
use crate::{Clock, Pace};

/// Where a request comes from. The server puts it into each request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// What callers may take. Numbers are calls a minute, and as many at once; without a number there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Tokens that do not verify, for each address (for IPv6 each network of 64 bits).
    pub failures: Option<NonZeroU32>,
    /// Calls that are refused to a caller whose token verified.
    pub refusals: Option<NonZeroU32>,
    /// Calls of one caller.
    pub calls: Option<NonZeroU32>,
    /// How many calls may be under way.
    pub slots: SlotLimits,
    /// How long the first message of a call may take to arrive whole.
    pub first_message: Duration,
}

impl Default for CallLimits {
    /// No limit but that for the first message: 10 s.
    fn default() -> Self {
        let first_message = hallpass_policy::adapter::FIRST_MESSAGE_WITHIN;
        let (failures, refusals, calls) = (None, None, None);
        Self { failures, refusals, calls, slots: SlotLimits::NONE, first_message }
    }
}

/// The limits at work.
#[derive(Debug, Default)]
pub(super) struct Limits {
    failures: Option<Pace<IpAddr>>,
    refusals: Option<Pace<Fingerprint>>,
    calls: Option<Pace<Fingerprint>>,
}

impl Limits {
    pub(super) fn new(of: CallLimits, clock: &Clock) -> Self {
        Self {
            failures: of.failures.map(|times| Pace::a_minute(times, clock.clone())),
            refusals: of.refusals.map(|times| Pace::a_minute(times, clock.clone())),
            calls: of.calls.map(|times| Pace::a_minute(times, clock.clone())),
        }
    }

    /// Before a token is verified that is not known yet.
    pub(super) fn before(&self, peer: Option<IpAddr>) -> Result<(), Denial> {
        match (&self.failures, peer) {
            (Some(pace), Some(peer)) => pace.is_open(&peer).map_err(Denial::TooMany),
            _ => Ok(()),
        }
    }

    /// After it did not verify.
    pub(super) fn failed(&self, peer: Option<IpAddr>, denial: &Denial) {
        if let (Some(pace), Some(peer), Denial::TokenInvalid(_)) = (&self.failures, peer, denial) {
            // Whether it was one too many, the next attempt is told.
            let _ = pace.step(&peer);
        }
    }

    /// After the caller's own token has verified, before the call is decided.
    pub(super) fn call(&self, caller: &Verified) -> Result<(), Denial> {
        if let Some(pace) = &self.refusals {
            pace.is_open(&name(caller)).map_err(Denial::TooMany)?;
        }
        match &self.calls {
            Some(pace) => pace.step(&name(caller)).map_err(Denial::TooMany),
            None => Ok(()),
        }
    }

    /// After the call was refused.
    pub(super) fn refused(&self, caller: &Verified, denial: &Denial) {
        if let Some(pace) = &self.refusals
            && !matches!(denial, Denial::TooMany(_) | Denial::ListStale | Denial::CannotDecide(_))
        {
            let _ = pace.step(&name(caller));
        }
    }
}

/// The address that failures are held against.
pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let PeerAddress(address) = extensions.get::<PeerAddress>()?;
    Some(match address.to_canonical() {
        IpAddr::V6(address) => {
            const NETWORK: u128 = !0 << 64;
            IpAddr::V6((address.to_bits() & NETWORK).into())
        }
        four @ IpAddr::V4(_) => four,
    })
}

/// Who calls: a user of an issuer, or a service, for a user or for none.
fn name(caller: &Verified) -> Fingerprint {
    let claims = caller.claims();
    let issuer = caller.root_issuer().unwrap_or_default();
    match (&claims.subject, &claims.service) {
        (Some(subject), None) => Fingerprint::subject(issuer, subject),
        (Some(subject), Some(service)) => {
            Fingerprint::subject(&format!("{issuer} through {service}"), subject)
        }
        (None, service) => Fingerprint::service(service.as_deref().unwrap_or_default()),
    }
}
