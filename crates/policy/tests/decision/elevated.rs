//! Elevated operations: the action token is the caller's own, for this operation, and says what it demands.

use std::sync::Arc;
use std::time::Duration;

use hallpass_policy::{Credential, Denial, Granted, decide};
use hallpass_token::{NewToken, ResourceClaim, TokenType, Verified};
use tonic_types::StatusExt as _;

use crate::fixture::{
    ABORT, Counting, DECISION, Minter, NOW, READ, ReadJob, STEP_UP, STOP, STOPPING, denial, facts,
};

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
    revoked.action = Some(Credential { revoked: true, ..Credential::new(&good) });
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

/// What is changed in a good action token, and what becomes of it.
type Row = (fn(&mut NewToken), Result<(), Denial>);

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
    let table: [Row; 8] = [
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
