//! An upload under way, all or nothing.
//!
//! Invariant: a task of its own stores the upload, so a caller that goes away interrupts no write. Unless the task has seen the
//! end of the stream and the database has the rows, it removes what it wrote; what a dying process leaves is swept when the next
//! one starts.

use std::pin::pin;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Now;
use crate::database::{Database, Inserted, NewDataset};
use crate::dataset::{Dataset, Format};
use crate::error::Error;
use crate::files::Files;
use crate::ids::{DatasetId, etag, random};
use crate::intake::{Intake, Piece};
use crate::inventory::Content;
use crate::settings::Settings;
use crate::spec::Spec;

/// So many pieces may wait for the disk; then the client waits.
const WAITING: usize = 4;

/// An upload whose pieces may come. Dropped, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Upload {
    parts: mpsc::Sender<Part>,
    outcome: JoinHandle<Result<Dataset, Error>>,
}

#[derive(Debug)]
enum Part {
    Piece(Piece),
    /// All has come. A stream that ends without it has broken off.
    End,
}

/// What a new upload is made from.
pub(crate) struct Beginning {
    pub(crate) database: Database,
    pub(crate) files: Files,
    pub(crate) settings: Settings,
    pub(crate) now: Now,
    pub(crate) owner: String,
    pub(crate) spec: Spec,
}

impl Upload {
    pub(crate) fn begin(beginning: Beginning, tasks: &TaskTracker) -> Result<Self, Error> {
        let id = DatasetId::from_random(random()?);
        let (parts, received) = mpsc::channel(WAITING);
        let task = beginning.run(id, received).in_current_span();
        Ok(Self { parts, outcome: tasks.spawn(task) })
    }

    /// Stores the pieces that come. An error among them, or a refusal of one, ends the upload and leaves nothing.
    pub(crate) async fn store(
        self,
        pieces: impl Stream<Item = Result<Piece, Error>> + Send,
    ) -> Result<Dataset, Error> {
        let Self { parts, outcome } = self;
        let mut pieces = pin!(pieces);
        loop {
            let part = match pieces.next().await {
                Some(Ok(piece)) => Part::Piece(piece),
                None => Part::End,
                Some(Err(error)) => {
                    drop(parts);
                    // It answers only once everything is removed.
                    let _ = outcome.await;
                    return Err(error);
                }
            };
            let last = matches!(part, Part::End);
            // Where the task takes no more, it has failed and says why.
            if parts.send(part).await.is_err() || last {
                return outcome.await.unwrap_or(Err(Error::TaskLost));
            }
        }
    }
}

impl Beginning {
    async fn run(self, id: DatasetId, parts: mpsc::Receiver<Part>) -> Result<Dataset, Error> {
        let mut intake = Intake::new(self.files.clone(), id.clone(), self.settings);
        let outcome = match receive(&mut intake, parts).await {
            Ok(content) => self.commit(&id, content).await,
            Err(error) => Err(error),
        };
        // A write that lands after the removal would stay.
        intake.come_to_rest().await;
        if !self.holds(&id, &outcome).await {
            self.clean(&id).await;
        }
        outcome
    }

    async fn commit(&self, id: &DatasetId, content: Content) -> Result<Dataset, Error> {
        let now = (self.now)();
        let dataset = Dataset {
            id: id.clone(),
            display_name: self.spec.display_name().to_owned(),
            format: Format::ImageFolder,
            owner: self.owner.clone(),
            visibility: self.spec.visibility(),
            classes: content.classes,
            item_count: content.item_count,
            size_bytes: content.size,
            etag: etag(random()?),
            created: now,
            updated: now,
            description: self.spec.description().to_owned(),
            splits: Vec::new(),
            file_count: content.files.len() as u64,
        };
        let new = NewDataset { dataset: &dataset, spec: &self.spec, files: &content.files };
        match self.database.insert(&new).await? {
            Inserted::New => Ok(dataset),
            Inserted::Already(earlier) => Ok(earlier),
        }
    }

    /// Whether the files belong to a dataset now. When the database fails, it may have the rows all the same; and if it cannot
    /// even say that, the files stay for the sweep.
    async fn holds(&self, id: &DatasetId, outcome: &Result<Dataset, Error>) -> bool {
        match outcome {
            Ok(dataset) => dataset.id == *id,
            Err(Error::Database(_)) => self.database.exists(id).await.unwrap_or(true),
            Err(_) => false,
        }
    }

    async fn clean(&self, id: &DatasetId) {
        if let Err(error) = self.files.remove(id).await {
            tracing::warn!(dataset_id = %id, %error, "files of a broken upload stay until the next start");
        }
    }
}

async fn receive(intake: &mut Intake, mut parts: mpsc::Receiver<Part>) -> Result<Content, Error> {
    loop {
        match parts.recv().await {
            Some(Part::Piece(piece)) => intake.take(piece).await?,
            Some(Part::End) => return intake.finish().await,
            None => return Err(Error::BrokenOff(tonic::Status::cancelled("the caller went away"))),
        }
    }
}
