//! The embedded runner: takes jobs out of the database and runs their activities, one after the other.
//!
//! Invariant: a job is run by one worker at a time, on however many machines there are workers; what is done is not done again after
//! a restart, and what was under way is. A job's user need not be there, nor hold a token still.

mod attempt;
mod course;
mod leftovers;
mod retention;
mod untaken;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_jobs::{Engine, Peer, Retries, Trainer};
use hallpass_store::S3;
use hallpass_telemetry::ServiceTelemetry;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::database::{Database, Kept};
pub(crate) use course::{Course, Stepped};

/// How often the database is asked for jobs that other processes have queued or that are due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a watcher pauses for each of those who watch: together they look 250 times a second at most.
const FOR_EACH_WATCHER: Duration = Duration::from_millis(4);
/// How long a worker that says nothing has a job.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// How jobs are run.
#[derive(Debug, Clone)]
pub struct Training {
    /// The trainers by name.
    pub trainers: BTreeMap<String, Trainer>,
    /// So many jobs at once; none where another process runs them.
    pub concurrency: usize,
    /// How often an activity is tried.
    pub retries: Retries,
    /// How long a trainer may take to end once it is told to.
    pub grace: Duration,
    /// Where results are kept.
    pub artifacts: ArtifactStore,
    /// What one user's jobs may come to.
    pub limits: JobLimits,
    /// How many bytes of the disk jobs leave free; by default as [`hallpass_store::Space::of`] says.
    pub keep_free: Option<u64>,
}

/// What one user's jobs may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// The most jobs that have not ended.
    pub queued: u32,
    /// The most jobs that are kept; the oldest that have ended are dropped, with what they made.
    pub kept: u32,
    /// The most bytes of results that are kept; the oldest are dropped with their jobs.
    pub kept_bytes: u64,
    /// The most bytes that one job may make.
    pub result_bytes: u64,
    /// The most jobs that another engine has at once.
    pub dispatched: u32,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            queued: 100,
            kept: 10_000,
            kept_bytes: 1 << 40,
            result_bytes: 64 << 30,
            dispatched: 16,
        }
    }
}

/// Where results are kept.
#[derive(Debug, Clone, Default)]
pub enum ArtifactStore {
    /// In the data folder.
    #[default]
    Folder,
    /// In a bucket.
    S3(S3),
}

impl Default for Training {
    fn default() -> Self {
        let grace = Duration::from_secs(5);
        Self {
            trainers: BTreeMap::new(),
            concurrency: 2,
            retries: Retries::default(),
            grace,
            artifacts: ArtifactStore::Folder,
            limits: JobLimits::default(),
            keep_free: None,
        }
    }
}

/// Runs jobs until it is stopped. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Runner<S> {
    pub(crate) database: Database,
    pub(crate) engine: Engine<S>,
    pub(crate) retries: Retries,
    pub(crate) clock: Clock,
    pub(crate) concurrency: usize,
    /// How much of one user's is kept.
    pub(crate) kept: Kept,
    /// The most jobs of one user that another engine has at once.
    pub(crate) dispatched: u32,
    /// In whose name spans are reported.
    pub(crate) telemetry: ServiceTelemetry,
    /// Names this process among those that share the database.
    pub(crate) worker: String,
    /// Whenever a job has changed.
    pub(crate) news: News,
    /// Whenever a job is to be aborted.
    pub(crate) aborts: News,
}

/// Tells this process's own watchers and workers that a job has changed. What other processes change is looked for.
#[derive(Debug, Clone)]
pub(crate) struct News(Arc<watch::Sender<u64>>);

impl News {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(crate) fn tell(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// As [`heard`], for one of many who watch: the more there are, the more seldom each looks for what other processes have changed.
    pub(crate) async fn heard_by(&self, watcher: &mut watch::Receiver<u64>) {
        heard_within(watcher, self.pause()).await;
    }

    fn pause(&self) -> Duration {
        let watchers = u32::try_from(self.0.receiver_count()).unwrap_or(u32::MAX);
        LOOK_EVERY.max(FOR_EACH_WATCHER.saturating_mul(watchers))
    }
}

/// Returns when there is news, or when it is time to look for others'.
pub(crate) async fn heard(news: &mut watch::Receiver<u64>) {
    heard_within(news, LOOK_EVERY).await;
}

async fn heard_within(news: &mut watch::Receiver<u64>, within: Duration) {
    // Nobody is left to tell: then only the clock does.
    let told = async {
        if news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let _ = tokio::time::timeout(within, told).await;
}

impl<S: Peer> Runner<S> {
    /// Runs until told to stop; trainers that run then are ended, and their jobs go on after the next start.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.concurrency));
        let (mut running, mut news) = (JoinSet::new(), self.news.listen());
        let sweeping = tokio::spawn(leftovers::sweep(self.clone(), stop.clone()));
        if self.concurrency == 0 {
            untaken::watch(self.clone(), stop.clone()).await;
        }
        while !stop.is_cancelled() {
            let place = tokio::select! {
                () = stop.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let Some(course) = self.claim(&stop).await else {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = heard(&mut news) => {}
                }
                continue;
            };
            running.spawn(async move {
                course.run().await;
                drop(place);
            });
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
        // It ends with the same word.
        let _ = sweeping.await;
    }

    async fn claim(&self, stop: &CancellationToken) -> Option<Course<S>> {
        let now = self.clock.now();
        match self.database.claim(&self.worker, now, now.plus(LEASE)).await {
            Ok(claimed) => claimed.map(|claimed| {
                self.news.tell();
                Course::new(self.clone(), claimed, stop.clone())
            }),
            Err(error) => {
                tracing::warn!(%error, "no job can be taken out of the database");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_watchers_look_no_more_often_together_than_sixty() {
        let news = News::new();
        let mut watchers = vec![news.listen()];
        assert_eq!(news.pause(), LOOK_EVERY);
        watchers.extend((0..999).map(|_| news.listen()));
        assert_eq!(news.pause(), Duration::from_secs(4));
        watchers.truncate(2);
        assert_eq!(news.pause(), LOOK_EVERY);
    }
}
