//! One beginning of following: carries messages from the stream to the follower's logic and to the disk.
//!
//! Invariant: an answer is given to the follower only once it has every message that the stream still held up to the answer's
//! sequence. A consumer that stands still, or a stream that was made anew, ends the link.

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use futures_util::future::pending;
use futures_util::stream::{FuturesUnordered, ReadyChunks};
use futures_util::{StreamExt as _, TryFutureExt as _};
use hallpass_guard::Clock;
use hallpass_revocation::feed::{Answer, Effect, Follower, PAGE, Position, Timing};
use hallpass_revocation::{Applying, Entry, List, WriteError};
use tokio::time::{MissedTickBehavior, interval};

use crate::connection::Mesh;
use crate::error::StreamError;
use crate::messages::{News, Subjects};
use crate::place::Place;
use crate::stream::{Kept, Told};

/// How many batches may wait for the disk; beyond that the stream waits.
const WAITING: usize = 16;
/// However often to probe, this much passes from one look at the clock to the next.
const SHORTEST_TICK: Duration = Duration::from_millis(1);
/// So many looks may find a message that the consumer has not brought.
const LOOKS: u32 = 3;

/// Why a link is over.
#[derive(Debug)]
pub(crate) struct End(pub(crate) String);

type Coming<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One link.
pub(crate) struct Link<'a> {
    follower: &'a mut Follower,
    clock: &'a Clock,
    timing: Timing,
    applying: Applying<'a>,
    probes: FuturesUnordered<Coming<(u64, Result<Told, StreamError>)>>,
    /// Answers that wait for their messages: the probe's number and the sequence.
    held: VecDeque<(u64, u64)>,
    look: Option<Coming<(u64, Result<bool, StreamError>)>>,
    looks: u32,
    place: Place,
    answered: bool,
}

impl<'a> Link<'a> {
    pub(crate) fn new(
        follower: &'a mut Follower,
        list: &'a List,
        clock: &'a Clock,
        timing: Timing,
    ) -> Self {
        Self {
            follower,
            clock,
            timing,
            applying: Applying::new(list),
            probes: FuturesUnordered::new(),
            held: VecDeque::new(),
            look: None,
            looks: 0,
            place: Place::default(),
            answered: false,
        }
    }

    /// Whether the stream has answered a probe on it.
    pub(crate) const fn answered(&self) -> bool {
        self.answered
    }

    /// Lets a batch that is on its way to the disk arrive, so that the next link starts where the list stands.
    pub(crate) async fn close(self) {
        if let Some(Ok(reached)) = self.applying.finish().await {
            self.follower.applied(reached, self.clock.boot());
        }
        self.follower.disconnected();
    }

    /// Runs the link to its end.
    pub(crate) async fn run(&mut self, mesh: &Mesh, issuers: &BTreeSet<String>) -> End {
        match self.exchange(mesh, issuers).await {
            Err(end) => end,
            Ok(never) => match never {},
        }
    }

    async fn exchange(
        &mut self,
        mesh: &Mesh,
        issuers: &BTreeSet<String>,
    ) -> Result<std::convert::Infallible, End> {
        let kept = Kept::revocations(mesh).await.map_err(|error| ended(&error))?;
        let subjects = Subjects::of(mesh);
        let told = kept.told().await.map_err(|error| ended(&error))?;
        self.place = Place::of(told, self.follower.position(), issuers);
        let mut messages = open(&kept, self.place.seen).await?;
        let first = self.follower.connected(self.clock.boot());
        self.carry_out(first, &kept)?;
        let mut tick = interval((self.timing.probe_every / 4).max(SHORTEST_TICK));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = self.applying.waiting() < WAITING;
            tokio::select! {
                some = messages.next(), if room => {
                    let some = some.ok_or_else(|| End("the consumer ended".to_owned()))?;
                    self.came(some, &subjects, &kept)?;
                }
                applied = self.applying.next() => self.applied(applied)?,
                Some((probe, told)) = self.probes.next() => self.told(probe, told, &kept)?,
                (upto, found) = looked(&mut self.look) => self.found(upto, &found, &kept)?,
                _ = tick.tick() => self.ticked(&kept)?,
            }
        }
    }

    fn came<E>(
        &mut self,
        some: Vec<Result<async_nats::jetstream::Message, E>>,
        subjects: &Subjects,
        kept: &Kept,
    ) -> Result<(), End> {
        let mut entries = Vec::with_capacity(some.len());
        for message in some {
            let message = message.map_err(|_| End("the consumer failed".to_owned()))?;
            let sequence = message.info().map(|info| info.stream_sequence);
            let sequence = sequence.map_err(|_| End("a message without its place".to_owned()))?;
            if sequence <= self.place.seen {
                continue;
            }
            match subjects.read(&message.message) {
                Some(News::Entry(entry)) => entries.push(entry),
                Some(News::Whole(issuer)) => self.place.spoke(issuer),
                Some(News::Marker) => {}
                None => return Err(End(format!("message {sequence} is none of an issuer's"))),
            }
            self.place.seen = sequence;
        }
        self.looks = 0;
        self.hand_over(entries, kept)
    }

    /// Gives the follower what came, and the answers that waited for it.
    fn hand_over(&mut self, entries: Vec<Entry>, kept: &Kept) -> Result<(), End> {
        let batch = self.place.batch(entries);
        if batch.last {
            self.place.beginning = None;
        }
        let effects = self.follower.received(batch, self.clock.boot());
        self.carry_out(effects, kept)?;
        self.release(kept)
    }

    fn release(&mut self, kept: &Kept) -> Result<(), End> {
        if self.place.beginning.is_some() {
            return Ok(());
        }
        while let Some((probe, sequence)) = self.held.front().copied() {
            if sequence > self.place.seen {
                return Ok(());
            }
            self.held.pop_front();
            let answer = Answer { probe, epoch: self.place.epoch, sequence };
            if !self.answered {
                tracing::info!(epoch = answer.epoch, "following the stream of revocations");
            }
            self.answered = true;
            let effects = self.follower.answered(answer, self.clock.boot());
            self.carry_out(effects, kept)?;
        }
        Ok(())
    }

    /// An answer that does not come is silence, which the follower notices.
    fn told(
        &mut self,
        probe: u64,
        told: Result<Told, StreamError>,
        kept: &Kept,
    ) -> Result<(), End> {
        let told = match told {
            Ok(told) => told,
            Err(StreamError::Unanswered(_)) => return Ok(()),
            Err(error) => return Err(ended(&error)),
        };
        if told.epoch != self.place.epoch || told.last < self.place.seen {
            return Err(ended(&StreamError::Another));
        }
        self.held.retain(|(earlier, _)| *earlier < probe);
        self.held.push_back((probe, told.last));
        if self.place.beginning.is_some() {
            // A sign of life: the stream answers, but an issuer has not spoken yet.
            return self.hand_over(Vec::new(), kept);
        }
        self.release(kept)
    }

    fn ticked(&mut self, kept: &Kept) -> Result<(), End> {
        let wanted = self.held.front().map(|(_, sequence)| *sequence);
        let wanted = wanted.max(self.place.beginning.as_ref().map(|(upto, _)| *upto));
        if let Some(upto) = wanted.filter(|upto| *upto > self.place.seen && self.look.is_none()) {
            let (kept, seen) = (kept.clone(), self.place.seen);
            self.look = Some(Box::pin(async move { (upto, kept.has_after(seen).await) }));
        }
        let effects = self.follower.tick(self.clock.boot());
        self.carry_out(effects, kept)
    }

    /// What a look after the last message found: the end of the stream's messages may have ended by themselves.
    fn found(
        &mut self,
        upto: u64,
        found: &Result<bool, StreamError>,
        kept: &Kept,
    ) -> Result<(), End> {
        match found {
            Ok(false) => {
                self.place.seen = self.place.seen.max(upto);
                self.hand_over(Vec::new(), kept)
            }
            Ok(true) if self.looks >= LOOKS => Err(End("the consumer stands still".to_owned())),
            Ok(true) => {
                self.looks += 1;
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn applied(&mut self, applied: Result<Option<Position>, WriteError>) -> Result<(), End> {
        let reached = applied.map_err(|_| End("the list could not be written".to_owned()))?;
        self.follower.applied(reached, self.clock.boot());
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>, kept: &Kept) -> Result<(), End> {
        for effect in effects {
            match effect {
                Effect::Probe(probe) => {
                    let (kept, number) = (kept.clone(), probe.number);
                    self.probes.push(Box::pin(async move { (number, kept.told().await) }));
                }
                Effect::Apply(batch) => self.applying.push(batch),
                Effect::Reconnect(why) => return Err(End(why.to_owned())),
            }
        }
        Ok(())
    }
}

/// Reads on after a sequence.
pub(crate) async fn open(kept: &Kept, seen: u64) -> Result<ReadyChunks<Ordered>, End> {
    let deliver_policy = match seen {
        0 => DeliverPolicy::All,
        _ => DeliverPolicy::ByStartSequence { start_sequence: seen + 1 },
    };
    let config = OrderedConfig { deliver_policy, ..OrderedConfig::default() };
    let refused = |_| End("the server gives no consumer".to_owned());
    let consumer = kept.stream().create_consumer(config).await.map_err(refused)?;
    let refused = |_| End("the server gives no messages".to_owned());
    Ok(consumer.messages().map_err(refused).await?.ready_chunks(PAGE))
}

async fn looked<T>(look: &mut Option<Coming<T>>) -> T {
    let Some(under_way) = look else { return pending().await };
    let found = under_way.await;
    *look = None;
    found
}

fn ended(error: &StreamError) -> End {
    End(error.to_string())
}
