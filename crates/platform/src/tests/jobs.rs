//! Jobs: stored once, found again, walked through page by page.

use hallpass_contract::can;
use hallpass_contract::platform::{
    self, CreateJobRequest, GetJobRequest, JobService, JobSpec, JobState, ListJobsRequest,
};
use hallpass_policy::{Granted, Visible};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::callers::NOW;
use super::world::World;

const REQUEST: &str = "0190a8b6-1c2d-7e3f-8a4b-5c6d7e8f9a0b";

#[tokio::test]
async fn a_job_is_stored_as_queued_with_its_dataset_as_it_was() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    assert_eq!(job.job_id.len(), 36);
    assert!(job.job_id.starts_with("job_"));
    assert_eq!((job.owner.as_str(), job.dataset_id.as_str()), ("alice", "ds_1"));
    assert_eq!((job.dataset_etag.as_str(), job.state()), ("etag of ds_1", JobState::Queued));
    assert_eq!(job.create_time.unwrap().seconds.cast_unsigned(), NOW.as_secs());

    let reopened = world.reopened().await;
    let proof =
        Granted::<can::ReadJob>::for_tests(world.permit("JobService/GetJob", "alice"), &job.job_id);
    let found = reopened.jobs.get_job(proof, GetJobRequest::default()).await.unwrap();
    assert_eq!(found.job, Some(job));
}

#[tokio::test]
async fn a_proof_of_a_job_that_is_gone_is_refused_like_an_absent_one() {
    let world = World::new().await;
    let permit = world.permit("JobService/GetJob", "alice");
    let proof = Granted::<can::ReadJob>::for_tests(permit, "job_gone");
    let refused = world.platform.jobs.get_job(proof, GetJobRequest::default()).await;
    assert_eq!(Status::from(refused.unwrap_err()).code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_makes_one_job_however_often_and_however_many_at_once() {
    let world = std::sync::Arc::new(World::new().await);
    world.labeler.add("ds_1", "alice");
    let mut tasks = JoinSet::new();
    for _ in 0..24 {
        let world = std::sync::Arc::clone(&world);
        tasks.spawn(async move { create(&world, "alice", "cats", REQUEST).await.unwrap().job_id });
    }
    let mut ids = tasks.join_all().await;
    ids.push(create(&world, "alice", "cats", &REQUEST.to_uppercase()).await.unwrap().job_id);
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(list(&world, "alice", 0, "").await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn a_request_id_is_of_one_user_and_one_wish() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let first = create(&world, "alice", "cats", REQUEST).await.unwrap();
    let other = create(&world, "alice", "dogs", REQUEST).await.unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
    assert_eq!(other.get_error_details().error_info().unwrap().reason, "REQUEST_ID_REUSED");
    world.labeler.add("ds_1", "bob");
    let bobs = create(&world, "bob", "cats", REQUEST).await.unwrap();
    assert_ne!(bobs.job_id, first.job_id);
    assert_eq!(bobs.owner, "bob");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    for (name, request_id, field) in [
        ("", "", "job.display_name"),
        ("cats", "1", "request_id"),
        ("cats\u{202E}", REQUEST, "job.display_name"),
    ] {
        let refused = create(&world, "alice", name, request_id).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
    }
    assert_eq!(list(&world, "alice", 0, "").await.unwrap().0.len(), 0);
}

#[tokio::test]
async fn pages_hold_every_job_of_the_caller_once_newest_first() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(create(&world, "alice", &format!("job {number}"), "").await.unwrap().job_id);
    }
    made.reverse();
    for size in [1, 2, 3, 6, 7, 8, 0] {
        let (mut walked, mut token) = (Vec::new(), String::new());
        loop {
            let (page, next) = list(&world, "alice", size, &token).await.unwrap();
            assert!(size == 0 || page.len() <= usize::try_from(size).unwrap());
            assert!(!page.is_empty(), "a page token led to an empty page");
            walked.extend(page);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(walked, made, "pages of {size}");
    }
    assert_eq!(list(&world, "bob", 0, "").await.unwrap().0, [""; 0]);
}

#[tokio::test]
async fn page_tokens_are_the_callers_own_and_outlive_a_restart() {
    let mut world = World::new().await;
    world.labeler.add("ds_1", "alice");
    for name in ["a", "b"] {
        create(&world, "alice", name, "").await.unwrap();
    }
    let (_, token) = list(&world, "alice", 1, "").await.unwrap();
    for (subject, token) in [("bob", token.as_str()), ("alice", "1"), ("alice", "nonsense")] {
        let refused = list(&world, subject, 1, token).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "page_token");
    }
    assert_eq!(list(&world, "alice", -1, "").await.unwrap_err().code(), Code::InvalidArgument);
    world.platform = world.reopened().await;
    assert_eq!(list(&world, "alice", 1, &token).await.unwrap().0.len(), 1);
}

pub(super) async fn create(
    world: &World,
    subject: &str,
    name: &str,
    request_id: &str,
) -> Result<platform::Job, Status> {
    let dataset = Granted::for_tests(world.permit("JobService/CreateJob", subject), "ds_1");
    let job = JobSpec {
        display_name: name.to_owned(),
        dataset_id: "ds_1".to_owned(),
        ..JobSpec::default()
    };
    let request = CreateJobRequest { job: Some(job), request_id: request_id.to_owned() };
    Ok(world.platform.jobs.create_job(dataset, request).await?.job.unwrap())
}

/// The ids on a page and the token of the next.
pub(super) async fn list(
    world: &World,
    subject: &str,
    page_size: i32,
    page_token: &str,
) -> Result<(Vec<String>, String), Status> {
    let visible = Visible::<can::ReadJob>::through(&world.permit("JobService/ListJobs", subject));
    let request = ListJobsRequest {
        page_size,
        page_token: page_token.to_owned(),
        ..ListJobsRequest::default()
    };
    let page = world.platform.jobs.list_jobs(visible.unwrap(), request).await?.into_inner();
    let ids = page.jobs.into_iter().map(|job| job.job_id).collect();
    Ok((ids, page.next_page_token))
}
