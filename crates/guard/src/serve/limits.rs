//! How often callers may call and be refused, and how much metadata they may send.
//!
//! Invariant: only callers whose token verified are limited, and only by what they did themselves. What an unverified token
//! may cost, `verifications` limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_policy::Denial;
use hallpass_token::{Fingerprint, Verified};
use http::HeaderMap;

use crate::serve::slots::SlotLimits;
use crate::{Clock, Pace};

/// Where a request comes from. The server puts it into each request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(
    /// The client's address.
    pub IpAddr,
    /// The port of the socket's other end, which tells apart the connections that share the address.
    pub u16,
);

/// What callers may take. Numbers without a unit are calls a minute, and as many at once; without a number there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Verifications that fail, in a second, of all callers together. Beyond it, unknown tokens wait to be verified.
    pub failed_verifications: Option<NonZeroU32>,
    /// Calls that are refused to a caller whose token verified.
    pub refusals: Option<NonZeroU32>,
    /// Calls of one caller.
    pub calls: Option<NonZeroU32>,
    /// How many calls may be under way.
    pub slots: SlotLimits,
    /// How long the first message of a call may take to arrive whole.
    pub first_message: Duration,
    /// The most bytes of a request's metadata, as HTTP/2 counts them.
    pub metadata_bytes: usize,
}

/// The most bytes of metadata where nothing is said: a token and an action token of the longest, and little beside them.
const METADATA: usize = 32 * 1024;

impl Default for CallLimits {
    /// No limits but those for the first message, 10 s, and for metadata, 32 KiB.
    fn default() -> Self {
        let first_message = hallpass_policy::adapter::FIRST_MESSAGE_WITHIN;
        let (failed_verifications, refusals, calls) = (None, None, None);
        Self {
            failed_verifications,
            refusals,
            calls,
            slots: SlotLimits::NONE,
            first_message,
            metadata_bytes: METADATA,
        }
    }
}

/// The limits at work.
#[derive(Debug)]
pub(super) struct Limits {
    refusals: Option<Pace<Fingerprint>>,
    calls: Option<Pace<Fingerprint>>,
    metadata_bytes: usize,
}

impl Limits {
    pub(super) fn new(of: CallLimits, clock: &Clock) -> Self {
        Self {
            refusals: of.refusals.map(|times| Pace::a_minute(times, clock.clone())),
            calls: of.calls.map(|times| Pace::a_minute(times, clock.clone())),
            metadata_bytes: of.metadata_bytes,
        }
    }

    /// Before anything of a call is read: how much metadata it has. The transport takes more than that, so that whoever sends a little too much
    /// gets an answer that says so.
    pub(super) fn metadata(&self, headers: &HeaderMap) -> Result<(), Denial> {
        /// What HTTP/2 counts for each field beside its name and value (RFC 9113, section 6.5.2).
        const FIELD: usize = 32;
        let sizes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD);
        let (bytes, most) = (sizes.sum(), self.metadata_bytes);
        if bytes > most { Err(Denial::MetadataTooLarge { bytes, most }) } else { Ok(()) }
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
            && !matches!(
                denial,
                Denial::TooMany(_)
                    | Denial::ListStale
                    | Denial::CannotDecide(_)
                    // Whoever finds an old token does not use up its user's refusals.
                    | Denial::TokenExpired
                    | Denial::TokenNotYetValid
            )
        {
            let _ = pace.step(&name(caller));
        }
    }
}

/// What counts as one address: of IPv6 a network of 64 bits, which one host has whole.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            const NETWORK: u128 = !0 << 64;
            IpAddr::V6((address.to_bits() & NETWORK).into())
        }
        four @ IpAddr::V4(_) => four,
    }
}

/// Who calls: a user of an issuer, that user's agents, or a service, for a user or for none.
pub(super) fn name(caller: &Verified) -> Fingerprint {
    let claims = caller.claims();
    let issuer = caller.root_issuer().unwrap_or_default();
    let agents = caller.agent().map(|_| format!("agents of {issuer}"));
    let issuer = agents.as_deref().unwrap_or(issuer);
    match (&claims.subject, &claims.service) {
        (Some(subject), None) => Fingerprint::subject(issuer, subject),
        (Some(subject), Some(service)) => {
            Fingerprint::subject(&format!("{issuer} through {service}"), subject)
        }
        (None, service) => Fingerprint::service(service.as_deref().unwrap_or_default()),
    }
}
