//! Users take turns, and none has more jobs queued, lent or kept than one user may.

use std::time::Duration;

use hallpass_contract::can;
use hallpass_contract::platform::{AbortJobRequest, JobService, RetryJobRequest};
use hallpass_policy::Granted;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::callers::NOW;
use super::jobs::create;
use super::world::World;
use crate::database::{Claimed, Database, Kept, Save};
use crate::job::{Job, State};

const LEASE: Duration = Duration::from_secs(10);

/// A world in which each user has queued so many jobs, one user after the other.
async fn queued(users: &[(&str, usize)]) -> (World, Database) {
    let world = World::new().await;
    for (user, count) in users {
        world.labeler.add("ds_1", user);
        for number in 0..*count {
            create(&world, user, &format!("{user} {number}"), "").await.unwrap();
        }
    }
    let database = world.database().await;
    (world, database)
}

async fn claim(database: &Database) -> Claimed {
    database.claim("worker", NOW, NOW.plus(LEASE)).await.unwrap().unwrap()
}

async fn end(database: &Database, claimed: Claimed) -> String {
    let job = Job { state: State::Succeeded, ended: Some(NOW), ..claimed.job };
    let save = Save { lease: &claimed.lease, keeps: false, until: NOW, job: &job };
    database.save(&save).await.unwrap().unwrap();
    job.display_name
}

#[tokio::test]
async fn one_worker_serves_users_in_turn_whatever_number_of_jobs_one_has_queued() {
    let (world, database) = queued(&[("mallory", 20), ("bob", 2)]).await;
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(end(&database, claim(&database).await).await);
    }
    // Whoever comes anew is next.
    world.labeler.add("ds_1", "carol");
    create(&world, "carol", "carol 0", "").await.unwrap();
    for _ in 0..3 {
        order.push(end(&database, claim(&database).await).await);
    }
    assert_eq!(order, ["mallory 0", "bob 0", "mallory 1", "carol 0", "bob 1", "mallory 2"]);
}

#[tokio::test]
async fn a_slot_goes_to_the_user_with_the_fewest_jobs_under_way_on_any_platform() {
    let (world, database) = queued(&[("mallory", 20), ("bob", 3)]).await;
    let another = world.database().await;
    let mut order = Vec::new();
    for platform in [&database, &another, &database, &another, &database] {
        order.push(claim(platform).await.job.display_name);
    }
    assert_eq!(order, ["mallory 0", "bob 0", "mallory 1", "bob 1", "mallory 2"]);
}

#[tokio::test]
async fn another_engine_is_lent_so_many_jobs_of_one_user_and_others_jobs_meanwhile() {
    let (world, _) = queued(&[("mallory", 20), ("bob", 1)]).await;
    let handover = world.platform.handover();
    let mut lent = Vec::new();
    while let Some(offer) = handover.offer().await.unwrap() {
        handover.accepted(&offer).await.unwrap();
        lent.push(offer);
        assert!(lent.len() <= 21);
    }
    assert_eq!(lent.len(), 16 + 1, "sixteen of one user at once");
    let owner = world.platform.handover().runner.database;
    let bobs = crate::ids::JobId::parse(&lent[1].job_id).unwrap();
    assert_eq!(owner.owner(&bobs).await.unwrap().as_deref(), Some("bob"), "second, not last");
    handover.lapsed(lent.remove(0)).await;
    assert!(handover.offer().await.unwrap().is_some(), "one has ended, the next is lent");
    // What was lent is lent again, however many there are.
    world.clock.advance(Duration::from_mins(2));
    let again = handover.offer().await.unwrap().unwrap();
    assert!(again.again);
}

#[tokio::test]
async fn a_user_may_have_a_hundred_jobs_that_have_not_ended() {
    let (world, _) = queued(&[("mallory", 100)]).await;
    let refused = |refused: Status| {
        let reason = refused.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((refused.code(), reason.as_str()), (Code::ResourceExhausted, "TOO_MANY_JOBS"));
    };
    refused(create(&world, "mallory", "one more", "").await.unwrap_err());
    let (listed, _) = super::jobs::list(&world, "mallory", 1, "").await.unwrap();
    let proof = |method| (world.permit(method, "mallory"), listed[0].clone());
    let (permit, id) = proof("JobService/AbortJob");
    let abort = Granted::<can::AbortJob>::for_tests(permit, &id);
    world.platform.jobs.abort_job(abort, AbortJobRequest::default()).await.unwrap();
    create(&world, "mallory", "in its place", "").await.unwrap();
    // A job that is tried again is one more.
    let (permit, id) = proof("JobService/RetryJob");
    let retry = Granted::<can::RetryJob>::for_tests(permit, &id);
    let retried = world.platform.jobs.retry_job(retry, RetryJobRequest::default()).await;
    refused(retried.unwrap_err().into());
    world.labeler.add("ds_1", "bob");
    create(&world, "bob", "not affected", "").await.unwrap();
}

#[tokio::test]
async fn the_newest_jobs_of_a_user_are_kept_and_those_that_have_not_ended() {
    let (_world, database) = queued(&[("mallory", 5), ("bob", 1)]).await;
    for _ in 0..3 {
        let claimed = claim(&database).await;
        let result = hallpass_jobs::Published {
            metrics: std::collections::BTreeMap::new(),
            artifact: String::new(),
            file_count: 1,
            size_bytes: 10,
            split_items: 0,
        };
        let job = Job { result: Some(result), ..claimed.job };
        end(&database, Claimed { job, ..claimed }).await;
    }
    let beyond = async |jobs, bytes| {
        let (kept, mut names) = (Kept { jobs, bytes }, Vec::new());
        for owner in database.over(kept).await.unwrap() {
            for id in database.beyond(&owner, kept).await.unwrap() {
                names.push(database.job(&id).await.unwrap().unwrap().display_name);
            }
        }
        names.sort();
        names
    };
    // Ended are mallory's first two and bob's one.
    assert_eq!(beyond(5, 20).await, [""; 0]);
    assert_eq!(beyond(4, 100).await, ["mallory 0"]);
    assert_eq!(beyond(1, 100).await, ["mallory 0", "mallory 1"]);
    assert_eq!(beyond(100, 10).await, ["mallory 0"]);
    let kept = Kept { jobs: 4, bytes: 100 };
    let id = database.beyond("mallory", kept).await.unwrap().remove(0);
    database.remove(&id).await.unwrap();
    assert!(database.job(&id).await.unwrap().is_none());
    assert_eq!(database.over(kept).await.unwrap(), [""; 0]);
}
