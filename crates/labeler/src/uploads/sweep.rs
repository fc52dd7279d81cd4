//! Removes what nobody needs any more: uploads that have expired and the objects they leave.
//!
//! Invariant: an object goes only if no row names it and the upload that wrote it is closed. As no number is used twice, such an
//! object never comes to be needed again.

use std::sync::Arc;
use std::time::Duration;

use hallpass_policy::for_current_user;
use hallpass_revocation::{SweepClock, boot_now};
use tokio::time::MissedTickBehavior;
use tracing::Instrument;

use crate::database::UploadRow;
use crate::datasets::store::Datasets;
use crate::error::Error;
use crate::model::ids::DatasetId;

impl Datasets {
    /// Drops what has expired, and removes what closed uploads have left. `alone` says that no other process can be writing, so that
    /// what belongs to single calls belongs to calls that have ended.
    pub(crate) async fn sweep_uploads(&self, alone: bool) -> Result<(), Error> {
        while self.database.drop_expired((self.now)(), alone).await? > 0 {}
        loop {
            let untidy = self.database.untidy().await?;
            if untidy.is_empty() {
                return Ok(());
            }
            for id in &untidy {
                self.tidy(id).await?;
            }
        }
    }

    /// Removes the objects of a dataset that nobody needs.
    pub(crate) async fn tidy(&self, id: &DatasetId) -> Result<(), Error> {
        // What is listed first was written by an upload that was open then: it is still, or has ended since.
        let there = self.files.numbers(id).await?;
        let (needed, open) = self.database.needed(id).await?;
        if needed.is_empty() && open.is_empty() {
            self.files.remove(id).await?;
        } else {
            let needless =
                |number: &&u64| !needed.contains(number) && !open.contains(&(**number >> 32));
            for number in there.iter().filter(needless) {
                self.files.remove_remains(id, *number).await?;
            }
        }
        Ok(self.database.is_tidy(id).await?)
    }

    /// The same in a task: a caller that goes away does not stop it, and one that stays hears nothing of a failure, as what is left
    /// is noted and goes later.
    pub(crate) async fn tidy_behind(self: &Arc<Self>, id: &DatasetId) -> Result<(), Error> {
        let (datasets, id) = (Arc::clone(self), id.clone());
        let tidied = async move {
            if let Err(error) = datasets.tidy(&id).await {
                tracing::warn!(dataset_id = %id, %error, "needless files stay until the next sweep");
            }
        };
        self.tasks
            .spawn(for_current_user(tidied.in_current_span()))
            .await
            .map_err(|_| Error::TaskLost)
    }

    /// Drops the upload of a call that failed. When even that fails, the sweep does it.
    pub(crate) async fn leave_nothing(&self, upload: &UploadRow) {
        let dropped = match self.database.drop_upload(&upload.id).await {
            Ok(_) => self.tidy(&upload.dataset_id).await,
            Err(error) => Err(error),
        };
        if let Err(error) = dropped {
            tracing::warn!(upload_id = %upload.id, %error, "a broken upload stays until it is swept");
        }
    }

    /// Sweeps now and then, until the task is ended.
    pub(crate) async fn keep_sweeping(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every.max(Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let trusted = SweepClock::started((self.now)(), boot_now());
        // The first one comes at once, and the start has swept.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if !trusted.trusts((self.now)(), boot_now()) {
                tracing::warn!(
                    "the clock was set forward: uploads are not swept before it is right, or Labeler is restarted"
                );
                continue;
            }
            if let Err(error) = self.sweep_uploads(false).await {
                tracing::warn!(%error, "expired uploads could not be swept");
            }
        }
    }
}
