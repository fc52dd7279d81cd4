//! A caller's token that is for one object: which proofs it gets from a policy that grants everything.

use std::sync::atomic::{AtomicUsize, Ordering};

use hallpass_policy::adapter::{grant, grant_each, visible};
use hallpass_policy::{ObjectPolicy, Permit, Unknown, Verdict, decide};
use hallpass_token::{ResourceClaim, TokenType};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{Counting, DECISION, Minter, NOW, READ, ReadJob, facts};

/// The permit of a user whose token is for one object, or for none.
fn permit(claim: Option<(&str, &str)>) -> Permit {
    let minter = Minter::new();
    let user = minter.mint("one", TokenType::User, "platform", |token| {
        token.resource =
            claim.map(|(kind, id)| ResourceClaim { kind: kind.to_owned(), id: id.to_owned() });
    });
    decide(&facts(&READ, Some(&user), None), NOW, DECISION).unwrap()
}

fn granting() -> Counting {
    Counting(AtomicUsize::new(0))
}

fn reason(status: &tonic::Status) -> String {
    assert_eq!(status.code(), Code::PermissionDenied);
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn a_token_for_one_object_opens_that_one_alone() {
    for (claim, id, opens) in [
        (None, "j-1", true),
        (Some(("job", "j-1")), "j-1", true),
        (Some(("job", "j-1")), "j-2", false),
        (Some(("job", "j-1")), "j-11", false),
        (Some(("dataset", "j-1")), "j-1", false),
    ] {
        let (policy, permit) = (granting(), permit(claim));
        let one = grant::<ReadJob>(&policy, &permit, "job_id", Some(id)).await;
        assert_eq!(one.is_ok(), opens, "{claim:?} {id}");
        let asked = policy.0.load(Ordering::Relaxed);
        assert_eq!(asked, usize::from(opens), "a policy is not asked about what is refused anyway");
        if let Err(status) = one {
            assert_eq!(reason(&status), "OBJECT_REFUSED");
        }
    }
}

#[tokio::test]
async fn a_batch_with_another_object_fails_whole() {
    let (policy, permit) = (granting(), permit(Some(("job", "j-1"))));
    let ids = ["j-1", "j-2"].map(str::to_owned);
    let both = grant_each::<ReadJob>(&policy, &permit, "job_ids", &ids).await;
    assert_eq!(reason(&both.unwrap_err()), "OBJECT_REFUSED");
    let alone = grant_each::<ReadJob>(&policy, &permit, "job_ids", &ids[..1]).await;
    assert_eq!(alone.unwrap().len(), 1);
}

#[test]
fn a_token_for_one_object_sees_no_list() {
    assert!(visible::<ReadJob>(&permit(None)).is_ok());
    for claim in [("job", "j-1"), ("dataset", "d-1")] {
        let refused = visible::<ReadJob>(&permit(Some(claim))).unwrap_err();
        assert_eq!(reason(&refused), "OBJECT_REFUSED");
    }
}

/// Jobs `d-1/…` lie inside the dataset `d-1`. One of them is nobody's.
struct Nested;

impl ObjectPolicy for Nested {
    async fn check(
        &self,
        _: &Permit,
        _: &'static str,
        _: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        Ok(if id == "d-1/0" { Verdict::Refused } else { Verdict::Granted })
    }

    async fn is_inside(
        &self,
        claimed: &ResourceClaim,
        kind: &'static str,
        id: &str,
    ) -> Result<bool, Unknown> {
        if id == "lost" {
            return Err(Unknown("the database"));
        }
        let outer = id.split_once('/').map(|(outer, _)| outer);
        Ok(kind == "job" && claimed.kind == "dataset" && outer == Some(&claimed.id))
    }
}

#[tokio::test]
async fn what_lies_inside_the_claimed_object_the_policy_says() {
    let permit = permit(Some(("dataset", "d-1")));
    for (id, expected) in [
        ("d-1/7", None),
        ("d-1/0", Some("OBJECT_REFUSED")),
        ("d-2/7", Some("OBJECT_REFUSED")),
        ("d-1", Some("OBJECT_REFUSED")),
    ] {
        let checked = grant::<ReadJob>(&Nested, &permit, "job_id", Some(id)).await;
        assert_eq!(checked.err().map(|status| reason(&status)).as_deref(), expected, "{id}");
        // A policy behind an `Arc` is asked alike.
        let shared = std::sync::Arc::new(Nested);
        let checked = grant::<ReadJob>(&shared, &permit, "job_id", Some(id)).await;
        assert_eq!(checked.err().map(|status| reason(&status)).as_deref(), expected, "{id}");
    }
    let unknown = grant::<ReadJob>(&Nested, &permit, "job_id", Some("lost")).await;
    assert_eq!(unknown.unwrap_err().code(), Code::Unavailable);
}
