//! A stream of files under way.
//!
//! Invariant: a task of its own stores the files, so a caller that goes away interrupts no write. What has come when a stream into an
//! upload breaks off is kept and recorded. A stream that is to make a dataset by itself makes it whole or leaves nothing; what a
//! dying process leaves of it is swept when the next one starts.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hallpass_policy::for_current_user;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt};
use tracing::Instrument;

use crate::datasets::store::Datasets;
use crate::error::Error;
use crate::model::dataset::Dataset;
use crate::model::spec::Spec;
use crate::uploads::commit::Wanted;
use crate::uploads::partial_file::Announced;
use crate::uploads::store::Open;
use crate::uploads::target::Receiver;
use crate::uploads::writer::{Intake, Piece, Tally};

/// So many messages may wait for the disk; then the client waits. The memory of uploads counts them.
const WAITING: usize = 1;

/// When nothing has come for so long, what has been written is recorded.
const LULL: Duration = Duration::from_millis(500);

/// What a client sends, one after the other.
#[derive(Debug)]
pub(crate) enum Message {
    /// A piece with its file's name.
    Piece(Piece),
    /// A file begins.
    File {
        /// Its path, as the client sent it.
        path: String,
        /// What it will be.
        announced: Announced,
        /// Where its next bytes belong.
        offset: u64,
    },
    /// The next bytes of the file that was begun last.
    Data(bytes::Bytes),
    /// All has come. A stream that ends without it has broken off.
    End,
}

/// Files that may come. Dropped, the stream has broken off.
#[derive(Debug)]
pub(crate) struct Upload<T> {
    messages: mpsc::Sender<Message>,
    outcome: JoinHandle<Result<T, Error>>,
    idle: Duration,
}

impl Upload<Tally> {
    /// Files for an upload that stays open.
    pub(crate) fn into_open(datasets: &Datasets, receiver: Receiver) -> Self {
        Self::spawn(datasets, |messages| into_open(receiver, messages))
    }
}

impl Upload<Dataset> {
    /// Files that make a dataset by themselves.
    pub(crate) fn into_dataset(datasets: &Arc<Datasets>, open: Open, spec: Spec) -> Self {
        let all = Arc::clone(datasets);
        Self::spawn(datasets, |messages| into_dataset(all, open, spec, messages))
    }
}

impl<T: Send + 'static> Upload<T> {
    /// Stores what comes. An error among it, or a refusal of something, ends the stream.
    pub(crate) async fn store(
        self,
        messages: impl Stream<Item = Result<Message, Error>> + Send,
    ) -> Result<T, Error> {
        let Self { messages: to, outcome, idle } = self;
        let mut messages = pin!(messages);
        loop {
            // The next message is taken from the client only when there is a place for it. Where the task takes no more, it has
            // failed and says why.
            let Ok(place) = to.reserve().await else {
                drop(to);
                return outcome.await.unwrap_or(Err(Error::TaskLost));
            };
            let message = match tokio::time::timeout(idle, messages.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(None) => Message::End,
                Ok(Some(Err(error))) => {
                    drop(place);
                    return Err(after(to, outcome, error).await);
                }
                Err(_) => {
                    drop(place);
                    return Err(after(to, outcome, Error::Idle(idle)).await);
                }
            };
            let last = matches!(message, Message::End);
            place.send(message);
            if last {
                drop(to);
                return outcome.await.unwrap_or(Err(Error::TaskLost));
            }
        }
    }

    fn spawn<F: Future<Output = Result<T, Error>> + Send + 'static>(
        datasets: &Datasets,
        task: impl FnOnce(mpsc::Receiver<Message>) -> F,
    ) -> Self {
        let (to, messages) = mpsc::channel(WAITING);
        let outcome = datasets.tasks.spawn(for_current_user(task(messages).in_current_span()));
        Self { messages: to, outcome, idle: datasets.settings.idle }
    }
}

/// The stream has broken off: what has come is put in order before the caller hears of it.
async fn after<T>(
    to: mpsc::Sender<Message>,
    outcome: JoinHandle<Result<T, Error>>,
    error: Error,
) -> Error {
    drop(to);
    let _ = outcome.await;
    error
}

async fn into_open(receiver: Receiver, messages: mpsc::Receiver<Message>) -> Result<Tally, Error> {
    let memory = receiver.memory.stream(&receiver.owner).await?;
    let mut intake = Intake::new(receiver, memory);
    let outcome = match receive(&mut intake, messages).await {
        Ok(tally) => Ok(tally),
        Err(error) => Err(kept(&mut intake, error).await),
    };
    intake.come_to_rest(matches!(outcome, Err(Error::Database(_)))).await;
    outcome
}

/// Keeps what came before an error, as far as the store still works. The error stays what it is.
async fn kept(intake: &mut Intake, error: Error) -> Error {
    match intake.broken().await {
        // It may have been recorded all the same.
        Err(Error::Database(kept)) => {
            tracing::warn!(%error, "what came before this could not be recorded");
            Error::Database(kept)
        }
        _ => error,
    }
}

async fn into_dataset(
    datasets: Arc<Datasets>,
    open: Open,
    spec: Spec,
    messages: mpsc::Receiver<Message>,
) -> Result<Dataset, Error> {
    let received = receive_all(&datasets, &open, messages).await;
    let outcome = match received {
        Ok(_) => {
            let wanted = Wanted { spec: Some(spec), ..Wanted::default() };
            datasets.finish(&open.row.id, &open.row.owner, &wanted).await
        }
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        datasets.leave_nothing(&open.row).await;
    }
    outcome
}

async fn receive_all(
    datasets: &Datasets,
    open: &Open,
    messages: mpsc::Receiver<Message>,
) -> Result<Tally, Error> {
    let memory = datasets.memory.stream(&open.row.owner).await?;
    let mut intake = Intake::new(open.receiver(datasets, true), memory);
    let received = receive(&mut intake, messages).await;
    // A write that lands after the removal would stay.
    intake.come_to_rest(true).await;
    received
}

async fn receive(
    intake: &mut Intake,
    mut messages: mpsc::Receiver<Message>,
) -> Result<Tally, Error> {
    loop {
        let message = match tokio::time::timeout(LULL, messages.recv()).await {
            Ok(message) => message,
            Err(_) if intake.is_behind() => {
                intake.record().await?;
                continue;
            }
            Err(_) => messages.recv().await,
        };
        match message {
            Some(Message::Piece(piece)) => intake.take(piece).await?,
            Some(Message::File { path, announced, offset }) => {
                intake.begin(&path, announced, offset).await?;
            }
            Some(Message::Data(data)) => intake.data(data).await?,
            Some(Message::End) => return intake.finish().await,
            None => return Err(Error::BrokenOff(tonic::Status::cancelled("the caller went away"))),
        }
    }
}
