//! Issuing an action token: what is asked for, whether the caller may have it, and who signs.
//!
//! Invariant: a token is the caller's own and nobody else's: it descends from the token that authorized the call, says what that
//! says of the user and not more, holds no scope, and ends no later.

use std::time::Duration;

use aws_lc_rs::rand;
use hallpass_contract::auth::{ActionObject, IssueActionTokenRequest};
use hallpass_policy::{Action, Denial, Permit};
use hallpass_token::{
    KeyRing, MintedToken, NewToken, ResourceClaim, Scopes, TokenId, TokenType, UnixTime,
};

use crate::action_service::Registry;
use crate::error::Error;

/// The service that signs action tokens.
const SIGNER: &str = "platform";

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) action: &'static Action,
    life: Duration,
    object: Option<ResourceClaim>,
}

/// A token and its id.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: MintedToken,
    pub(crate) id: TokenId,
}

impl Wish {
    /// Reads a request; what is outside the operation's bounds is refused, and the bounds are named.
    pub(crate) fn read(
        request: &IssueActionTokenRequest,
        registry: Registry,
    ) -> Result<Self, Error> {
        let action = registry.find(&request.audience).ok_or_else(|| {
            let known: Vec<_> = registry.actions.iter().map(|action| action.audience).collect();
            wrong("audience", format!("must be one of {}", known.join(", ")))
        })?;
        let life = match request.life_seconds {
            0 => action.usual_life,
            secs => Duration::from_secs(secs.into()),
        };
        if !(action.shortest_life..=action.longest_life).contains(&life) {
            let [shortest, longest] = [action.shortest_life, action.longest_life];
            let (shortest, longest) = (shortest.as_secs(), longest.as_secs());
            return Err(wrong("life_seconds", format!("must be {shortest} to {longest}, or 0")));
        }
        let object = request.resource.as_ref();
        let object = object.map(|object| object_of(object, action, registry)).transpose()?;
        Ok(Self { action, life, object })
    }
}

/// Issues what is asked for to the caller, if they are what the operation demands.
pub(crate) fn issue(
    wish: &Wish,
    permit: &Permit,
    ring: &KeyRing,
    now: UnixTime,
) -> Result<Issued, Error> {
    let caller = permit.token().ok_or(Error::NoToken)?;
    wish.action.suits(caller.claims(), now).map_err(|denial| permit.refuse(denial))?;
    if let Some(object) = &wish.object
        && !permit.is_for(&object.kind, &object.id)
    {
        // A token for one object issues none for another.
        let denial = Denial::ObjectRefused { kind: "object", permission: "issue tokens for" };
        return Err(permit.refuse(denial).into());
    }
    let key = ring.keys().find(|key| {
        key.owner() == SIGNER
            && key.can_sign()
            && key.state() == hallpass_token::KeyState::Active
            && key.may_sign(TokenType::Action)
            && key.may_reach(wish.action.audience)
    });
    let key = key.ok_or(Error::NoSigner(wish.action.audience))?;
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    let id = TokenId::from_random(bytes);
    let mut new = NewToken::child_of(caller, TokenType::Action, id.clone(), &[])?;
    new.audience = vec![wish.action.audience.to_owned()];
    new.scopes = Scopes::default();
    new.life = Some(wish.life);
    new.confirmation = caller.claims().confirmation;
    if wish.object.is_some() {
        new.resource.clone_from(&wish.object);
    }
    let token = ring.mint(key.kid(), &new, now)?;
    Ok(Issued { token, id })
}

/// The object must be of a type that an RPC of the operation names: the token would be good for nothing.
fn object_of(
    object: &ActionObject,
    action: &Action,
    registry: Registry,
) -> Result<ResourceClaim, Error> {
    const LONGEST: usize = 256;
    let named = |kind: &str| {
        let mut rules = registry.demanding(action);
        rules.any(|rule| rule.resources.iter().any(|of| of.field.is_some() && of.kind == kind))
    };
    if !named(&object.r#type) {
        let problem = format!("must be a type that the RPCs of {} name", action.audience);
        return Err(wrong("resource.type", problem));
    }
    let right = (1..=LONGEST).contains(&object.id.len()) && !object.id.contains(char::is_control);
    if !right {
        let problem = "must have 1 to 256 bytes and no control characters";
        return Err(wrong("resource.id", problem.to_owned()));
    }
    Ok(ResourceClaim { kind: object.r#type.clone(), id: object.id.clone() })
}

const fn wrong(field: &'static str, problem: String) -> Error {
    Error::Wrong { field, problem }
}
