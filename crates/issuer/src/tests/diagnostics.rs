//! What callers are told of themselves, and what of others.

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::{
    DiagnosticsService as _, ExplainRefusalRequest, ExplainRefusalResponse, GetCallerRequest,
    ListAllowedRpcsRequest, ValidateTokenRequest, ValidateTokenResponse,
};
use hallpass_guard::Refusals;
use hallpass_policy::{DecisionId, Denial};
use hallpass_token::MintedToken;
use tonic::{Code, Status};

use super::world::{ADMIN, ALICE, BOB, HOUR, NOW, Wish, World};
use crate::Diagnostics;
use crate::diagnostics::DiagnosticsHandler;

const LOOKER: Wish = Wish { scopes: &["diagnostics:admin"], ..ADMIN };

struct Asked {
    world: World,
    refusals: Arc<Refusals>,
    handler: DiagnosticsHandler,
}

impl Asked {
    fn new() -> Self {
        let world = World::new();
        let refusals = Refusals::new(world.clock.clone());
        let (keys, clock) = (world.tokens.keys.clone(), world.clock.clone());
        let own = Diagnostics::new("platform", keys, clock, Arc::clone(&refusals));
        let nowhere = |_, _| Box::pin(async { Err(Status::not_found("")) }) as _;
        let handler = world.issuer.diagnostics_handler(own, Arc::new(nowhere));
        Self { world, refusals, handler }
    }

    async fn validate(&self, caller: &MintedToken, token: &str) -> ValidateTokenResponse {
        let permit = self.world.permit(caller, "DiagnosticsService/ValidateToken");
        let request = ValidateTokenRequest { token: token.to_owned() };
        let told = self.handler.validate_token(permit, request).await.unwrap();
        assert!(token.is_empty() || !format!("{told:?}").contains(token), "the token is echoed");
        told
    }

    /// Has a call of this caller refused after the guard.
    fn refuse(&self, caller: &MintedToken, denial: Denial) -> DecisionId {
        let permit = self.world.permit(caller, "RevocationService/Revoke");
        permit.witnessed(Arc::clone(&self.refusals) as _).refuse(denial).decision
    }

    async fn explain(
        &self,
        caller: &MintedToken,
        decision: &str,
    ) -> Result<ExplainRefusalResponse, Status> {
        let permit = self.world.permit(caller, "DiagnosticsService/ExplainRefusal");
        let request = ExplainRefusalRequest { decision_id: decision.to_owned() };
        self.handler.explain_refusal(permit, request).await.map_err(Into::into)
    }
}

#[tokio::test]
async fn the_caller_is_told_what_their_token_says() {
    let asked = Asked::new();
    let token = asked.world.mint(&Wish { roles: &["keeper"], amr: &["otp"], ..ADMIN });
    asked.world.clock.advance(HOUR / 2);
    let permit = asked.world.permit(&token, "DiagnosticsService/GetCaller");
    let told = asked.handler.get_caller(permit, GetCallerRequest {}).await.unwrap();
    assert_eq!(
        told.summary,
        "Environment: platform | Authentication: Active | Buckets: 0 | Permissions: 0 | Scopes: 2 | Life left: 30 min"
    );
    assert_eq!((told.environment.as_str(), told.auth_scheme.as_str()), ("platform", "bearer"));
    let facts = told.token.unwrap();
    assert_eq!((facts.subject.as_str(), facts.issuer.as_str()), ("root", "users"));
    assert_eq!((facts.key_id.as_str(), facts.key_state.as_str()), ("users", "active"));
    assert_eq!((facts.roles, facts.amr), (vec!["keeper".to_owned()], vec!["otp".to_owned()]));
    assert_eq!((facts.life_left_seconds, facts.parents), (Some(1_800), 0));
    assert_eq!(facts.expire_time.unwrap().seconds.cast_unsigned(), NOW.plus(HOUR).as_secs());
}

#[tokio::test]
async fn ones_own_token_is_good_or_the_reason_is_told() {
    let asked = Asked::new();
    let world = &asked.world;
    let short = world.mint(&Wish { life: Some(Duration::from_mins(1)), ..ALICE });
    let later = world.mint(&Wish { starts_in: Some(HOUR / 2), life: Some(2 * HOUR), ..ALICE });
    let (caller, revoked) = (world.mint(&ALICE), world.mint(&ALICE));
    world.revoke(&caller, revoked.expose()).await.unwrap();
    world.clock.advance(Duration::from_mins(3));
    let table = [
        ("", "passed", ""),
        (caller.expose(), "passed", ""),
        (short.expose(), "failed", "TOKEN_EXPIRED"),
        (later.expose(), "failed", "TOKEN_NOT_YET_VALID"),
        (revoked.expose(), "failed", "TOKEN_REVOKED"),
    ];
    for (token, validation, reason) in table {
        let told = asked.validate(&caller, token).await;
        assert_eq!((told.validation.as_str(), told.reason.as_str()), (validation, reason));
        assert_eq!(told.validated_claims.unwrap().subject, "alice");
    }
}

#[tokio::test]
async fn anothers_token_is_told_apart_from_none_by_administrators_alone() {
    let asked = Asked::new();
    let world = &asked.world;
    let (alice, admin) = (world.mint(&ALICE), world.mint(&LOOKER));
    let good = world.mint(&BOB);
    let short = world.mint(&Wish { life: Some(Duration::from_mins(1)), ..BOB });
    let others_alice = world.mint(&Wish { kid: "others", ..ALICE });
    let unknown = world.mint(&Wish { kid: "unknown", ..ALICE });
    world.clock.advance(Duration::from_mins(3));
    let nothing = asked.validate(&alice, "nonsense").await;
    assert_eq!((nothing.validation.as_str(), nothing.reason.as_str()), ("failed", "TOKEN_INVALID"));
    assert_eq!(
        (nothing.explanation.as_str(), nothing.validated_claims.as_ref()),
        ("the token is not valid", None)
    );
    for token in [&good, &short, &others_alice, &unknown] {
        assert_eq!(asked.validate(&alice, token.expose()).await, nothing);
    }
    assert_eq!(asked.validate(&admin, good.expose()).await.validation, "passed");
    assert_eq!(asked.validate(&admin, short.expose()).await.reason, "TOKEN_EXPIRED");
    let told = asked.validate(&admin, unknown.expose()).await;
    assert_eq!(told.explanation, "the token is not valid: unknown key");
}

#[tokio::test]
async fn a_refusal_is_explained_to_whose_call_it_was() {
    let asked = Asked::new();
    let world = &asked.world;
    let (alice, again, bob) = (world.mint(&ALICE), world.mint(&ALICE), world.mint(&BOB));
    let (others_alice, admin) = (world.mint(&Wish { kid: "others", ..ALICE }), world.mint(&LOOKER));
    let decision = asked.refuse(&alice, Denial::ScopeMissing("revocations:admin")).to_string();
    for caller in [&alice, &again, &admin] {
        let told = asked.explain(caller, &decision).await.unwrap();
        assert_eq!(
            (told.code.as_str(), told.reason.as_str()),
            ("PERMISSION_DENIED", "SCOPE_MISSING")
        );
        assert_eq!(told.rpc, "hallpass.auth.v1.RevocationService/Revoke");
        assert!(told.explanation.contains("revocations:admin"), "{}", told.explanation);
        assert_eq!(told.cause.is_empty(), caller.expose() != admin.expose());
    }
    let unknown = DecisionId::new(1, 1).to_string();
    for (caller, decision) in [(&bob, &decision), (&others_alice, &decision), (&alice, &unknown)] {
        let status = asked.explain(caller, decision).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::NotFound, "no refusal of the caller's is remembered under this id")
        );
    }
    for wrong in ["", "x", &decision[1..], &format!("+{}", &decision[1..])] {
        assert_eq!(asked.explain(&alice, wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn what_the_guard_hides_the_explanation_hides() {
    let asked = Asked::new();
    let (alice, admin) = (asked.world.mint(&ALICE), asked.world.mint(&LOOKER));
    let denial = Denial::TokenInvalid(hallpass_token::TokenError::UnknownKey);
    let decision = asked.refuse(&alice, denial).to_string();
    let told = asked.explain(&alice, &decision).await.unwrap();
    assert!(!format!("{told:?}").contains("unknown key"), "{told:?}");
    assert!(asked.explain(&admin, &decision).await.unwrap().cause.contains("unknown key"));
}

#[tokio::test]
async fn only_what_is_allowed_can_be_asked_for() {
    let asked = Asked::new();
    let token = asked.world.mint(&ADMIN);
    let permit = || asked.world.permit(&token, "DiagnosticsService/ListAllowedRpcs");
    let request = |only_allowed| ListAllowedRpcsRequest { only_allowed };
    let all = asked.handler.list_allowed_rpcs(permit(), request(false)).await.unwrap().rpcs;
    let some = asked.handler.list_allowed_rpcs(permit(), request(true)).await.unwrap().rpcs;
    assert_eq!(all.len(), hallpass_contract::RULES.len());
    assert!(some.iter().all(|rpc| rpc.allowed) && some.len() < all.len());
    let find = |name: &str| all.iter().find(|rpc| rpc.rpc.ends_with(name)).unwrap();
    assert!(find("RevocationService/Revoke").allowed);
    let missing = &find("platform.v1.DatasetService/GetDataset").missing;
    assert_eq!(
        (missing[0].reason.as_str(), missing[0].needed.as_str()),
        ("SCOPE_MISSING", "datasets:read")
    );
    assert_eq!(find("platform.v1.DatasetService/GetDataset").objects, ["read dataset(dataset_id)"]);
}
