//! Jobs that outlive their tokens, behind a real guard; the time is moved. What is fetched is whole, and no byte is fetched twice.

use std::path::PathBuf;
use std::time::Duration;

use hallpass_guard::Attached;
use hallpass_jobs::{Activity, Failure, Peer, Said, Saying, Task};
use hallpass_revocation::Entry;
use hallpass_token::{SKEW, TokenType};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::stock::Files;
use super::world::World;
use crate::Handover;

/// How long what has to happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A fetch under way, and how it tells of each piece.
struct Fetching {
    told: mpsc::Receiver<Said>,
    done: JoinHandle<Result<(), Failure>>,
}

impl Fetching {
    fn begin(world: &World) -> Self {
        let (tell, told) = mpsc::channel(1);
        let engine = engine_of(world).runner.engine;
        let done = tokio::spawn(async move {
            let (saying, stop) = (Saying::new(tell), CancellationToken::new());
            engine.run(Activity::Fetch, &task(), &saying, &stop).await.map(drop)
        });
        Self { told, done }
    }

    /// Lets a piece go and waits until it has come.
    async fn piece(&mut self, world: &World) {
        world.labeler.stock().let_go(1);
        assert!(matches!(self.told.recv().await, Some(Said::Progress(..))), "it has ended");
    }
}

fn engine_of(world: &World) -> Handover<Attached<Channel>> {
    world.platform.handover()
}

fn task() -> Task {
    Task {
        job_id: "job_1".to_owned(),
        owner: "alice".to_owned(),
        dataset_id: "ds_1".to_owned(),
        dataset_etag: "etag of ds_1".to_owned(),
        snapshot_id: String::new(),
        trainer: "stats".to_owned(),
    }
}

async fn world(files: Files) -> World {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    world.labeler.stock().hold(files);
    world
}

fn fetched<S: Peer>(of: &Handover<S>, path: &str) -> String {
    let data: PathBuf = of.runner.engine.folder.join("job_1/data");
    std::fs::read_to_string(data.join(path)).unwrap()
}

#[tokio::test]
async fn a_fetch_outlives_its_tokens_and_goes_on_at_the_byte() {
    let world = world(vec![("a.txt", "0123"), ("b.txt", "45")]).await;
    let stock = world.labeler.stock();
    let mut fetching = Fetching::begin(&world);
    for piece in 0..6 {
        fetching.piece(&world).await;
        if piece == 1 || piece == 4 {
            let begun = stock.asked().len();
            world.clock.advance(TokenType::Background.usual_life() + SKEW + Duration::from_secs(1));
            let anew = async {
                while stock.asked().len() == begun {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(PATIENCE, anew).await.unwrap();
        }
    }
    fetching.done.await.unwrap().unwrap();
    let asked = ["", "a.txt", "b.txt"].into_iter().map(str::to_owned).zip([0, 2, 1]);
    assert_eq!(stock.asked(), asked.collect::<Vec<_>>());
    let engine = engine_of(&world);
    assert_eq!(
        (fetched(&engine, "a.txt"), fetched(&engine, "b.txt")),
        ("0123".into(), "45".into())
    );
    assert!(world.labeler.workers().iter().all(|of| of.1.as_deref() == Some("job_1")));
    assert!(world.labeler.workers().len() > 2, "one token for each hour, at least");
}

#[tokio::test]
async fn a_token_revoked_in_the_middle_ends_the_attempt_and_the_next_has_another() {
    let world = world(vec![("a.txt", "01")]).await;
    let mut fetching = Fetching::begin(&world);
    fetching.piece(&world).await;
    let revoked = world.labeler.workers();
    let entries: Vec<_> = revoked.iter().map(|of| Entry::exact(of.0, None)).collect();
    world.revoke(&entries);
    let failed = fetching.done.await.unwrap().unwrap_err();
    assert_eq!((failed.reason.as_str(), failed.retryable), ("LABELER_REFUSES", true));
    assert!(failed.message.contains("TOKEN_REVOKED"), "{failed:?}");
    let mut again = Fetching::begin(&world);
    again.piece(&world).await;
    again.piece(&world).await;
    again.done.await.unwrap().unwrap();
    assert_eq!(fetched(&engine_of(&world), "a.txt"), "01");
    assert!(world.labeler.workers().len() > revoked.len(), "another token was minted");
}

#[tokio::test]
async fn no_attempt_has_the_tokens_of_another() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let engine = engine_of(&world).runner.engine;
    let (tell, _told) = mpsc::channel(1);
    let (saying, stop) = (Saying::new(tell), CancellationToken::new());
    let jobs = ["job_1", "job_1", "job_2"];
    for job_id in jobs {
        let task = Task { job_id: job_id.to_owned(), ..task() };
        // How it ends is no matter.
        drop(engine.run(Activity::Validate, &task, &saying, &stop).await);
    }
    // Each token is told once, however often it came.
    let came = world.labeler.workers();
    assert_eq!(came.iter().map(|of| of.1.as_deref()).collect::<Vec<_>>(), jobs.map(Some));
}

/// What a job made from a dataset that its owner may no longer read is not kept for them.
#[tokio::test]
async fn nothing_is_published_for_an_owner_whose_right_was_taken_away() {
    let world = world(vec![("a.txt", "0")]).await;
    let engine = engine_of(&world).runner.engine;
    let output = engine.folder.join("job_1/output");
    std::fs::create_dir_all(&output).unwrap();
    std::fs::write(output.join("model"), "0").unwrap();
    let (tell, _told) = mpsc::channel(1);
    let (saying, stop) = (Saying::new(tell), CancellationToken::new());
    world.labeler.add("ds_1", "bob");
    for activity in [Activity::Validate, Activity::Fetch, Activity::Publish] {
        let failed = engine.run(activity, &task(), &saying, &stop).await.unwrap_err();
        assert_eq!((failed.reason.as_str(), failed.retryable), ("DATASET_REFUSED", false));
    }
    assert!(engine.artifacts.files("job_1").await.is_err(), "it was kept");
    std::fs::create_dir_all(&output).unwrap();
    world.labeler.add("ds_1", "alice");
    assert!(engine.run(Activity::Publish, &task(), &saying, &stop).await.is_ok());
}
