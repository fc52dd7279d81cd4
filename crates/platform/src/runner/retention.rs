//! Drops the oldest ended jobs of users of whom more is kept than one user may have.
//!
//! Invariant: a job is dropped after its results. A process that ends in between does it again.

use hallpass_jobs::Peer;

use super::Runner;
use crate::error::Error;

/// Drops what is not kept any more.
pub(super) async fn sweep<S: Peer>(runner: &Runner<S>) {
    if let Err(error) = try_sweep(runner).await {
        tracing::warn!(%error, "old jobs are not dropped");
    }
}

async fn try_sweep<S: Peer>(runner: &Runner<S>) -> Result<(), Error> {
    for owner in runner.database.over(runner.kept).await? {
        let beyond = runner.database.beyond(&owner, runner.kept).await?;
        for id in &beyond {
            runner.engine.artifacts.remove(id.as_str()).await?;
            runner.database.remove(id).await?;
        }
        if !beyond.is_empty() {
            tracing::info!(owner, jobs = beyond.len(), "the user's oldest jobs are dropped");
        }
    }
    Ok(())
}
