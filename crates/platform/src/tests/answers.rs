//! What a user learns of each of Labeler's answers.

use std::time::Duration;

use hallpass_contract::labeler::GetDatasetRequest;
use hallpass_contract::platform::DatasetService;
use hallpass_policy::{Denial, Granted};
use hallpass_revocation::Entry;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::callers::{self, DECISION};
use super::world::World;

#[tokio::test]
async fn every_code_means_something_to_the_user() {
    use Code as C;
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let table = [
        (C::InvalidArgument, C::InvalidArgument, "SAID", true),
        (C::NotFound, C::NotFound, "SAID", true),
        (C::AlreadyExists, C::AlreadyExists, "SAID", true),
        (C::ResourceExhausted, C::ResourceExhausted, "SAID", true),
        (C::FailedPrecondition, C::FailedPrecondition, "SAID", true),
        (C::Aborted, C::Aborted, "SAID", true),
        (C::OutOfRange, C::OutOfRange, "SAID", true),
        (C::Unavailable, C::Unavailable, "LABELER_UNAVAILABLE", false),
        (C::DeadlineExceeded, C::DeadlineExceeded, "DEADLINE_EXCEEDED", false),
        (C::Cancelled, C::DeadlineExceeded, "DEADLINE_EXCEEDED", false),
        (C::PermissionDenied, C::Internal, "INTERNAL", false),
        (C::Unauthenticated, C::Internal, "INTERNAL", false),
        (C::Unknown, C::Internal, "INTERNAL", false),
        (C::Internal, C::Internal, "INTERNAL", false),
        (C::Unimplemented, C::Internal, "INTERNAL", false),
        (C::DataLoss, C::Internal, "INTERNAL", false),
    ];
    for (said, heard, reason, passes) in table {
        let mut details = ErrorDetails::with_error_info("SAID", "hallpass", []);
        details.add_bad_request_violation("path", "is odd");
        details.set_retry_info(Some(Duration::from_secs(3)));
        details.set_debug_info(vec!["a stack".to_owned()], "what only operators see");
        world.labeler.answer_with(Status::with_error_details(said, "in these words", details));
        let status = get(&world).await.unwrap_err();
        let details = status.get_error_details();
        assert_eq!(status.code(), heard, "{said:?}");
        assert_eq!(details.error_info().unwrap().reason, reason, "{said:?}");
        assert_eq!(status.message() == "in these words", passes, "{said:?}");
        assert_eq!(details.bad_request().is_some(), passes, "{said:?}");
        assert_eq!(details.retry_info().is_some(), passes, "{said:?}");
        assert!(details.debug_info().is_none(), "{said:?}");
    }
}

#[tokio::test]
async fn refusals_become_platforms_own() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let object = Denial::ObjectRefused { kind: "dataset", permission: "read" };
    for (said, passes) in [
        (object, true),
        (Denial::TokenRevoked, true),
        (Denial::TokenExpired, true),
        (Denial::TokenMissing, false),
        (Denial::BindingMismatch, false),
        (Denial::ScopeMissing("labeler:read"), false),
        (Denial::AudienceMismatch("labeler"), false),
    ] {
        let theirs = hallpass_policy::DecisionId::new(1, 1);
        world.labeler.answer_with(said.clone().into_status(theirs));
        let status = get(&world).await.unwrap_err();
        if passes {
            let own = said.into_status(DECISION);
            assert_eq!((status.code(), status.details()), (own.code(), own.details()));
        } else {
            assert_eq!(status.code(), Code::Internal, "{said}");
            assert_eq!(status.message(), "internal error");
        }
    }
}

#[tokio::test]
async fn a_revoked_root_is_named_to_its_holder() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let root = callers::user(&world.keys, "alice");
    world.revoked.insert(&[Entry::exact(root.fingerprint(), None)]);
    let status = get(&world).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "TOKEN_REVOKED");
}

#[tokio::test]
async fn what_the_rule_does_not_delegate_is_not_asked() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let proof = Granted::for_tests(world.permit("JobService/GetJob", "alice"), "ds_1");
    let refused = world.platform.datasets.get_dataset(proof, GetDatasetRequest::default()).await;
    assert_eq!(Status::from(refused.unwrap_err()).code(), Code::Internal);
}

async fn get(world: &World) -> Result<(), Status> {
    let permit = world.permit("DatasetService/GetDataset", "alice");
    let proof = Granted::for_tests(permit, "ds_1");
    let answer = world.platform.datasets.get_dataset(proof, GetDatasetRequest::default()).await;
    answer.map(|_| ()).map_err(Into::into)
}
