//! One attempt at an activity, with what it says and the signs of life that keep the job this worker's.
//!
//! Invariant: a worker that has lost its job, or is told to abort it, ends the trainer before it does anything else.

use std::pin::pin;
use std::time::Duration;

use hallpass_jobs::{Activity, Failure, Peer, Published, Said, Saying, Task};
use tokio::sync::mpsc;

use super::LEASE;
use super::course::Course;

/// How often what was said is written down and the lease renewed.
const EVERY: Duration = Duration::from_millis(500);
/// So much that was said is kept until it is written down.
const MOST_LINES: usize = 1000;

/// What became of it.
pub(super) enum Attempted {
    Done(Option<Published>),
    Failed(Failure),
    /// The process stops.
    Stopped,
    /// The job is somebody else's, or cannot be known to be this worker's.
    Lost,
}

/// What was said since it was last written down.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    is_news: bool,
}

/// Makes an attempt.
pub(super) async fn make<S: Peer>(
    course: &mut Course<S>,
    activity: Activity,
    task: &Task,
) -> Attempted {
    let (tell, mut told) = mpsc::channel(256);
    let (engine, stop) = (course.runner.engine.clone(), course.stop.child_token());
    let saying = Saying::new(tell);
    let mut running = pin!(engine.run(activity, task, &saying, &stop));
    let (mut heard, mut is_ours, mut beats) = (Heard::default(), true, Beats::new(course));
    let result = loop {
        tokio::select! {
            biased;
            result = &mut running => break result,
            Some(said) = told.recv(), if heard.lines.len() < MOST_LINES => {
                // Nobody wants to know what a lost attempt still says.
                if is_ours {
                    heard.take(course, said);
                }
            }
            () = beats.next(), if is_ours => {
                is_ours = heard.write(course).await && beats.renew(course).await;
                heard.lines.clear();
                if !is_ours || course.job.abort_requested {
                    stop.cancel();
                }
            }
        }
    };
    while let Ok(said) = told.try_recv() {
        heard.take(course, said);
    }
    if !is_ours {
        return Attempted::Lost;
    }
    heard.write(course).await;
    match result {
        Ok(published) => Attempted::Done(published),
        Err(_) if course.stop.is_cancelled() && !course.job.abort_requested => Attempted::Stopped,
        Err(failure) => Attempted::Failed(failure),
    }
}

impl Heard {
    fn take<S>(&mut self, course: &mut Course<S>, said: Said) {
        match said {
            Said::Line(line) => self.lines.push(line),
            Said::Progress(done, message) => {
                course.job.progress = millionths(done);
                course.job.message =
                    message.unwrap_or_else(|| std::mem::take(&mut course.job.message));
                self.is_news = true;
            }
        }
    }

    /// Writes it down; `false` if the job is somebody else's.
    async fn write<S: Peer>(&mut self, course: &mut Course<S>) -> bool {
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            let (database, now) = (&course.runner.database, course.runner.clock.now());
            if course.runner.engine.space.take(0).is_err() {
                tracing::debug!(lines = lines.len(), "lines of a trainer are not kept: no space");
            } else if let Err(error) = database.print(course.lease.number, &lines, now).await {
                tracing::warn!(%error, lines = lines.len(), "lines of a trainer are not kept");
            }
            course.runner.news.tell();
        }
        !std::mem::take(&mut self.is_news) || course.save(true, LEASE).await.is_some()
    }
}

/// When the next sign of life is due.
struct Beats {
    every: tokio::time::Interval,
    news: tokio::sync::watch::Receiver<u64>,
    failing_since: Option<tokio::time::Instant>,
}

impl Beats {
    fn new<S>(course: &Course<S>) -> Self {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { every, news: course.runner.aborts.listen(), failing_since: None }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.every.tick() => {}
            Ok(()) = self.news.changed() => {}
        }
    }

    /// Renews the lease; `false` if it is lost, or could not be renewed for as long as it lasts.
    async fn renew<S: Peer>(&mut self, course: &mut Course<S>) -> bool {
        let until = course.runner.clock.now().plus(LEASE);
        match course.runner.database.renew(&course.lease, until).await {
            Ok(Some(abort)) => {
                course.job.abort_requested = abort;
                self.failing_since = None;
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "a job's lease cannot be renewed");
                let now = tokio::time::Instant::now();
                let since = *self.failing_since.get_or_insert(now);
                now.duration_since(since) < LEASE / 2
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is between 0 and a million")]
fn millionths(done: f64) -> i64 {
    (done.clamp(0.0, 1.0) * 1e6) as i64
}
