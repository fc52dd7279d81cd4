//! What stands between a token and an RPC, by the rule.
//!
//! Invariant: it says of no RPC that a token is enough where the decision would refuse it, and the other way round: a test asks both.

use hallpass_contract::auth::{AllowedRpc, Missing};
use hallpass_policy::{Access, Action, Denial, Resource, Rule, StepUp};
use hallpass_token::{Claims, TokenType, UnixTime, Verified};

/// The scope without which nobody gets an action token.
const ISSUE: &str = "/hallpass.auth.v1.ActionService/IssueActionToken";

/// What a caller with this token is told of an RPC.
pub(super) fn told(rule: &'static Rule, token: &Verified, now: UnixTime) -> AllowedRpc {
    let missing = missing(rule, token.claims(), now);
    let elevates =
        |lacks: &Missing| matches!(rule.action(), Some(action) if *lacks == elevation(action));
    AllowedRpc {
        rpc: rule.path.trim_start_matches('/').to_owned(),
        description: rule.description.to_owned(),
        allowed: missing.iter().all(elevates),
        missing,
        objects: rule.resources.iter().map(object).collect(),
    }
}

fn missing(rule: &'static Rule, claims: &Claims, now: UnixTime) -> Vec<Missing> {
    let Access::Tokens { types, action } = rule.access else { return Vec::new() };
    let mut missing = Vec::new();
    if !rule.accepts(claims.token_type) {
        let kinds: Vec<_> = types.iter().map(|kind| kind.as_str()).collect();
        let needed = format!("a token of the kind {}", kinds.join(" or "));
        missing.push(lack(&Denial::TypeNotAccepted(claims.token_type), needed));
    }
    if !claims.audience.iter().any(|audience| audience == rule.audience) {
        missing.push(lack(&Denial::AudienceMismatch(rule.audience), rule.audience.to_owned()));
    }
    if let Some(scope) = rule.scope.filter(|scope| !claims.scopes.contains(scope)) {
        missing.push(lack(&Denial::ScopeMissing(scope), scope.to_owned()));
    }
    if let Some(action) = action.filter(|_| claims.token_type == TokenType::User) {
        missing.extend(to_elevate(action, claims, now));
        missing.push(elevation(action));
    }
    missing
}

/// What the caller lacks to get an action token.
fn to_elevate(action: &'static Action, claims: &Claims, now: UnixTime) -> Vec<Missing> {
    let mut missing = Vec::new();
    let scope = hallpass_contract::rule(ISSUE).and_then(|rule| rule.scope);
    if let Some(scope) = scope.filter(|scope| !claims.scopes.contains(scope)) {
        missing.push(lack(&Denial::ScopeMissing(scope), scope.to_owned()));
    }
    if let Some(given) = &claims.actions
        && !given.iter().any(|audience| audience == action.audience)
    {
        let needed =
            format!("{} among the operations that were given to the agent", action.audience);
        missing.push(Missing { reason: "ACTION_NOT_DELEGATED".to_owned(), needed });
    }
    match action.suits(claims, now) {
        Ok(()) => {}
        Err(denial) => {
            let needed = match &denial {
                Denial::StepUpRequired(step_up) => proof(step_up),
                _ => format!("one of the roles {}", action.roles.join(", ")),
            };
            missing.push(lack(&denial, needed));
        }
    }
    missing
}

/// The action token itself: whoever lacks nothing else can get it.
fn elevation(action: &'static Action) -> Missing {
    lack(&Denial::ActionMissing(action.audience), action.audience.to_owned())
}

fn lack(denial: &Denial, needed: String) -> Missing {
    Missing { reason: denial.reason().to_owned(), needed }
}

/// How the user has to prove who they are.
pub(super) fn proof(step_up: &StepUp) -> String {
    let factor = (!step_up.amr.is_empty()).then(|| format!("amr {}", step_up.amr.join(" or ")));
    let age = step_up.max_age.map(|age| format!("auth_time within {} s", age.as_secs()));
    factor.into_iter().chain(age).collect::<Vec<_>>().join(", ")
}

/// Such as `read dataset(dataset_id)`, or `read dataset(listed)`.
fn object(resource: &Resource) -> String {
    format!("{} {}({})", resource.permission, resource.kind, resource.field.unwrap_or("listed"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use std::sync::Arc;

    use hallpass_contract::{ACTIONS, RULES, SERVICES};
    use hallpass_policy::{Credential, DecisionId, Facts, ListState, decide};
    use hallpass_token::{
        Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, Scopes, TokenId, generate,
    };

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn every_scope() -> impl Iterator<Item = &'static str> {
        SERVICES.iter().flat_map(|service| service.scopes).map(|(name, _)| *name)
    }

    /// A key for each kind of token, which may sign everything.
    fn ring() -> KeyRing {
        let key = |kind: TokenType| {
            let audiences = ["platform", "labeler"].into_iter();
            let spec = KeySpec {
                kid: kind.as_str().to_owned(),
                issuer: "all".to_owned(),
                owner: "all".to_owned(),
                types: vec![kind],
                scopes: every_scope().collect(),
                audiences: audiences
                    .chain(ACTIONS.iter().map(|action| action.audience))
                    .map(str::to_owned)
                    .collect(),
                state: KeyState::Active,
                profile: Profile::Standard,
                no_expiry: false,
                roots: None,
                max_life: None,
            };
            generate(Algorithm::EdDsa, spec).unwrap()
        };
        KeyRing::new(TokenType::ALL.into_iter().map(key).collect()).unwrap()
    }

    fn token(ring: &KeyRing, kind: TokenType, audience: &str, scopes: Scopes) -> Arc<Verified> {
        let mut new = NewToken::new(kind, TokenId::from_random([7; 16]));
        new.subject = (kind != TokenType::Background).then(|| "alice".to_owned());
        new.service = kind.names_service().then(|| "all".to_owned());
        new.audience = vec![audience.to_owned()];
        new.scopes = scopes;
        let minted = ring.mint(kind.as_str(), &new, NOW).unwrap();
        Arc::new(ring.verify(minted.expose(), NOW).unwrap())
    }

    /// What the decision says of a call with this token, and with the action token that its holder would get.
    fn is_let_through(rule: &'static Rule, ring: &KeyRing, caller: &Arc<Verified>) -> bool {
        let action = rule.action().filter(|_| caller.claims().token_type == TokenType::User);
        let action =
            action.map(|action| token(ring, TokenType::Action, action.audience, Scopes::default()));
        let facts = Facts {
            rule,
            bearer: Some(Credential::new(caller)),
            action: action.as_ref().map(Credential::new),
            list: ListState::Fresh,
            client_certificate: None,
        };
        decide(&facts, NOW, DecisionId::new(1, 1)).is_ok()
    }

    /// Every RPC × every kind of token × both audiences × no scope, each scope alone, and all of them.
    #[test]
    fn what_is_told_is_what_is_decided() {
        let ring = ring();
        let mut allowed = 0;
        let alone = every_scope().map(|scope| std::iter::once(scope).collect::<Scopes>());
        let scopes: Vec<Scopes> =
            alone.chain([Scopes::default(), every_scope().collect()]).collect();
        let callers = TokenType::ALL.into_iter().filter(|kind| *kind != TokenType::Action);
        for kind in callers {
            for (audience, scopes) in
                ["platform", "labeler"].iter().flat_map(|a| scopes.iter().map(move |s| (*a, s)))
            {
                let caller = token(&ring, kind, audience, scopes.clone());
                for rule in RULES {
                    let told = told(rule, &caller, NOW);
                    let can_get_one = rule.action().is_none() || scopes.contains("actions:issue");
                    let decided = is_let_through(rule, &ring, &caller) && can_get_one;
                    assert_eq!(told.allowed, decided, "{} {kind} {audience} {scopes:?}", rule.path);
                    allowed += usize::from(told.allowed);
                }
            }
        }
        assert!(
            allowed > RULES.len(),
            "only {allowed} calls would be let through: that shows nothing"
        );
    }
}
