//! Points out jobs that no process takes: this one runs none, and those that should are not there.

use std::time::Duration;

use hallpass_jobs::Peer;
use tokio_util::sync::CancellationToken;

use super::Runner;

/// How often the database is asked.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long a job may wait before that is pointed out.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// A lasting shortage is logged on each of these looks: every five minutes.
const LOOKS: u32 = 10;

/// Looks until told to stop.
pub(super) async fn watch<S: Peer>(runner: Runner<S>, stop: CancellationToken) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    let mut looks = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        match runner.untaken().await {
            Ok(0) => looks = 0,
            Ok(jobs) => {
                if looks % LOOKS == 0 {
                    tracing::warn!(
                        jobs,
                        "jobs wait and no process runs any: this Platform leaves them to others ([jobs] engine or concurrency); \
                         right: start `hallpass worker`, or a Platform that runs jobs"
                    );
                }
                looks += 1;
            }
            Err(error) => tracing::warn!(%error, "it cannot be known whether jobs wait"),
        }
    }
}

impl<S: Peer> Runner<S> {
    /// How many jobs have waited for too long while no process has any job; 0 where one has.
    pub(crate) async fn untaken(&self) -> Result<u64, crate::error::Error> {
        let now = self.clock.now();
        self.database.untaken(now, now.minus(PATIENCE)).await
    }
}
