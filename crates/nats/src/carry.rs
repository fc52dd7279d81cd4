//! Carries an issuer's own list into the stream.
//!
//! Invariant: what the issuer has acknowledged is in the stream, or goes there again as soon as there is one; the issuer says that its
//! whole list is there only after the last entry is.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use hallpass_guard::Clock;
use hallpass_revocation::{List, Listed};
use tokio::sync::watch;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::connection::{Mesh, named};
use crate::error::{ConnectError, StreamError};
use crate::messages::{Carried, Subjects, of_entry};
use crate::stream::Kept;

/// How many entries are under way at once.
const UNDER_WAY: usize = 256;
/// From one try to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the issuer looks whether the stream is still the same.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often the issuer says how far it is, at most: so much it carries again after a restart.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// What an issuer that carries needs.
#[derive(Debug)]
pub struct Carrying {
    mesh: Mesh,
    list: Arc<List>,
    clock: Clock,
    issuer: String,
    carried: watch::Sender<u64>,
}

/// One run over a stream.
struct Run {
    kept: Kept,
    epoch: u64,
    last: u64,
    at: u64,
    /// Whether entries that came from other issuers are carried, too: the stream may have lost them.
    all: bool,
    said: Option<(u64, Instant)>,
}

impl Carrying {
    /// Of this list, in the name of this issuer. From now on a revocation in it counts only once it is carried.
    pub fn new(
        mesh: Mesh,
        list: Arc<List>,
        clock: Clock,
        issuer: String,
    ) -> Result<Self, ConnectError> {
        named("issuer", &issuer)?;
        let carried = watch::Sender::new(0);
        list.carried_by(carried.subscribe());
        Ok(Self { mesh, list, clock, issuer, carried })
    }

    /// Carries until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.carry() => {}
        }
    }

    async fn carry(&self) {
        let mut lost = false;
        loop {
            let mut went_well = false;
            let Err(error) = self.carry_into_one(&mut went_well).await;
            if lost && !went_well {
                tracing::debug!(%error, "revocations still cannot be carried");
            } else {
                tracing::warn!(%error, "revocations cannot be carried to the other nodes");
            }
            lost = true;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn carry_into_one(
        &self,
        went_well: &mut bool,
    ) -> Result<std::convert::Infallible, StreamError> {
        let subjects = Subjects::of(&self.mesh);
        let mut run = self.begin(&subjects).await?;
        let mut changes = self.list.changes();
        let mut look = interval(LOOK_EVERY);
        loop {
            changes.mark_unchanged();
            self.carry_on(&mut run, &subjects).await?;
            self.say(&mut run, &subjects).await?;
            *went_well = true;
            tokio::select! {
                // The sender lives as long as the list, which is held here.
                _ = changes.changed() => {}
                _ = look.tick() => run.look().await?,
            }
        }
    }

    async fn begin(&self, subjects: &Subjects) -> Result<Run, StreamError> {
        let kept = Kept::revocations(&self.mesh).await?;
        let told = kept.ensure(&self.mesh).await?;
        let said = kept.newest(&subjects.whole(&self.issuer)).await?;
        let said = said.and_then(|said| Carried::read(&said));
        // A list that was made anew has other sequences.
        let said = said
            .filter(|said| said.list == self.list.epoch() && said.sequence <= self.list.sequence());
        let at = said.map_or(0, |said| said.sequence);
        let said = said.map(|said| (said.sequence, Instant::now()));
        Ok(Run { kept, epoch: told.epoch, last: told.last, at, all: said.is_none(), said })
    }

    /// Carries what the stream lacks of the list.
    async fn carry_on(&self, run: &mut Run, subjects: &Subjects) -> Result<(), StreamError> {
        loop {
            let upto = self.list.sequence();
            let page = self.page(run.at).await?;
            let whole = page.len() < UNDER_WAY;
            let reached = page.last().filter(|_| !whole).map_or(upto, |last| last.sequence);
            let all = run.all;
            let lacking = page.iter().filter(|listed| all || listed.note.is_some());
            self.send(run, subjects, lacking).await?;
            run.at = reached.max(run.at);
            self.carried.send_if_modified(|carried| {
                let moved = run.at > *carried;
                *carried = run.at.max(*carried);
                moved
            });
            if whole {
                run.all = false;
                return Ok(());
            }
        }
    }

    async fn page(&self, after: u64) -> Result<Vec<Listed>, StreamError> {
        let list = Arc::clone(&self.list);
        let read = tokio::task::spawn_blocking(move || list.page(after, UNDER_WAY)).await;
        match read {
            Ok(Ok(page)) => Ok(page),
            Ok(Err(_)) | Err(_) => Err(StreamError::Unread),
        }
    }

    /// Returns once the stream has taken all of them.
    async fn send<'a>(
        &self,
        run: &mut Run,
        subjects: &Subjects,
        listed: impl Iterator<Item = &'a Listed>,
    ) -> Result<(), StreamError> {
        let mut under_way = Vec::new();
        for Listed { entry, .. } in listed {
            let message = of_entry(run.kept.name(), entry, self.clock.now());
            if let Some(message) = message {
                let subject = subjects.of_issuer(&self.issuer, entry);
                let sent = self.mesh.context().send_publish(subject, message).await;
                under_way.push(sent.map_err(|_| NOT_TAKEN)?);
            }
        }
        let taken = try_join_all(under_way.into_iter().map(IntoFuture::into_future)).await;
        let taken = taken.map_err(|_| NOT_TAKEN)?;
        run.last = taken.iter().map(|ack| ack.sequence).fold(run.last, u64::max);
        Ok(())
    }

    /// Says how far it is: at once in a stream where it has said nothing, else now and then.
    async fn say(&self, run: &mut Run, subjects: &Subjects) -> Result<(), StreamError> {
        let due = |(said, at): (u64, Instant)| said < run.at && at.elapsed() >= SAY_EVERY;
        if !run.said.is_none_or(due) {
            return Ok(());
        }
        let carried = Carried { list: self.list.epoch(), sequence: run.at };
        let message = carried.to_message(run.kept.name());
        let sent = self.mesh.context().send_publish(subjects.whole(&self.issuer), message).await;
        let taken = sent.map_err(|_| NOT_TAKEN)?.await.map_err(|_| NOT_TAKEN)?;
        run.last = run.last.max(taken.sequence);
        run.said = Some((run.at, Instant::now()));
        Ok(())
    }
}

const NOT_TAKEN: StreamError = StreamError::Unanswered("take an entry");

impl Run {
    /// A stream that is another one, or went back, has to be filled again.
    async fn look(&mut self) -> Result<(), StreamError> {
        let told = self.kept.told().await?;
        if told.epoch != self.epoch || told.last < self.last {
            return Err(StreamError::Another);
        }
        self.last = told.last;
        Ok(())
    }
}
