//! Jobs that are followed: whoever comes back is told what is new, and nothing twice.

use futures_util::StreamExt as _;
use hallpass_contract::can;
use hallpass_contract::platform::{
    AbortJobRequest, Job, JobService, JobState, ListJobsRequest, StreamJobLogsRequest,
    WatchJobRequest,
};
use hallpass_policy::{Granted, Visible};

use super::callers::NOW;
use super::jobs::create;
use super::world::World;

#[tokio::test]
async fn a_watch_goes_on_from_the_etag_that_the_caller_has() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let mut anew = watch(&world, &job.job_id, "").await;
    assert_eq!(anew.next().await, Some(job.clone()));
    let mut onwards = watch(&world, &job.job_id, &job.etag).await;
    let aborted = abort(&world, &job.job_id).await;
    for watched in [&mut anew, &mut onwards] {
        assert_eq!(watched.next().await, Some(aborted.clone()), "what was known is not told again");
        assert_eq!(watched.next().await, None, "it has ended");
    }
    assert_eq!(watch(&world, &job.job_id, &aborted.etag).await.next().await, None);
}

#[tokio::test]
async fn a_log_goes_on_behind_the_line_that_the_caller_has() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let database = world.database().await;
    let claimed = database.claim("worker", NOW, NOW).await.unwrap().unwrap();
    let lines = ["one", "two", "three"].map(str::to_owned);
    database.print(claimed.lease.number, &lines, NOW).await.unwrap();
    database.print(claimed.lease.number, &["four".to_owned()], NOW).await.unwrap();
    abort(&world, &job.job_id).await;
    let done = database.claim("another", NOW, NOW).await.unwrap().unwrap();
    let ended = crate::job::State::Aborted;
    let job_of = crate::job::Job { state: ended, ended: Some(NOW), ..done.job };
    let save = crate::database::Save { lease: &done.lease, keeps: false, until: NOW, job: &job_of };
    database.save(&save).await.unwrap().unwrap();
    for (after, expected) in [(0, &["one", "two", "three", "four"][..]), (2, &["three", "four"])] {
        let permit = world.permit("JobService/StreamJobLogs", "alice");
        let proof = Granted::<can::ReadJob>::for_tests(permit, &job.job_id);
        let request = StreamJobLogsRequest { after, ..StreamJobLogsRequest::default() };
        let told = world.platform.jobs.stream_job_logs(proof, request).await.unwrap();
        let told: Vec<_> = told.map(|line| line.unwrap().line).collect().await;
        assert_eq!(told, expected, "after {after}");
    }
}

#[tokio::test]
async fn a_list_is_of_the_state_and_the_dataset_that_are_asked_for() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let jobs = [
        create(&world, "alice", "one", "").await.unwrap(),
        create(&world, "alice", "two", "").await.unwrap(),
    ];
    abort(&world, &jobs[0].job_id).await;
    for (state, dataset, expected) in [
        (JobState::Unspecified, "", &["two", "one"][..]),
        (JobState::Queued, "", &["two"]),
        (JobState::Aborted, "ds_1", &["one"]),
        (JobState::Aborted, "ds_2", &[]),
        (JobState::Running, "", &[]),
    ] {
        let permit = world.permit("JobService/ListJobs", "alice");
        let visible = Visible::<can::ReadJob>::through(&permit).unwrap();
        let (state, dataset_id) = (state.into(), dataset.to_owned());
        let request = ListJobsRequest { state, dataset_id, ..ListJobsRequest::default() };
        let listed = world.platform.jobs.list_jobs(visible, request).await.unwrap().into_inner();
        let names: Vec<_> = listed.jobs.iter().map(|job| job.display_name.as_str()).collect();
        assert_eq!(names, expected, "{state} {dataset}");
    }
}

async fn watch(
    world: &World,
    job_id: &str,
    etag: &str,
) -> impl futures_util::Stream<Item = Job> + Unpin {
    let permit = world.permit("JobService/WatchJob", "alice");
    let proof = Granted::<can::ReadJob>::for_tests(permit, job_id);
    let request = WatchJobRequest { job_id: job_id.to_owned(), etag: etag.to_owned() };
    let told = world.platform.jobs.watch_job(proof, request).await.unwrap();
    Box::pin(told.map(|told| told.unwrap().job.unwrap()))
}

async fn abort(world: &World, job_id: &str) -> Job {
    let permit = world.permit("JobService/AbortJob", "alice");
    let proof = Granted::<can::AbortJob>::for_tests(permit, job_id);
    let aborted = world.platform.jobs.abort_job(proof, AbortJobRequest::default()).await;
    aborted.unwrap().job.unwrap()
}
