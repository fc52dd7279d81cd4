//! Rate limit for getting tokens: for each user, and for their agents beside it.
//!
//! Invariant: what agents ask for never uses up what their user may ask for.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::{Clock, Pace};
use hallpass_token::{Fingerprint, Verified};

/// The rate limit of every user, where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Rate(Option<Paces>);

#[derive(Debug, Clone)]
struct Paces {
    /// Of a user who asks for themselves.
    own: Pace<Fingerprint>,
    /// Of one agent of a user: a quarter of that.
    agent: Pace<Fingerprint>,
    /// Of all agents of a user together: half of it.
    agents: Pace<Fingerprint>,
}

impl Rate {
    /// So many a minute, and as many at once; without a number there is no limit.
    pub(crate) fn a_minute(times: Option<NonZeroU32>, clock: Clock) -> Self {
        let share =
            |of: NonZeroU32, parts| NonZeroU32::new(of.get() / parts).unwrap_or(NonZeroU32::MIN);
        Self(times.map(|times| Paces {
            own: Pace::a_minute(times, clock.clone()),
            agent: Pace::a_minute(share(times, 4), clock.clone()),
            agents: Pace::a_minute(share(times, 2), clock),
        }))
    }

    /// Whether the caller may ask now; else how long they have to wait.
    pub(crate) fn check(&self, caller: &Verified) -> Result<(), Duration> {
        let Some(paces) = &self.0 else { return Ok(()) };
        let claims = caller.claims();
        let (issuer, subject) = (caller.root_issuer(), claims.subject.as_deref());
        let user = Fingerprint::subject(issuer.unwrap_or_default(), subject.unwrap_or_default());
        match &claims.actor {
            None => paces.own.step(&user),
            Some(actor) => {
                let agent = Fingerprint::subject(&user.to_string(), &actor.to_string());
                paces.agent.step(&agent)?;
                paces.agents.step(&user)
            }
        }
    }
}
