//! A process on the former schema beside a newer one that has changed it.

use std::time::Duration;

use super::callers::NOW;
use super::jobs::create;
use super::world::World;
use crate::database::{Database, Save};
use crate::ids::JobId;
use crate::job::{Job, State};

/// Every statement that reads whole jobs: whose turn it is, one job, an owner's jobs, a repeated request.
async fn work(world: &World, database: &Database, round: u8) {
    let request = format!("00000000-0000-4000-8000-00000000000{round}");
    let made = create(world, "alice", "work", &request).await.unwrap();
    let again = create(world, "alice", "work", &request).await.unwrap();
    assert_eq!(again.job_id, made.job_id);
    let until = NOW.plus(Duration::from_secs(10));
    let claimed = database.claim("worker", NOW, until).await.unwrap().unwrap();
    assert_eq!(claimed.job.id.as_str(), made.job_id);
    let id = JobId::parse(&made.job_id).unwrap();
    let read = database.job(&id).await.unwrap().unwrap();
    assert_eq!(read.state, State::Running);
    let listed = database.owned("alice", ("", ""), i64::MAX, 10).await.unwrap();
    assert_eq!(listed.len(), usize::from(round));
    let job = Job { state: State::Succeeded, ended: Some(NOW), ..claimed.job };
    let save = Save { lease: &claimed.lease, keeps: false, until: NOW, job: &job };
    database.save(&save).await.unwrap().unwrap();
    assert!(database.aborting().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_process_goes_on_when_a_newer_one_has_added_columns() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let (older, newer) = (world.database().await, world.database().await);
    work(&world, &older, 1).await;
    for table in ["jobs", "requests"] {
        let step = format!("ALTER TABLE {table} ADD COLUMN added_later INTEGER NOT NULL DEFAULT 0");
        let step = sqlx::AssertSqlSafe(step);
        sqlx::raw_sql(step).execute(&mut *newer.store().write().await.unwrap()).await.unwrap();
    }
    work(&world, &older, 2).await;
    work(&world, &newer, 3).await;
}
