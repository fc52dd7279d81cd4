//! Elevated operations: what each demands of its action tokens and of those who want one.
//!
//! Invariant: a token is good for an operation only if it says everything that the operation demands.

use std::time::Duration;

use hallpass_token::{Claims, SKEW, UnixTime};

use crate::Denial;

/// An elevated operation, as the contract declares it.
#[derive(Debug, PartialEq, Eq)]
pub struct Action {
    /// The `aud` of its action tokens.
    pub audience: &'static str,
    /// The audience of the services that demand it. One process serves that audience, and it alone knows what is spent.
    pub owner: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// The shortest life that can be asked for.
    pub shortest_life: Duration,
    /// The longest life that can be asked for.
    pub longest_life: Duration,
    /// The life of a token for which none is asked for.
    pub usual_life: Duration,
    /// Whether a token is good for one call.
    pub single_use: bool,
    /// The roles of which the user needs one; none where no role is needed.
    pub roles: &'static [&'static str],
    /// How the user must have proved who they are.
    pub step_up: Option<StepUp>,
}

/// How a user must have proved who they are (RFC 9470).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepUp {
    /// The factors of which `amr` must name one; none where any will do.
    pub amr: &'static [&'static str],
    /// How long before the token's issue the user may have done so, by `auth_time`.
    pub max_age: Option<Duration>,
}

impl Action {
    /// Whether a token says at an instant what the operation demands of its user.
    pub fn suits(&'static self, claims: &Claims, at: UnixTime) -> Result<(), Denial> {
        let holds = |role: &&str| claims.roles.iter().any(|held| held == role);
        if !self.roles.is_empty() && !self.roles.iter().any(holds) {
            return Err(Denial::RoleMissing(self));
        }
        match &self.step_up {
            Some(step_up) if !step_up.is_met(claims, at) => Err(Denial::StepUpRequired(*step_up)),
            _ => Ok(()),
        }
    }
}

impl StepUp {
    fn is_met(&self, claims: &Claims, at: UnixTime) -> bool {
        let shown = |factor: &&str| claims.amr.iter().any(|shown| shown == factor);
        let factor = self.amr.is_empty() || self.amr.iter().any(shown);
        let recent = |max_age| {
            let told = claims.auth_time.filter(|proved| *proved <= at.plus(SKEW));
            told.is_some_and(|proved| at.since(proved) <= max_age)
        };
        factor && self.max_age.is_none_or(recent)
    }
}
