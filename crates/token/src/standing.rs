//! What a user is and may, as far as tokens of other kinds than their own carry it: the token for an elevated operation, and the one with
//! which an agent acts for them.
//!
//! Invariant: an agent's token says nothing of what its user is or has proved, and names what it may be used for.

use serde_json::Value;

use crate::{Claims, MintError, NewToken, TokenType, UnixTime, Verified};

/// The parent's side.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    roles: Vec<String>,
    amr: Vec<String>,
    auth_time: Option<UnixTime>,
    may_act: Option<Value>,
    actions: Option<Vec<String>>,
    audience: Vec<String>,
}

impl Standing {
    /// Users' tokens have children of their own kind for agents only, and those have none.
    pub(crate) fn of(parent: &Verified, token_type: TokenType) -> Result<Self, MintError> {
        let claims = parent.claims();
        let of_user = claims.token_type == TokenType::User && claims.actor.is_none();
        if token_type == TokenType::User && !of_user {
            return Err(MintError::NotAChild);
        }
        let Claims { roles, amr, auth_time, may_act, actions, audience, .. } = claims.clone();
        match token_type {
            TokenType::Action => Ok(Self { roles, amr, auth_time, may_act, actions, audience }),
            TokenType::User | TokenType::Service | TokenType::Background => Ok(Self {
                roles: Vec::new(),
                amr: Vec::new(),
                auth_time: None,
                may_act,
                actions,
                audience,
            }),
        }
    }

    /// What the new token takes over.
    pub(crate) fn fill(&self, new: NewToken) -> NewToken {
        let (roles, amr) = (self.roles.clone(), self.amr.clone());
        NewToken { roles, amr, auth_time: self.auth_time, ..new }
    }

    /// Whether what was made of it is still no more than the parent.
    pub(crate) fn check(&self, new: &NewToken) -> Result<(), MintError> {
        let problem = match new.token_type {
            _ if !are_among(&new.roles, &self.roles) => "roles",
            _ if !are_among(&new.amr, &self.amr) => "amr",
            _ if new.auth_time.is_some() && new.auth_time != self.auth_time => "auth_time",
            _ if new.may_act.is_some() => "may_act",
            TokenType::Action if !self.allows_actions(&new.audience) => "actions",
            TokenType::User => return self.check_agent(new),
            TokenType::Action | TokenType::Service | TokenType::Background => return Ok(()),
        };
        Err(MintError::NotTheParents(problem))
    }

    fn check_agent(&self, new: &NewToken) -> Result<(), MintError> {
        let agent = new.actor.as_ref().and_then(|actor| actor.get("sub"));
        let named = self.may_act.as_ref().map(|actor| actor.get("sub"));
        let problem = match (agent.and_then(Value::as_str), &new.actions) {
            (None, _) => "act",
            _ if named.is_some_and(|named| named != agent) => "may_act",
            (Some(_), Some(actions)) if self.allows_actions(actions) => {
                if are_among(&new.audience, &self.audience) {
                    return Ok(());
                }
                "aud"
            }
            (Some(_), _) => "actions",
        };
        Err(MintError::NotTheParents(problem))
    }

    fn allows_actions(&self, wanted: &[String]) -> bool {
        self.actions.as_ref().is_none_or(|allowed| are_among(wanted, allowed))
    }
}

fn are_among(wanted: &[String], allowed: &[String]) -> bool {
    wanted.iter().all(|one| allowed.contains(one))
}
