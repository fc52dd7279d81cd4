//! Who may do what, told by plain maps, against the whole of Labeler: random people and workers call every RPC with every kind of
//! token, and each answer is what the maps say.

mod datasets;
mod permissions;
mod play;
mod snapshots;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};

use super::callers::Who;
use super::chance::Chance;
use play::Play;

/// What there is, and who may do what.
#[derive(Debug, Default)]
struct Model {
    datasets: BTreeMap<String, Dataset>,
    /// Each snapshot's dataset.
    snapshots: BTreeMap<String, String>,
    uploads: BTreeMap<String, Upload>,
    /// What was there once.
    gone: Vec<String>,
    /// How many datasets there were: their order of creation.
    made: u64,
}

#[derive(Debug)]
struct Dataset {
    number: u64,
    name: String,
    etag: String,
    owner: String,
    public: bool,
    readers: BTreeSet<String>,
    writers: BTreeSet<String>,
}

#[derive(Debug)]
struct Upload {
    owner: String,
    dataset: String,
    revision: bool,
    files: usize,
}

impl Model {
    fn may(&self, who: &Who, permission: &str, kind: &'static str, id: &str) -> bool {
        match who {
            Who::User(user) => self.user_may(user, permission, kind, id),
            Who::Bound(user, bound_to, object) => {
                (*bound_to, object.as_str()) == (kind, id)
                    && self.user_may(user, permission, kind, id)
            }
            Who::Worker(Some((bound_to, object))) => {
                (*bound_to, object.as_str()) == (kind, id) && self.is_there(kind, id)
            }
            Who::WorkerOf(owner, bound_to, object) => {
                // An upload is its user's, not a job's.
                (*bound_to, object.as_str()) == (kind, id)
                    && kind != "upload"
                    && self.user_may(owner, permission, kind, id)
            }
            Who::Worker(None) => false,
            Who::OtherMinters => self.is_there(kind, id),
        }
    }

    fn user_may(&self, user: &str, permission: &str, kind: &str, id: &str) -> bool {
        match kind {
            "dataset" => self.datasets.get(id).is_some_and(|dataset| {
                let owns = dataset.owner == user;
                let writes = owns || dataset.writers.contains(user);
                let reads = writes || dataset.public || dataset.readers.contains(user);
                match permission {
                    "read" => reads,
                    "write" => writes,
                    _ => owns,
                }
            }),
            "snapshot" => {
                let dataset = self.snapshots.get(id);
                permission != "write"
                    && permission != "share"
                    && dataset.is_some_and(|id| self.user_may(user, permission, "dataset", id))
            }
            _ => self.uploads.get(id).is_some_and(|upload| {
                let writes = |id| self.user_may(user, "write", "dataset", id);
                matches!(permission, "read" | "write")
                    && upload.owner == user
                    && (!upload.revision || writes(&upload.dataset))
            }),
        }
    }

    /// For workers: an upload is somebody's, so there is none for them.
    fn is_there(&self, kind: &str, id: &str) -> bool {
        match kind {
            "dataset" => self.datasets.contains_key(id),
            "snapshot" => self.snapshots.contains_key(id),
            _ => false,
        }
    }

    /// The datasets that a user sees, the newest first.
    fn seen_by(&self, user: &str) -> Vec<String> {
        let all = self.datasets.iter();
        let mut seen: Vec<_> =
            all.filter(|(id, _)| self.user_may(user, "read", "dataset", id)).collect();
        seen.sort_by_key(|(_, dataset)| std::cmp::Reverse(dataset.number));
        seen.into_iter().map(|(id, _)| id.clone()).collect()
    }

    fn snapshots_of(&self, dataset: &str) -> Vec<&String> {
        let all = self.snapshots.iter();
        all.filter(|(_, of)| *of == dataset).map(|(id, _)| id).collect()
    }
}

const STEPS: usize = 3000;

#[tokio::test]
async fn every_answer_is_what_the_model_says() {
    let mut play = Play::new(Chance::new()).await;
    for _ in 0..STEPS {
        play.step().await;
    }
    play.covers_every_rpc();
}
