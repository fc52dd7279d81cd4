//! The decision as a table: one good call, and each fact that can be wrong in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hallpass_policy::adapter::grant_each;
use hallpass_policy::{
    Access, Action, Credential, DecisionId, Denial, Facts, Granted, ListState, ObjectPolicy,
    Permission, Permit, Resource, Rule, StepUp, Unknown, Verdict, WhenStale, decide,
};
use hallpass_token::{
    Algorithm, Confirmation, KeyRing, KeySpec, KeyState, NewToken, Profile, ResourceClaim, Scopes,
    TokenError, TokenId, TokenType, UnixTime, Verified, generate,
};
use tonic::Code;
use tonic_types::StatusExt as _;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const DECISION: DecisionId = DecisionId::new(7, 9);

static READ: Rule = rule("/t.S/Read", Access::Tokens { types: &[TokenType::User], action: None });
static ABORT: Rule =
    rule("/t.S/Abort", Access::Tokens { types: &[TokenType::User], action: Some(&ABORTING) });
/// As `ABORT`, for some who have proved who they are lately, and for a job that the request names.
static STOP: Rule = Rule {
    resources: &[Resource { kind: "job", field: Some("job_id"), permission: "abort" }],
    ..rule("/t.S/Stop", Access::Tokens { types: &[TokenType::User], action: Some(&STOPPING) })
};
static ABORTING: Action = Action {
    audience: "jobs.abort",
    owner: "platform",
    description: "",
    shortest_life: Duration::from_secs(30),
    longest_life: Duration::from_mins(10),
    usual_life: Duration::from_mins(2),
    single_use: true,
    roles: &[],
    step_up: None,
};
static STOPPING: Action =
    Action { roles: &["operator", "admin"], step_up: Some(STEP_UP), ..ABORTING };
const STEP_UP: StepUp = StepUp { amr: &["otp", "hwk"], max_age: Some(Duration::from_mins(5)) };
static OPEN: Rule = rule("/t.S/Open", Access::Public);
static FEED: Rule = Rule {
    when_stale: WhenStale::Serve,
    ..rule("/t.S/Feed", Access::Tokens { types: &[TokenType::User], action: None })
};

const fn rule(path: &'static str, access: Access) -> Rule {
    Rule {
        path,
        service: "t.S",
        method: "M",
        audience: "platform",
        access,
        scope: Some("jobs:read"),
        resources: &[],
        delegates: &[],
        when_stale: WhenStale::Refuse,
        client_streaming: false,
        server_streaming: false,
        description: "",
    }
}

struct Minter(KeyRing);

impl Minter {
    fn new() -> Self {
        let spec = |issuer: &str, types: [TokenType; 2]| KeySpec {
            kid: format!("{issuer}-{}", types[0]),
            issuer: issuer.to_owned(),
            owner: "edge".to_owned(),
            types: types.to_vec(),
            scopes: ["jobs:read", "jobs:write"].into_iter().collect(),
            audiences: ["platform", "labeler", "jobs.abort"].map(str::to_owned).to_vec(),
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
        };
        let edge = [TokenType::User, TokenType::Action];
        let inside = [TokenType::Service, TokenType::Background];
        let keys = [spec("one", edge), spec("one", inside), spec("two", edge)];
        let keys = keys.map(|spec| generate(Algorithm::EdDsa, spec).unwrap());
        Self(KeyRing::new(keys.into()).unwrap())
    }

    fn mint(
        &self,
        issuer: &str,
        kind: TokenType,
        audience: &str,
        change: impl FnOnce(&mut NewToken),
    ) -> Arc<Verified> {
        let mut token = NewToken::new(kind, TokenId::from_random([3; 16]));
        token.subject = (kind != TokenType::Background).then(|| "alice".to_owned());
        token.service = kind.names_service().then(|| "edge".to_owned());
        token.scopes = std::iter::once("jobs:read").collect();
        token.audience = vec![audience.to_owned()];
        token.life = Some(Duration::from_secs(100));
        change(&mut token);
        let named = format!("{issuer}-{}", if kind.names_service() { "service" } else { "user" });
        let minted = self.0.mint(&named, &token, NOW).unwrap();
        Arc::new(self.0.verify(minted.expose(), NOW).unwrap())
    }

    /// An action token that `issuer` signs for the holder of `parent`.
    fn child(
        &self,
        parent: &Verified,
        issuer: &str,
        change: impl FnOnce(&mut NewToken),
    ) -> Arc<Verified> {
        let id = TokenId::from_random([4; 16]);
        let mut token = NewToken::child_of(parent, TokenType::Action, id, &[]).unwrap();
        (token.audience, token.scopes) = (vec!["jobs.abort".to_owned()], Scopes::default());
        change(&mut token);
        let minted = self.0.mint(&format!("{issuer}-user"), &token, NOW).unwrap();
        Arc::new(self.0.verify(minted.expose(), NOW).unwrap())
    }

    fn user(&self) -> Arc<Verified> {
        self.mint("one", TokenType::User, "platform", |_| {})
    }
}

fn facts<'a>(
    rule: &'static Rule,
    bearer: Option<&'a Arc<Verified>>,
    action: Option<&'a Arc<Verified>>,
) -> Facts<'a> {
    let valid = |token| Credential { token, revoked: false };
    Facts {
        rule,
        bearer: bearer.map(valid),
        action: action.map(valid),
        list: ListState::Fresh,
        client_certificate: None,
    }
}

fn denial(facts: &Facts<'_>, now: UnixTime) -> Denial {
    decide(facts, now, DECISION).unwrap_err()
}

#[test]
fn a_good_call_gets_a_permit_that_knows_the_caller() {
    let minter = Minter::new();
    let user = minter.user();
    let permit = decide(&facts(&READ, Some(&user), None), NOW, DECISION).unwrap();
    assert_eq!(permit.subject(), Some("alice"));
    assert_eq!(permit.token_type(), Some(TokenType::User));
    assert!(permit.has_scope("jobs:read") && !permit.has_scope("jobs:write"));
    assert_eq!(permit.decision(), DECISION);
}

#[test]
fn a_public_rpc_needs_nothing_and_knows_nobody() {
    let permit = decide(&facts(&OPEN, None, None), NOW, DECISION).unwrap();
    assert_eq!((permit.subject(), permit.token_type()), (None, None));
}

#[test]
fn each_wrong_fact_is_its_own_refusal() {
    let minter = Minter::new();
    let user = minter.user();
    let service = minter.mint("one", TokenType::Service, "platform", |_| {});
    let elsewhere = minter.mint("one", TokenType::User, "labeler", |_| {});
    let unscoped = minter.mint("one", TokenType::User, "platform", |token| {
        token.scopes = std::iter::once("jobs:write").collect();
    });
    assert_eq!(denial(&facts(&READ, None, None), NOW), Denial::TokenMissing);
    let service = denial(&facts(&READ, Some(&service), None), NOW);
    assert_eq!(service, Denial::TypeNotAccepted(TokenType::Service));
    let elsewhere = denial(&facts(&READ, Some(&elsewhere), None), NOW);
    assert_eq!(elsewhere, Denial::AudienceMismatch("platform"));
    let unscoped = denial(&facts(&READ, Some(&unscoped), None), NOW);
    assert_eq!(unscoped, Denial::ScopeMissing("jobs:read"));
    let later = NOW.plus(Duration::from_secs(131));
    assert_eq!(denial(&facts(&READ, Some(&user), None), later), Denial::TokenExpired);
    let earlier = NOW.minus(Duration::from_secs(31));
    assert_eq!(denial(&facts(&READ, Some(&user), None), earlier), Denial::TokenNotYetValid);
}

#[test]
fn a_revoked_token_learns_nothing_about_what_it_might_have_done() {
    let minter = Minter::new();
    let wrong = minter.mint("one", TokenType::Service, "labeler", |_| {});
    let mut facts = facts(&READ, Some(&wrong), None);
    facts.bearer = Some(Credential { token: &wrong, revoked: true });
    facts.list = ListState::Stale;
    assert_eq!(denial(&facts, NOW), Denial::TokenRevoked);
}

#[test]
fn a_stale_list_refuses_all_but_what_makes_it_fresh() {
    let minter = Minter::new();
    let user = minter.user();
    let stale = |rule| Facts { list: ListState::Stale, ..facts(rule, Some(&user), None) };
    assert_eq!(denial(&stale(&READ), NOW), Denial::ListStale);
    assert!(decide(&stale(&FEED), NOW, DECISION).is_ok());
    assert!(
        decide(&Facts { list: ListState::Stale, ..facts(&OPEN, None, None) }, NOW, DECISION)
            .is_ok()
    );
}

#[test]
fn an_action_token_counts_only_beside_its_owners_own() {
    let minter = Minter::new();
    let user = minter.user();
    let action = |issuer, audience| minter.mint(issuer, TokenType::Action, audience, |_| {});
    let good = action("one", "jobs.abort");
    let permit = decide(&facts(&ABORT, Some(&user), Some(&good)), NOW, DECISION).unwrap();
    assert!(permit.action().is_some());

    let refused =
        |rule, other: Option<&Arc<Verified>>| denial(&facts(rule, Some(&user), other), NOW);
    assert_eq!(refused(&ABORT, None), Denial::ActionMissing("jobs.abort"));
    assert_eq!(refused(&READ, Some(&good)), Denial::ActionUnexpected);
    assert_eq!(refused(&ABORT, Some(&user)), Denial::ActionMismatch);
    let others = action("two", "jobs.abort");
    assert_eq!(refused(&ABORT, Some(&others)), Denial::ActionMismatch);
    let elsewhere = action("one", "platform");
    assert_eq!(refused(&ABORT, Some(&elsewhere)), Denial::AudienceMismatch("jobs.abort"));
    let mut revoked = facts(&ABORT, Some(&user), None);
    revoked.action = Some(Credential { token: &good, revoked: true });
    assert_eq!(denial(&revoked, NOW), Denial::TokenRevoked);
}

/// A service that issues action tokens signs as itself: whose they are, their first ancestor says.
#[test]
fn an_action_token_that_another_issued_is_its_first_ancestors_users() {
    let minter = Minter::new();
    let (user, others) = (minter.user(), minter.mint("two", TokenType::User, "platform", |_| {}));
    let child = |parent: &Verified| minter.child(parent, "two", |_| {});
    let decided = |caller, token: &Arc<Verified>| {
        decide(&facts(&ABORT, Some(caller), Some(token)), NOW, DECISION).map(|_| ())
    };
    let own = child(&user);
    assert_eq!(own.claims().issuer.as_deref(), Some("two"));
    assert_eq!(decided(&user, &own), Ok(()));
    assert_eq!(decided(&others, &own), Err(Denial::ActionMismatch), "the same name elsewhere");
    assert_eq!(decided(&user, &child(&others)), Err(Denial::ActionMismatch));
    let agent = minter.mint("one", TokenType::User, "platform", |token| {
        token.actor = Some(serde_json::json!({ "sub": "robot" }));
    });
    assert_eq!(decided(&user, &child(&agent)), Err(Denial::ActionMismatch));
    assert_eq!(decided(&agent, &own), Err(Denial::ActionMismatch));
    assert_eq!(decided(&agent, &child(&agent)), Ok(()));
}

/// What an operation demands of its user is asked of the token itself, as of its issue, whoever signed it.
#[test]
fn an_action_token_says_what_its_operation_demands() {
    let minter = Minter::new();
    let user = minter.user();
    let mint = |change: fn(&mut NewToken)| {
        minter.mint("one", TokenType::Action, "jobs.abort", |token| {
            token.roles = vec!["admin".to_owned()];
            token.amr = vec!["pwd".to_owned(), "hwk".to_owned()];
            token.auth_time = Some(NOW.minus(Duration::from_mins(5)));
            change(token);
        })
    };
    let table: [(fn(&mut NewToken), Result<(), Denial>); 8] = [
        (|_| {}, Ok(())),
        (|token| token.roles = Vec::new(), Err(Denial::RoleMissing(&STOPPING))),
        (|token| token.roles = vec!["user".to_owned()], Err(Denial::RoleMissing(&STOPPING))),
        (|token| token.amr = vec!["pwd".to_owned()], Err(Denial::StepUpRequired(STEP_UP))),
        (|token| token.amr = Vec::new(), Err(Denial::StepUpRequired(STEP_UP))),
        (|token| token.auth_time = None, Err(Denial::StepUpRequired(STEP_UP))),
        (
            |token| token.auth_time = Some(NOW.minus(Duration::from_secs(301))),
            Err(Denial::StepUpRequired(STEP_UP)),
        ),
        (
            |token| token.auth_time = Some(NOW.plus(Duration::from_hours(1))),
            Err(Denial::StepUpRequired(STEP_UP)),
        ),
    ];
    for (at, (change, expected)) in table.into_iter().enumerate() {
        let token = mint(change);
        let decided = decide(&facts(&STOP, Some(&user), Some(&token)), NOW, DECISION);
        assert_eq!(decided.map(|_| ()), expected, "row {at}");
    }
}

#[test]
fn a_refusal_says_what_authentication_is_required() {
    let status = Denial::StepUpRequired(STEP_UP).into_status(DECISION);
    let details = status.get_error_details();
    let facts = &details.error_info().unwrap().metadata;
    assert_eq!(facts["error"], "insufficient_user_authentication");
    assert_eq!((&*facts["amr_values"], &*facts["max_age"]), ("otp hwk", "300"));
    let status = Denial::RoleMissing(&STOPPING).into_status(DECISION);
    assert_eq!(
        status.get_error_details().error_info().unwrap().metadata["roles"],
        "operator admin"
    );
}

#[tokio::test]
async fn an_action_token_for_one_object_counts_for_no_other() {
    let minter = Minter::new();
    let user = minter.user();
    let of = |kind: &str| {
        minter.mint("one", TokenType::Action, "jobs.abort", |token| {
            token.resource = Some(ResourceClaim { kind: kind.to_owned(), id: "job_1".to_owned() });
            token.roles = vec!["admin".to_owned()];
            (token.amr, token.auth_time) = (vec!["otp".to_owned()], Some(NOW));
        })
    };
    let (job, dataset) = (of("job"), of("dataset"));
    let refused = denial(&facts(&STOP, Some(&user), Some(&dataset)), NOW);
    assert_eq!(refused, Denial::ActionMismatch, "the request names no such object");
    let permit = decide(&facts(&STOP, Some(&user), Some(&job)), NOW, DECISION).unwrap();
    let policy = Counting(0.into());
    assert!(Granted::<ReadJob>::check(&policy, &permit, "job_1").await.is_ok());
    let other = Granted::<ReadJob>::check(&policy, &permit, "job_2").await.unwrap_err();
    assert_eq!(other.denial, Denial::ObjectRefused { kind: "job", permission: "read" });
    assert_eq!(policy.0.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_bound_token_needs_the_certificate_it_is_bound_to() {
    let minter = Minter::new();
    let bound = minter.mint("one", TokenType::User, "platform", |token| {
        token.confirmation = Some(Confirmation { certificate_sha256: [5; 32] });
    });
    let shown =
        |certificate| Facts { client_certificate: certificate, ..facts(&READ, Some(&bound), None) };
    assert_eq!(denial(&shown(None), NOW), Denial::BindingMismatch);
    assert_eq!(denial(&shown(Some([6; 32])), NOW), Denial::BindingMismatch);
    assert!(decide(&shown(Some([5; 32])), NOW, DECISION).is_ok());
}

#[test]
fn every_refusal_has_its_code_a_reason_of_its_own_and_says_nothing_of_the_cause() {
    use Code as C;
    let wait = Duration::from_secs(3);
    let table = [
        (Denial::UnknownMethod, C::Unimplemented),
        (Denial::TokenMissing, C::Unauthenticated),
        (Denial::CredentialsMalformed("cause"), C::Unauthenticated),
        (Denial::TokenInvalid(TokenError::BadSignature), C::Unauthenticated),
        (Denial::TokenExpired, C::Unauthenticated),
        (Denial::TokenNotYetValid, C::Unauthenticated),
        (Denial::TokenRevoked, C::Unauthenticated),
        (Denial::BindingMismatch, C::Unauthenticated),
        (Denial::TypeNotAccepted(TokenType::Action), C::PermissionDenied),
        (Denial::AudienceMismatch("cause"), C::PermissionDenied),
        (Denial::ScopeMissing("cause"), C::PermissionDenied),
        (Denial::ActionMissing("cause"), C::PermissionDenied),
        (Denial::ActionUnexpected, C::PermissionDenied),
        (Denial::ActionMismatch, C::PermissionDenied),
        (Denial::TokenSpent, C::Unauthenticated),
        (Denial::RoleMissing(&STOPPING), C::PermissionDenied),
        (Denial::StepUpRequired(STEP_UP), C::Unauthenticated),
        (Denial::ObjectRefused { kind: "cause", permission: "cause" }, C::PermissionDenied),
        (Denial::ObjectIdInvalid { field: "f", problem: "p" }, C::InvalidArgument),
        (Denial::TooMany(wait), C::ResourceExhausted),
        (Denial::ListStale, C::Unavailable),
        (Denial::CannotDecide("cause"), C::Unavailable),
        (Denial::DelegationRefused("cause"), C::Internal),
        (Denial::Misconfigured("cause"), C::Internal),
    ];
    let mut reasons = BTreeSet::new();
    for (denial, code) in table {
        let status = denial.clone().into_status(DECISION);
        assert_eq!(status.code(), code, "{denial:?}");
        assert!(!status.message().contains("cause"), "{denial:?}");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.domain, "hallpass");
        assert_eq!(info.metadata["decision_id"], "00000000000000070000000000000009");
        assert!(reasons.insert(info.reason.clone()), "{denial:?} shares its reason");
        let retry = details.retry_info().and_then(|info| info.retry_delay);
        assert_eq!(retry, matches!(denial, Denial::TooMany(_)).then_some(wait));
    }
    assert_eq!(reasons.len(), 24);
}

/// Other refusals of a token share one reason, so that a stranger cannot tell a known key from an unknown one.
#[test]
fn an_unknown_key_a_bad_signature_and_a_malformed_token_look_the_same() {
    let errors = [
        TokenError::UnknownKey,
        TokenError::BadSignature,
        TokenError::KeyRetired,
        TokenError::Malformed("x"),
    ];
    let answers: BTreeSet<_> =
        errors.map(|error| format!("{:?}", Denial::from(error).answer())).into();
    assert_eq!(answers.len(), 1);
}

/// `Permit` has no constructor outside the decision; what it tells is all that handlers can learn.
#[test]
fn a_permit_shows_no_token() {
    let permit: Permit =
        decide(&facts(&READ, Some(&Minter::new().user()), None), NOW, DECISION).unwrap();
    assert!(!format!("{permit:?}").contains("eyJ"));
}

struct Counting(std::sync::atomic::AtomicUsize);

impl ObjectPolicy for Counting {
    async fn check(
        &self,
        _: &Permit,
        _: &'static str,
        _: &'static str,
        _: &str,
    ) -> Result<Verdict, Unknown> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Verdict::Granted)
    }
}

#[derive(Debug)]
enum ReadJob {}

impl Permission for ReadJob {
    const KIND: &'static str = "job";
    const NAME: &'static str = "read";
}

/// A check may be a call to another service: a request cannot multiply it by naming one object a hundred times.
#[test]
fn an_object_that_is_named_twice_is_checked_once_and_proved_twice() {
    let user = Minter::new().user();
    let permit = decide(&facts(&READ, Some(&user), None), NOW, DECISION).unwrap();
    let policy = Counting(0.into());
    let ids = ["a", "b", "a"].map(str::to_owned);
    let checked = std::pin::pin!(grant_each::<ReadJob>(&policy, &permit, "job_ids", &ids));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(proofs) = Future::poll(checked, &mut context) else {
        unreachable!("the policy does not wait");
    };
    let named: Vec<_> = proofs.unwrap().iter().map(|proof| proof.id().to_owned()).collect();
    assert_eq!(named, ids);
    assert_eq!(policy.0.load(std::sync::atomic::Ordering::Relaxed), 2);
}
