//! Takes files in, piece by piece: each is checked, hashed and stored while its bytes pass by.
//!
//! Promise: memory does not grow with the size of a file, nor with the number of files that have been recorded. What is recorded as
//! received is durable. A refusal names the file and what is wrong with it.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::database::{BLOCK, Part, Step};
use crate::error::Error;
use crate::settings::MAX_PIECE;
use crate::uploads::memory::{Held, KEPT, StreamMemory};
use crate::uploads::partial_file::{Announced, Checks, Incoming, PART};
use crate::uploads::target::{Claim, Receiver};
use hallpass_formats::{FilePath, shown};

/// A piece of a file. The pieces of one file follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The file's path, as the client sent it.
    pub(crate) path: String,
    /// The next bytes.
    pub(crate) data: Bytes,
}

/// What a stream of files has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many files it completed.
    pub(crate) files: u64,
    /// How many bytes it brought.
    pub(crate) bytes: u64,
}

/// So many objects, and so many bytes, may be on their way to the store at a time.
const WRITES_AT_ONCE: usize = 4;
const BYTES_AT_ONCE: u64 = 2 * PART as u64;

/// So many files, or bytes, are recorded together.
const FILES_TOGETHER: usize = 256;
const BYTES_TOGETHER: u64 = 2 * PART as u64;

/// The rest of a file that broke off is kept if it is at least so long: else many tiny parts could come together.
const WORTH_KEEPING: usize = 256 << 10;

/// Files that are coming in.
pub(crate) struct Intake {
    to: Receiver,
    memory: StreamMemory,
    tally: Tally,
    /// The numbers that are left of the last block.
    numbers: std::ops::Range<u64>,
    open: Option<Incoming>,
    /// In the order in which they were begun, which is that in which they are recorded.
    writing: VecDeque<Writing>,
    written: Vec<Written>,
    /// Objects that could not be written, and those that were to stand behind them.
    lost: BTreeSet<u64>,
}

struct Writing {
    task: JoinHandle<Result<(), Error>>,
    size: u64,
    then: Written,
    /// The memory of what is being written.
    _held: Option<Held>,
}

/// An object that is in the store and not recorded yet.
struct Written {
    /// `None` for a part of a file of unknown size, which is recorded when it is whole.
    step: Option<Step>,
    number: u64,
    /// Held until the file is recorded.
    _claim: Option<Claim>,
}

impl Intake {
    /// Nothing has come yet.
    pub(crate) fn new(to: Receiver, memory: StreamMemory) -> Self {
        let (tally, open, writing) = (Tally::default(), None, VecDeque::new());
        let (written, lost) = (Vec::new(), BTreeSet::new());
        Self { to, memory, tally, numbers: 0..0, open, writing, written, lost }
    }

    /// Takes the next piece of a stream that names the file with every piece.
    pub(crate) async fn take(&mut self, piece: Piece) -> Result<(), Error> {
        let goes_on = |file: &Incoming| file.path.as_str() == piece.path;
        if !self.open.as_ref().is_some_and(goes_on) {
            self.end_unannounced().await?;
            let path = parsed(&piece.path)?;
            let kind = self.to.begin(&path)?;
            let claim = self.claim(&path).await?;
            self.open = Some(Incoming::new(path, None, Checks::new(kind), claim));
        }
        self.data(piece.data).await.map_err(|error| error.within("chunk"))
    }

    /// Begins a file of which the client says what it will be, or goes on with it.
    pub(crate) async fn begin(
        &mut self,
        path: &str,
        announced: Announced,
        offset: u64,
    ) -> Result<(), Error> {
        if let Some(before) = self.open.take() {
            return Err(before.unfinished());
        }
        let path = parsed(path)?;
        let kind = self.to.kind(&path)?;
        self.to.check_size(&path, announced.size)?;
        let claim = self.claim(&path).await?;
        let mut file = Incoming::new(path, Some(announced), Checks::new(kind), claim);
        if offset > 0 {
            // What this stream has written of the file itself counts, too.
            self.record().await?;
            if !self.to.resume(&mut file, offset).await? {
                return Ok(());
            }
        }
        if file.is_whole() { self.end(file).await } else { self.keep_open(file) }
    }

    /// The next bytes of the file that was begun last.
    pub(crate) async fn data(&mut self, data: Bytes) -> Result<(), Error> {
        if data.len() > MAX_PIECE {
            return Err(Error::invalid("data", "must have at most 1 MiB"));
        }
        let Some(mut file) = self.open.take() else {
            let problem = "belongs to no file: none was begun, or the last one has all its bytes";
            return if data.is_empty() { Ok(()) } else { Err(Error::invalid("data", problem)) };
        };
        self.to.check_size(&file.path, file.received + data.len() as u64)?;
        file.check(&data)?;
        self.tally.bytes += data.len() as u64;
        let mut data = data;
        while !data.is_empty() {
            let room = data.len().min(PART - file.buffer.len());
            self.make_room(&mut file, room).await?;
            file.buffer.extend_from_slice(&data.split_to(room));
            if file.buffer.len() == PART && !(file.is_whole() && data.is_empty()) {
                self.store_part(&mut file).await?;
            }
        }
        if file.is_whole() { self.end(file).await } else { self.keep_open(file) }
    }

    /// After the last message. What has come of a file that is not whole is kept, if its size was announced.
    pub(crate) async fn finish(&mut self) -> Result<Tally, Error> {
        self.end_unannounced().await?;
        self.keep(1).await?;
        Ok(self.tally)
    }

    /// After a break: keeps what has come.
    pub(crate) async fn broken(&mut self) -> Result<(), Error> {
        self.keep(WORTH_KEEPING).await
    }

    /// Records what has been written so far, so that it counts as received.
    pub(crate) async fn record(&mut self) -> Result<(), Error> {
        while self.landed().await? {}
        if self.written.is_empty() {
            return Ok(());
        }
        self.to.files.sync().await?;
        let steps: Vec<_> = self.written.iter().filter_map(|one| one.step.clone()).collect();
        let needless = self.to.record(&steps).await?;
        self.tally.files += steps.iter().filter(|step| step.sha256.is_some()).count() as u64;
        self.written.clear();
        self.to.remove(needless).await;
        Ok(())
    }

    /// Whether something waits to be recorded.
    pub(crate) fn is_behind(&self) -> bool {
        !self.writing.is_empty() || !self.written.is_empty()
    }

    /// Waits until nothing is being written any more, and removes what was not recorded unless that is not known.
    pub(crate) async fn come_to_rest(mut self, uncertain: bool) {
        while let Some(writing) = self.writing.pop_front() {
            let _ = writing.task.await;
            self.written.push(writing.then);
        }
        if !uncertain {
            let written = self.written.iter().map(|one| one.number);
            self.to.remove(written.chain(self.lost).collect()).await;
        }
    }

    /// Takes memory for so many bytes more of a file. Where there is none, what this stream holds goes to the store first, so that it
    /// waits for others only.
    async fn make_room(&mut self, file: &mut Incoming, bytes: usize) -> Result<(), Error> {
        let held = if let Some(held) = self.memory.try_take(bytes) {
            held
        } else {
            if file.buffer.len() >= KEPT {
                self.store_part(file).await?;
            }
            while self.landed().await? {}
            self.memory.take(bytes).await?
        };
        match &mut file.held {
            Some(own) => own.join(held),
            own @ None => *own = Some(held),
        }
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "stands beside `end`, which may fail")]
    fn keep_open(&mut self, file: Incoming) -> Result<(), Error> {
        self.open = Some(file);
        Ok(())
    }

    async fn keep(&mut self, least: usize) -> Result<(), Error> {
        if let Some(mut file) = self.open.take()
            && file.announced.is_some()
            && file.buffer.len() >= least
        {
            self.store_part(&mut file).await?;
        }
        self.record().await
    }

    async fn claim(&mut self, path: &FilePath) -> Result<Claim, Error> {
        if let Some(claim) = self.to.claim(path) {
            return Ok(claim);
        }
        // Perhaps this stream itself holds it, until it is recorded.
        self.record().await?;
        self.to.claim(path).ok_or_else(|| Error::FileBusy { path: shown(path.as_str()) })
    }

    async fn end_unannounced(&mut self) -> Result<(), Error> {
        match self.open.take() {
            Some(file) if file.announced.is_none() => self.end(file).await,
            other => {
                self.open = other;
                Ok(())
            }
        }
    }

    async fn end(&mut self, mut file: Incoming) -> Result<(), Error> {
        let sha256 = file.finish()?;
        if file.parts.is_empty() {
            let part = self.number(file.buffer.len() as u64).await?;
            let step = file.step(part, None, Some(sha256), true);
            let data = std::mem::take(&mut file.buffer).freeze();
            return self.write((data, file.held), Some(step), part, Some(file.claim)).await;
        }
        if file.buffer.len() >= KEPT {
            self.store_part(&mut file).await?;
        }
        while self.landed().await? {}
        // What is left of the buffer passes through the writer.
        file.held = None;
        let _held = self.memory.take(self.to.files.writer_bytes()).await?;
        let whole = self.number(file.received).await?;
        let put_together = self.to.put_together(&mut file, whole.number, sha256).await;
        if let Err(error) = put_together {
            self.to.remove(vec![whole.number]).await;
            return Err(error);
        }
        let behind = file.announced.and(file.parts.last()).map(|part| part.number);
        let step = file.step(whole, behind, Some(sha256), true);
        self.written.push(Written {
            step: Some(step),
            number: whole.number,
            _claim: Some(file.claim),
        });
        self.record().await?;
        if file.announced.is_none() {
            self.to.remove(file.parts.iter().map(|part| part.number).collect()).await;
        }
        Ok(())
    }

    async fn store_part(&mut self, file: &mut Incoming) -> Result<(), Error> {
        let part = self.number(file.buffer.len() as u64).await?;
        let behind = file.parts.last().map(|part| part.number);
        let step = file.announced.map(|_| file.step(part, behind, None, false));
        file.parts.push(part);
        let data = std::mem::take(&mut file.buffer).freeze();
        self.write((data, file.held.take()), step, part, None).await
    }

    async fn number(&mut self, size: u64) -> Result<Part, Error> {
        if self.numbers.is_empty() {
            let first = self.to.numbers().await?;
            self.numbers = first..first + BLOCK;
        }
        Ok(Part { number: self.numbers.next().ok_or(Error::Chance)?, size })
    }

    async fn write(
        &mut self,
        (data, held): (Bytes, Option<Held>),
        step: Option<Step>,
        part: Part,
        claim: Option<Claim>,
    ) -> Result<(), Error> {
        let underway = |intake: &Self| intake.writing.iter().map(|one| one.size).sum::<u64>();
        while self.writing.len() >= WRITES_AT_ONCE || underway(self) + part.size > BYTES_AT_ONCE {
            if !self.landed().await? {
                break;
            }
        }
        let (files, id) = (self.to.files.clone(), self.to.dataset_id.clone());
        let task = tokio::spawn(async move { files.put(&id, part.number, data).await });
        let then = Written { step, number: part.number, _claim: claim };
        self.writing.push_back(Writing { task, size: part.size, then, _held: held });
        let waiting = self.written.iter().filter_map(|one| one.step.as_ref());
        let waiting: u64 = waiting.map(|step| step.part.size).sum();
        if self.written.len() >= FILES_TOGETHER || waiting >= BYTES_TOGETHER {
            self.record().await?;
        }
        Ok(())
    }

    /// Waits for the object that was begun first; `false` if none is being written.
    async fn landed(&mut self) -> Result<bool, Error> {
        let Some(writing) = self.writing.front_mut() else { return Ok(false) };
        let landed = (&mut writing.task).await.unwrap_or(Err(Error::TaskLost));
        let Some(Writing { then, .. }) = self.writing.pop_front() else { return Ok(false) };
        let behind = then.step.as_ref().and_then(|step| step.behind);
        if landed.is_err() || behind.is_some_and(|behind| self.lost.contains(&behind)) {
            // It must never be recorded, whatever comes after.
            self.lost.insert(then.number);
        } else {
            self.written.push(then);
        }
        landed.map(|()| true)
    }
}

fn parsed(text: &str) -> Result<FilePath, Error> {
    let refused = |problem: hallpass_formats::PathProblem| Error::FileRefused {
        path: shown(text),
        problem: problem.to_string(),
    };
    FilePath::parse(text).map_err(refused)
}
