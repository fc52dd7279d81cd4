//! Making an agent's token.
//!
//! Invariant: it holds no scope that the user's own token lacks, names the operations that it may be used for, says nothing of what the
//! user is or has proved, and ends no later.

use std::time::Duration;

use aws_lc_rs::rand;
use hallpass_contract::auth::CreateDelegationRequest;
use hallpass_token::{
    KeyRing, KeyState, MintError, MintedToken, NewToken, TokenId, TokenType, UnixTime, Verified,
};
use serde_json::json;

use crate::action_service::Registry;
use crate::delegations::Record;
use crate::error::Error;

/// The service that signs agents' tokens, and the one that they are for.
pub(crate) const SIGNER: &str = "platform";

const SHORTEST: u32 = 60;
const LONGEST: u32 = 24 * 60 * 60;
const USUAL: u32 = 60 * 60;
/// The most scopes, and the most operations.
const MOST: usize = 16;

/// What is asked for, as far as it can be had.
#[derive(Debug)]
pub(crate) struct Wish(CreateDelegationRequest);

impl Wish {
    /// Reads a request; what the caller cannot give is refused.
    pub(crate) fn read(
        mut request: CreateDelegationRequest,
        caller: &Verified,
        registry: Registry,
    ) -> Result<Self, Error> {
        let invalid = |field, problem| Err(Error::Invalid { field, problem });
        if !(1..=128).contains(&request.agent.len()) || has_control(&request.agent) {
            return invalid("agent", "must have 1 to 128 bytes and no control characters");
        }
        if request.description.chars().count() > 200 || has_control(&request.description) {
            return invalid("description", "must have at most 200 characters, none of control");
        }
        match request.life_seconds {
            0 => request.life_seconds = USUAL,
            SHORTEST..=LONGEST => {}
            _ => return invalid("life_seconds", "must be 60 to 86400, or 0"),
        }
        for words in [&mut request.scopes, &mut request.actions] {
            words.sort_unstable();
            words.dedup();
        }
        let claims = caller.claims();
        if !(1..=MOST).contains(&request.scopes.len()) {
            return invalid("scopes", "must name 1 to 16");
        }
        if !request.scopes.iter().all(|scope| claims.scopes.contains(scope)) {
            return invalid("scopes", "must be among those of the caller's own token");
        }
        if request.actions.len() > MOST {
            return invalid("actions", "must name at most 16");
        }
        if !request.actions.iter().all(|action| registry.find(action).is_some()) {
            return invalid("actions", "must be audiences of elevated operations");
        }
        let may_act = claims.may_act.as_ref().map(|actor| actor.get("sub"));
        if may_act.is_some_and(|named| named.and_then(|sub| sub.as_str()) != Some(&request.agent)) {
            return invalid(
                "agent",
                "must be the one that the caller's own token allows, `may_act`",
            );
        }
        Ok(Self(request))
    }
}

/// Makes the token and the record of it.
pub(crate) fn delegate(
    wish: Wish,
    caller: &Verified,
    ring: &KeyRing,
    now: UnixTime,
) -> Result<(MintedToken, Record), Error> {
    let Wish(CreateDelegationRequest { agent, scopes, actions, life_seconds, description }) = wish;
    let key = ring.keys().find(|key| {
        key.owner() == SIGNER
            && key.can_sign()
            && key.state() == KeyState::Active
            && key.may_sign(TokenType::User)
    });
    let key = key.ok_or(Error::NoSigner("agents"))?;
    if !scopes.iter().all(|scope| key.scopes().contains(scope)) {
        let problem = "must not be administrators'";
        return Err(Error::Invalid { field: "scopes", problem });
    }
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    let id = TokenId::from_random(bytes);
    let delegates: Vec<_> = scopes.iter().map(String::as_str).collect();
    let mut new = NewToken::child_of(caller, TokenType::User, id.clone(), &delegates)?;
    new.scopes = delegates.iter().copied().collect();
    new.audience = vec![SIGNER.to_owned()];
    new.actor = Some(json!({ "sub": agent }));
    new.actions = Some(actions.clone());
    new.life = Some(Duration::from_secs(life_seconds.into()));
    let token = ring.mint(key.kid(), &new, now)?;
    let ends = token.expires_at().ok_or(Error::NoSigner("agents"))?;
    // Read as a node will read it: what revokes it there is what is listed as revoked here.
    let verified = ring.verify(token.expose(), now).map_err(MintError::NotAllowed)?;
    let (name, chain, id) = (verified.fingerprint(), verified.chain(), id.as_str().to_owned());
    let created = now;
    Ok((token, Record { name, id, agent, scopes, actions, description, created, ends, chain }))
}

fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}
