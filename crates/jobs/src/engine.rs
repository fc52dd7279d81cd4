//! What the activities work with, and the one entrance to them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::{Background, Job};
use hallpass_store::Space;
use hallpass_token::ResourceClaim;
use tokio_util::sync::CancellationToken;

use crate::artifacts::Artifacts;
use crate::failure::Failure;
use crate::machine::Activity;
use crate::peer::Peer;
use crate::publish::{self, Published};
use crate::said::Saying;
use crate::trainer::Trainer;
use crate::{fetch, train, validate};

/// What every job runs with. Clones share everything.
#[derive(Clone)]
pub struct Engine<S> {
    /// The way to Labeler, with the layers that put tokens on its calls.
    pub labeler: S,
    /// Where results are kept.
    pub artifacts: Artifacts,
    /// Where jobs under way have their folders.
    pub folder: PathBuf,
    /// The trainers by name.
    pub trainers: Arc<BTreeMap<String, Trainer>>,
    /// How long a trainer may take to end once it is told to.
    pub grace: Duration,
    /// The most bytes that one job may make.
    pub most_bytes: u64,
    /// The space of the disk that the folder is on.
    pub space: Space,
}

/// One job, as far as the activities need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The job's id; of a form that is a file's name.
    pub job_id: String,
    /// The user that owns it: each of the job's calls needs this user's permission at that time.
    pub owner: String,
    /// The dataset.
    pub dataset_id: String,
    /// What the dataset's etag has to be, where no snapshot is named.
    pub dataset_etag: String,
    /// The snapshot to train on instead; empty for none.
    pub snapshot_id: String,
    /// The trainer's name.
    pub trainer: String,
}

impl Task {
    /// The one object that the job's tokens are for.
    fn resource(&self) -> ResourceClaim {
        let (kind, id) = match self.snapshot_id.as_str() {
            "" => ("dataset", &self.dataset_id),
            snapshot => ("snapshot", &snapshot.to_owned()),
        };
        ResourceClaim { kind: kind.to_owned(), id: id.clone() }
    }
}

impl<S: Peer> Engine<S> {
    /// Runs one attempt at an activity. Its tokens are gone when this returns, or is dropped. `stop` ends it early; a trainer is then
    /// told to end, and made to.
    pub async fn run(
        &self,
        activity: Activity,
        task: &Task,
        saying: &Saying,
        stop: &CancellationToken,
    ) -> Result<Option<Published>, Failure> {
        let trainer = self.trainer(task)?;
        if activity == Activity::Train {
            // It sees to its own end.
            return train::run(self, task, trainer, saying, stop).await.map(|()| None);
        }
        let job = Job { id: task.job_id.clone(), owner: task.owner.clone() };
        let work = Background::new("training", job, task.resource(), scopes(activity, trainer));
        let done = async {
            match activity {
                Activity::Validate => validate::run(self, task, &work).await.map(|()| None),
                Activity::Fetch => fetch::run(self, task, &work, saying).await.map(|()| None),
                Activity::Publish | Activity::Train => {
                    publish::run(self, task, &work, saying).await.map(Some)
                }
            }
        };
        tokio::select! {
            done = done => done,
            () = stop.cancelled() => Err(Failure::stopped()),
        }
    }

    /// Whether what the activity builds on is on this machine.
    pub fn is_prepared(&self, activity: Activity, task: &Task) -> bool {
        match activity {
            Activity::Validate | Activity::Fetch => true,
            Activity::Train => self.place(task).join(FETCHED).is_file(),
            Activity::Publish => self.place(task).join(TRAINED).is_file(),
        }
    }

    /// Drops what a job that has ended leaves behind on this machine.
    pub async fn tidy(&self, job_id: &str) {
        if let Err(error) = tokio::fs::remove_dir_all(self.folder.join(job_id)).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(job_id, %error, "a job's folder cannot be removed");
        }
    }
}

impl<S> Engine<S> {
    /// What the entries of the folder are called: the ids of jobs, and perhaps something else.
    pub async fn jobs_with_folders(&self) -> Vec<String> {
        let mut found = Vec::new();
        // It is made when the first job is fetched.
        let Ok(mut entries) = tokio::fs::read_dir(&self.folder).await else { return found };
        while let Ok(Some(entry)) = entries.next_entry().await {
            found.extend(entry.file_name().into_string());
        }
        found
    }

    pub(crate) fn trainer(&self, task: &Task) -> Result<&Trainer, Failure> {
        self.trainers.get(&task.trainer).ok_or_else(|| {
            Failure::lasting("TRAINER_UNKNOWN", format!("no trainer is called {:?}", task.trainer))
        })
    }

    pub(crate) fn place(&self, task: &Task) -> PathBuf {
        self.folder.join(&task.job_id)
    }
}

/// What an attempt's tokens may be used for: only publishing changes anything.
fn scopes(activity: Activity, trainer: &Trainer) -> Vec<String> {
    match activity {
        Activity::Publish => trainer.scopes.clone(),
        Activity::Validate | Activity::Fetch | Activity::Train => vec![Trainer::READ.to_owned()],
    }
}

/// There once the files have been fetched.
pub(crate) const FETCHED: &str = "fetched";
/// There once the trainer has ended well.
pub(crate) const TRAINED: &str = "trained";
/// The fetched files.
pub(crate) const DATA: &str = "data";
/// A line for each item.
pub(crate) const ITEMS: &str = "items.jsonl";
/// What the trainer makes.
pub(crate) const OUTPUT: &str = "output";

impl<S> fmt::Debug for Engine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("folder", &self.folder)
            .field("trainers", &self.trainers)
            .finish_non_exhaustive()
    }
}
