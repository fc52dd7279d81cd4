//! Drops the folders that jobs leave on this machine which end elsewhere, or while they wait.
//!
//! Invariant: the folder of a job that has not ended is left alone, and so is everything that is no job's folder.

use std::time::Duration;

use hallpass_jobs::Peer;
use tokio_util::sync::CancellationToken;

use super::{Runner, retention};
use crate::ids::JobId;

/// How often it is looked, besides whenever a job is aborted here.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How often it is looked whether more is kept of a user than may be.
const RETAIN_EVERY: Duration = Duration::from_mins(5);

/// Looks until told to stop.
pub(super) async fn sweep<S: Peer>(runner: Runner<S>, stop: CancellationToken) {
    let (mut aborts, mut every) = (runner.aborts.listen(), tokio::time::interval(LOOK_EVERY));
    let mut retained = tokio::time::interval(RETAIN_EVERY);
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = retained.tick() => {
                retention::sweep(&runner).await;
                continue;
            }
            _ = every.tick() => {}
            Ok(()) = aborts.changed() => {}
        }
        for job in runner.engine.jobs_with_folders().await {
            let Some(id) = JobId::parse(&job) else { continue };
            match runner.database.job(&id).await {
                Ok(Some(job)) if job.state.is_end() => runner.engine.tidy(id.as_str()).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "it cannot be known which jobs' folders are left over");
                    break;
                }
            }
        }
    }
}
