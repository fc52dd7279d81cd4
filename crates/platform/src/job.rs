//! What a job is inside Platform, and what a client may want a new one to be.

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_contract::platform::JobSpec;
use hallpass_jobs::{Failure, Place, Published, Task};
use hallpass_token::UnixTime;

use crate::error::Error;
use crate::ids::{JobId, RequestId};

/// The longest name of a job, in characters.
pub(crate) const LONGEST_NAME: usize = 200;

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    /// Its id.
    pub(crate) id: JobId,
    /// A name for people.
    pub(crate) display_name: String,
    /// The user that owns it.
    pub(crate) owner: String,
    /// The dataset that it trains on.
    pub(crate) dataset_id: String,
    /// The dataset's etag when the job was created.
    pub(crate) dataset_etag: String,
    /// The snapshot that it trains on instead; empty for none.
    pub(crate) snapshot_id: String,
    /// The trainer's name.
    pub(crate) trainer: String,
    /// How far it is.
    pub(crate) state: State,
    /// The attempt that is being made, or is to be made next, or was the last.
    pub(crate) place: Option<Place>,
    /// How much of it is done, in millionths.
    pub(crate) progress: i64,
    /// What was last said about it.
    pub(crate) message: String,
    /// Whether somebody has asked to abort it.
    pub(crate) abort_requested: bool,
    /// What came of it.
    pub(crate) result: Option<Published>,
    /// Why it, or the last attempt, has failed.
    pub(crate) failure: Option<Failure>,
    /// Changes with every change.
    pub(crate) etag: String,
    /// When it was created.
    pub(crate) created: UnixTime,
    /// When it was last changed.
    pub(crate) updated: UnixTime,
    /// When it ended.
    pub(crate) ended: Option<UnixTime>,
    /// How often it was queued.
    pub(crate) run: i64,
    /// The trace that it was created in; empty for none.
    pub(crate) traceparent: String,
}

impl Job {
    /// What the activities need to know of it.
    pub(crate) fn task(&self) -> Task {
        Task {
            job_id: self.id.as_str().to_owned(),
            owner: self.owner.clone(),
            dataset_id: self.dataset_id.clone(),
            dataset_etag: self.dataset_etag.clone(),
            snapshot_id: self.snapshot_id.clone(),
            trainer: self.trainer.clone(),
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Stored, its dataset checked, waiting for a worker.
    Queued,
    /// A worker has it, or it waits for the next attempt.
    Running,
    /// It has ended and has a result.
    Succeeded,
    /// It has ended without one.
    Failed,
    /// Its owner has ended it.
    Aborted,
}

impl State {
    const ALL: [Self; 5] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Aborted];

    /// How it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }

    /// Reads what `as_str` wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more will come.
    pub(crate) const fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Aborted)
    }
}

/// What a new job is to be, apart from its dataset, which a proof names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    display_name: String,
    snapshot_id: String,
    trainer: String,
    request: Option<RequestId>,
}

impl Spec {
    /// Checks a name and a request's id; an empty one means that there is none.
    pub(crate) fn new(wish: JobSpec, request_id: &str) -> Result<Self, Error> {
        let JobSpec { display_name, snapshot_id, trainer, .. } = wish;
        check_name(&display_name)?;
        let request = match request_id {
            "" => None,
            text => Some(RequestId::parse(text).ok_or(Error::Invalid {
                field: "request_id",
                problem: "must be a UUID, or empty",
            })?),
        };
        Ok(Self { display_name, snapshot_id, trainer, request })
    }

    /// A name for people.
    pub(crate) fn display_name(&self) -> &str {
        &self.display_name
    }

    /// The snapshot to train on; empty for none.
    pub(crate) fn snapshot_id(&self) -> &str {
        &self.snapshot_id
    }

    /// The trainer's name; empty for the only one.
    pub(crate) fn trainer(&self) -> &str {
        &self.trainer
    }

    /// The id of the request, if it is to be idempotent.
    pub(crate) const fn request(&self) -> Option<&RequestId> {
        self.request.as_ref()
    }

    /// The SHA-256 of everything but the request's id: the same for the same wish.
    pub(crate) fn fingerprint(&self, dataset_id: &str) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        for part in [self.display_name.as_str(), dataset_id, &self.snapshot_id, &self.trainer] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        bytes
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let problem = match name.chars().count() {
        0 => "must not be empty",
        1..=LONGEST_NAME if name.trim().is_empty() => "must not be blank",
        1..=LONGEST_NAME if name.chars().any(is_hidden) => {
            "must not hold control or invisible characters"
        }
        1..=LONGEST_NAME => return Ok(()),
        _ => "must have at most 200 characters",
    };
    Err(Error::Invalid { field: "job.display_name", problem })
}

/// Characters that hide or turn what a person reads.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    fn named(name: &str) -> JobSpec {
        JobSpec { display_name: name.to_owned(), ..JobSpec::default() }
    }

    #[test]
    fn names_are_for_people() {
        let longest = "ä".repeat(200);
        for right in ["a", "cats & dogs, 2nd try", "Hunde \\ Katzen", &longest] {
            assert!(Spec::new(named(right), "").is_ok(), "{right}");
        }
        let long = "ä".repeat(201);
        for wrong in ["", "  ", "a\nb", "a\u{202E}b", "a\u{200B}b", &long] {
            let refused = Spec::new(named(wrong), "").unwrap_err();
            assert!(matches!(refused, Error::Invalid { field: "job.display_name", .. }), "{wrong}");
        }
    }

    #[test]
    fn only_the_same_wish_has_the_same_fingerprint() {
        let wish =
            |name: &str, dataset: &str| Spec::new(named(name), "").unwrap().fingerprint(dataset);
        assert_eq!(wish("a", "ds_1"), wish("a", "ds_1"));
        assert_ne!(wish("a", "ds_1"), wish("a", "ds_2"));
        assert_ne!(wish("ad", "s_1"), wish("a", "ds_1"));
        let asked = Spec::new(named("a"), "a9b8c7d6-0000-4000-8000-123456789abc").unwrap();
        assert_eq!(asked.fingerprint("ds_1"), wish("a", "ds_1"));
    }
}
