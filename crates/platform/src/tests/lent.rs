//! Jobs between two engines: each is run by one of them.

use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_contract::can;
use hallpass_contract::platform::{AbortJobRequest, JobService, JobState, RetryJobRequest};
use hallpass_jobs::{Activity, Engine, Place};
use hallpass_policy::Granted;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{Service, http};

use super::callers::NOW;
use super::jobs::create;
use super::world::World;
use crate::database::{Database, Taken};
use crate::handover::{Handover, Step};
use crate::ids::JobId;
use crate::labeler::Peer;
use crate::runner::Runner;

/// How long a job that is lent may be silent.
const SILENT: Duration = Duration::from_mins(2);

#[tokio::test]
async fn a_lent_job_is_the_other_engines_until_it_ends() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let (handover, database) = (world.platform.handover(), world.database().await);
    let offer = handover.offer().await.unwrap().unwrap();
    assert_eq!((&offer.job_id, &offer.work, offer.again), (&job.job_id, &job.job_id, false));
    handover.accepted(&offer).await.unwrap();
    assert!(handover.offer().await.unwrap().is_none(), "it was lent");
    assert!(!is_claimed(&database, &world, Duration::ZERO).await, "this engine must not run it");

    world.clock.advance(SILENT);
    assert!(!is_claimed(&database, &world, Duration::ZERO).await, "it is lent still");
    let again = handover.offer().await.unwrap().unwrap();
    assert!(again.again && again.work == offer.work);
    handover.lapsed(again).await;
    let ended = attempt(&handover, &job.job_id, &job.job_id).await;
    assert_eq!(ended, Step::Ended("failed", None));
}

#[tokio::test]
async fn a_job_that_this_engine_has_is_not_lent() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let (handover, database) = (world.platform.handover(), world.database().await);
    assert!(is_claimed(&database, &world, Duration::from_secs(10)).await);
    assert!(handover.offer().await.unwrap().is_none());
    assert_eq!(attempt(&handover, &job.job_id, &job.job_id).await, Step::Gone);
    assert_eq!(attempt(&handover, "job_x", "job_x").await, Step::Gone);
}

#[tokio::test]
async fn a_newer_attempt_takes_the_job_from_an_older_one() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let (handover, database) = (world.platform.handover(), world.database().await);
    handover.offer().await.unwrap().unwrap();
    let id = JobId::parse(&job.job_id).unwrap();
    let times = (NOW, NOW.plus(Duration::from_secs(10)));
    let take = async || match database.take(&id, &job.job_id, times).await.unwrap() {
        Taken::Ours(claimed) => Some(claimed),
        Taken::Ended(_) | Taken::Others => None,
    };
    let (older, newer) = (take().await.unwrap(), take().await.unwrap());
    assert!(!older.was_lost && newer.was_lost);
    assert_eq!(database.renew(&older.lease, times.1).await.unwrap(), None);
    assert_eq!(database.renew(&newer.lease, times.1).await.unwrap(), Some(false));
}

#[tokio::test]
async fn an_abort_between_attempts_ends_the_job_and_is_told() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let handover = world.platform.handover();
    handover.offer().await.unwrap().unwrap();
    let permit = world.permit("JobService/AbortJob", "alice");
    let proof = Granted::<can::AbortJob>::for_tests(permit, &job.job_id);
    let aborted = world.platform.jobs.abort_job(proof, AbortJobRequest::default()).await.unwrap();
    assert_eq!(aborted.job.unwrap().state(), JobState::Aborted);
    assert_eq!(attempt(&handover, &job.job_id, &job.job_id).await, Step::Ended("aborted", None));
    let told = handover.aborting().await.unwrap();
    assert_eq!(told.iter().map(|of| &of.work).collect::<Vec<_>>(), [&job.job_id]);
    handover.told(&told[0]).await.unwrap();
    assert_eq!(handover.aborting().await.unwrap(), []);

    // What its owner tries again is other work; what is left of the first is not let in.
    let permit = world.permit("JobService/RetryJob", "alice");
    let proof = Granted::<can::RetryJob>::for_tests(permit, &job.job_id);
    world.platform.jobs.retry_job(proof, RetryJobRequest::default()).await.unwrap();
    let offer = handover.offer().await.unwrap().unwrap();
    assert_eq!(offer.work, format!("{}-2", job.job_id));
    assert_eq!(attempt(&handover, &job.job_id, &job.job_id).await, Step::Gone);
}

async fn is_claimed(database: &Database, world: &World, lease: Duration) -> bool {
    let now = world.clock.now();
    database.claim("embedded", now, now.plus(lease)).await.unwrap().is_some()
}

async fn attempt<S: Peer>(handover: &Handover<S>, job_id: &str, work: &str) -> Step {
    let place = Place { activity: Activity::Validate, attempt: 1 };
    let stop = CancellationToken::new();
    handover.attempt((job_id, work), place, "", &stop).await.unwrap()
}

/// A way to Labeler with a fault of its own.
#[derive(Clone)]
struct Panics;

impl Service<http::Request<Body>> for Panics {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        unreachable!("a fault that this test wants")
    }
}

/// The reason is not that the process ended without a word, and the job's lease is not left to run out.
#[tokio::test]
async fn an_attempt_that_panics_has_panicked_and_is_tried_again() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let job = create(&world, "alice", "cats", "").await.unwrap();
    let Runner { database, engine, retries, clock, concurrency, .. } =
        world.platform.handover().runner;
    let Runner { kept, dispatched, telemetry, worker, news, aborts, .. } =
        world.platform.handover().runner;
    let Engine { artifacts, folder, trainers, grace, most_bytes, space, .. } = engine;
    let engine = Engine { labeler: Panics, artifacts, folder, trainers, grace, most_bytes, space };
    let runner = Runner {
        database,
        engine,
        retries,
        clock,
        concurrency,
        kept,
        dispatched,
        telemetry,
        worker,
        news,
        aborts,
    };
    let handover = Handover { runner };
    handover.offer().await.unwrap().unwrap();
    let step = attempt(&handover, &job.job_id, &job.job_id).await;
    assert!(matches!(&step, Step::Again(reason, _) if reason == "WORKER_PANICKED"), "{step:?}");
    let id = JobId::parse(&job.job_id).unwrap();
    let kept = world.database().await.job(&id).await.unwrap().unwrap();
    assert_eq!(kept.failure.map(|failure| failure.reason).as_deref(), Some("WORKER_PANICKED"));
}

#[tokio::test]
async fn jobs_that_no_process_takes_are_counted() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    create(&world, "alice", "cats", "").await.unwrap();
    create(&world, "alice", "dogs", "").await.unwrap();
    let (handover, database) = (world.platform.handover(), world.database().await);
    let untaken = async || handover.runner.untaken().await.unwrap();
    assert_eq!(untaken().await, 0, "they have just come");
    world.clock.advance(SILENT);
    assert_eq!(untaken().await, 2);
    assert!(is_claimed(&database, &world, Duration::from_secs(10)).await);
    assert_eq!(untaken().await, 0, "one is under way, so the other waits for its turn");
    world.clock.advance(SILENT);
    assert_eq!(untaken().await, 2, "who had it says nothing any longer");
}
