//! One good call, each wrong fact, and what each refusal tells.

use std::collections::BTreeSet;
use std::time::Duration;

use hallpass_policy::adapter::grant_each;
use hallpass_policy::{Credential, Denial, Facts, KeyEntry, ListState, Permit, decide, validity};
use hallpass_token::{Confirmation, TokenError, TokenType};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{
    ABORT, Counting, DECISION, FEED, Minter, NOW, OPEN, READ, ReadJob, STEP_UP, STOPPING, denial,
    facts,
};

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
    facts.bearer = Some(Credential { revoked: true, ..Credential::new(&wrong) });
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

/// The decision and every later look say the same of the same facts, of the caller's token and of the action token alike.
#[test]
fn what_a_permit_rests_on_is_judged_alike_at_first_and_later() {
    let minter = Minter::new();
    let user = minter.user();
    let action = minter.child(&user, "one", |_| {});
    let gone = Denial::TokenInvalid(TokenError::KeyRetired);
    let spoilt = |token| {
        let good = Credential::new(token);
        [
            (Credential { key: KeyEntry::Gone, revoked: true, ..good }, gone.clone()),
            (
                Credential { revoked: true, session_ended: Some("idle"), ..good },
                Denial::TokenRevoked,
            ),
            (Credential { session_ended: Some("idle"), ..good }, Denial::SessionEnded("idle")),
        ]
    };
    let (bearers, actions) = (spoilt(&user), spoilt(&action));
    let both = facts(&ABORT, Some(&user), Some(&action));
    let of_bearer = bearers.map(|(bearer, denial)| {
        (Facts { bearer: Some(bearer), action: both.action, ..both }, denial)
    });
    let of_action = actions.map(|(action, denial)| {
        (Facts { bearer: both.bearer, action: Some(action), ..both }, denial)
    });
    for (facts, expected) in of_bearer.into_iter().chain(of_action) {
        assert_eq!(denial(&facts, NOW), expected);
        assert_eq!(validity(&facts, NOW).unwrap_err(), expected);
    }
    assert!(decide(&both, NOW, DECISION).is_ok() && validity(&both, NOW).is_ok());
    assert_eq!(validity(&facts(&OPEN, None, None), NOW), Ok(()));
    assert_eq!(validity(&facts(&READ, None, None), NOW), Err(Denial::TokenMissing));
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
        (Denial::SessionEnded("cause"), C::Unauthenticated),
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
        (Denial::MetadataTooLarge { bytes: 2, most: 1 }, C::ResourceExhausted),
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
    assert_eq!(reasons.len(), 26);
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
