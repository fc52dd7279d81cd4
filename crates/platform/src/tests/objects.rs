//! The object check: absent and forbidden look the same, and who cannot know does not say.

use hallpass_contract::can;
use hallpass_contract::labeler::GetDatasetRequest;
use hallpass_contract::platform::DatasetService as _;
use hallpass_contract::platform::{CreateJobRequest, JobService, JobSpec};
use hallpass_policy::{Granted, Permission};
use tonic::{Code, Status};

use super::world::World;

#[tokio::test]
async fn absent_and_forbidden_look_the_same() {
    let world = World::new().await;
    world.labeler.add("ds_alices", "alice");
    let job = job_of_alice(&world).await;

    let mallory = refusal::<can::ReadDataset>(&world, "mallory", "ds_alices").await;
    for absent in ["ds_absent", "", "..", "job_00000000000000000000000000000000"] {
        let refused = refusal::<can::ReadDataset>(&world, "mallory", absent).await;
        assert_eq!(whole(&refused), whole(&mallory), "{absent}");
    }
    let mallory = refusal::<can::ReadJob>(&world, "mallory", &job).await;
    for absent in
        ["job_00000000000000000000000000000000", "", "ds_alices", "job_%", &job.to_uppercase()]
    {
        let refused = refusal::<can::ReadJob>(&world, "mallory", absent).await;
        assert_eq!(whole(&refused), whole(&mallory), "{absent}");
    }
    assert_eq!(mallory.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn the_owner_may() {
    let world = World::new().await;
    world.labeler.add("ds_alices", "alice");
    let job = job_of_alice(&world).await;
    assert!(check::<can::ReadDataset>(&world, "alice", "ds_alices").await.is_ok());
    assert!(check::<can::DeleteDataset>(&world, "alice", "ds_alices").await.is_ok());
    assert!(check::<can::ReadJob>(&world, "alice", &job).await.is_ok());
    assert!(check::<can::AbortJob>(&world, "alice", &job).await.is_ok());
}

#[tokio::test]
async fn without_labeler_datasets_wait_and_jobs_do_not() {
    let world = World::without_labeler().await;
    let refused = refusal::<can::ReadDataset>(&world, "alice", "ds_alices").await;
    assert_eq!(refused.code(), Code::Unavailable);
    let refused = refusal::<can::ReadJob>(&world, "alice", "job_of nobody").await;
    assert_eq!(refused.code(), Code::PermissionDenied);

    world.labeler.add("ds_alices", "alice");
    world.start_labeler().await;
    let proof = loop {
        // The connection is made anew by the next call; the one that finds the old failure does not count.
        if let Ok(proof) = check::<can::ReadDataset>(&world, "alice", "ds_alices").await {
            break proof;
        }
        tokio::task::yield_now().await;
    };
    let answer = world.platform.datasets.get_dataset(proof, GetDatasetRequest::default()).await;
    assert_eq!(answer.unwrap().dataset.unwrap().dataset_id, "ds_alices");
}

async fn job_of_alice(world: &World) -> String {
    let permit = world.permit("JobService/CreateJob", "alice");
    let job = Some(JobSpec { display_name: "cats".to_owned(), ..JobSpec::default() });
    let request = CreateJobRequest { job, ..CreateJobRequest::default() };
    let dataset = Granted::for_tests(permit, "ds_alices");
    let answer = world.platform.jobs.create_job(dataset, request).await;
    answer.unwrap().job.unwrap().job_id
}

async fn check<P: Permission>(
    world: &World,
    subject: &str,
    id: &str,
) -> Result<Granted<P>, Status> {
    let permit = world.permit("DatasetService/DeleteDataset", subject);
    Granted::check(&world.platform.access, &permit, id).await.map_err(Into::into)
}

async fn refusal<P: Permission>(world: &World, subject: &str, id: &str) -> Status {
    check::<P>(world, subject, id).await.err().unwrap()
}

/// Everything that the client gets.
fn whole(status: &Status) -> (Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
