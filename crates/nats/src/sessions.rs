//! The sessions that several Platforms share: a key-value bucket with a key for what was opened and one for its last use.
//!
//! Invariant: a handle is given away only once its session is in the bucket; and nobody learns a handle or a token from there. A bucket
//! that is lost ends no session: those who opened them fill it again.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use hallpass_guard::Clock;
use hallpass_revocation::{SessionNews, SessionNewsKind, Sessions};
use hallpass_token::Fingerprint;
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::connection::Mesh;
use crate::error::StreamError;
use crate::link::{End, open};
use crate::messages::is_marker;
use crate::stream::Kept;

/// How many are under way at once.
const UNDER_WAY: usize = 256;
/// From one try to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How often to look whether the bucket is the same and everything in it has come.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So many looks may find something that has not come.
const LOOKS: u32 = 3;

/// Shares a Platform's sessions with the others.
#[derive(Debug)]
pub struct SharedSessions {
    mesh: Mesh,
    sessions: Sessions,
    clock: Clock,
    carried: watch::Sender<u64>,
}

/// One run over a bucket.
struct Run {
    kept: Kept,
    keys: String,
    epoch: u64,
    /// Up to where this Platform's own are in the bucket, by its own store's sequence.
    sent: u64,
    /// Up to where the bucket's have come here.
    seen: u64,
    looks: u32,
}

impl SharedSessions {
    /// Of this store. From now on a session counts as opened only once the others can find it.
    pub fn new(mesh: Mesh, sessions: Sessions, clock: Clock) -> Self {
        let carried = watch::Sender::new(0);
        sessions.carried_by(carried.subscribe());
        Self { mesh, sessions, clock, carried }
    }

    /// Tells and listens until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.share() => {}
        }
    }

    async fn share(&self) {
        let mut lost = false;
        loop {
            let mut went_well = false;
            let Err(error) = self.share_in_one(&mut went_well).await;
            if lost && !went_well {
                tracing::debug!(%error, "sessions still cannot be shared");
            } else {
                tracing::warn!(%error, "sessions cannot be shared with the other Platforms");
            }
            lost = true;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn share_in_one(
        &self,
        went_well: &mut bool,
    ) -> Result<std::convert::Infallible, StreamError> {
        let kept = Kept::sessions(&self.mesh).await?;
        let told = kept.ensure(&self.mesh).await?;
        let keys = format!("$KV.{}-sessions.", self.mesh.prefix());
        let mut coming = open(&kept, 0).await.map_err(|End(_)| NOT_BROUGHT)?;
        let mut run = Run { kept, keys, epoch: told.epoch, sent: 0, seen: 0, looks: 0 };
        let mut changes = self.sessions.changes();
        let mut look = interval(LOOK_EVERY);
        loop {
            changes.mark_unchanged();
            self.tell(&mut run).await?;
            *went_well = true;
            tokio::select! {
                some = coming.next() => self.learn(&mut run, some.ok_or(NOT_BROUGHT)?)?,
                // The sender lives as long as the store, which is held here.
                _ = changes.changed() => {}
                _ = look.tick() => run.look().await?,
            }
        }
    }

    /// Puts into the bucket what it lacks of this Platform's own.
    async fn tell(&self, run: &mut Run) -> Result<(), StreamError> {
        loop {
            let (sessions, after) = (self.sessions.clone(), run.sent);
            let read = tokio::task::spawn_blocking(move || sessions.news(after, UNDER_WAY)).await;
            let (news, reached) = read.ok().and_then(Result::ok).ok_or(StreamError::Unread)?;
            let mut under_way = Vec::new();
            for one in news {
                let Some((key, message)) = self.message(run, one) else { continue };
                let sent = self.mesh.context().send_publish(key, message).await;
                under_way.push(sent.map_err(|_| NOT_TAKEN)?);
            }
            let taken = try_join_all(under_way.into_iter().map(IntoFuture::into_future)).await;
            taken.map_err(|_| NOT_TAKEN)?;
            let whole = reached == after;
            run.sent = reached;
            self.carried.send_if_modified(|carried| {
                let moved = reached > *carried;
                *carried = reached.max(*carried);
                moved
            });
            if whole {
                return Ok(());
            }
        }
    }

    /// What is kept by the server until nobody needs it; `None` if that has come.
    fn message(&self, run: &Run, news: SessionNews) -> Option<(String, PublishMessage)> {
        let left = news.until.since(self.clock.now());
        let kind = match news.kind {
            SessionNewsKind::Opened => "opened",
            SessionNewsKind::Used => "used",
        };
        let key = format!("{}{}.{kind}", run.keys, news.session);
        let message = PublishMessage::build()
            .expected_stream(run.kept.name())
            .ttl(left.max(Duration::from_secs(1)))
            .payload(news.text.into());
        (!left.is_zero()).then_some((key, message))
    }

    fn learn<E>(&self, run: &mut Run, some: Vec<Result<Message, E>>) -> Result<(), StreamError> {
        let mut came = Vec::with_capacity(some.len());
        for message in some {
            let message = message.map_err(|_| NOT_BROUGHT)?;
            run.seen = message.info().map_err(|_| NOT_BROUGHT)?.stream_sequence;
            if !is_marker(&message.message) {
                came.push(message);
            }
        }
        run.looks = 0;
        let told = came.iter().filter_map(|message| {
            let key = message.subject.strip_prefix(&run.keys)?;
            let name: Fingerprint = key.split_once('.')?.0.parse().ok()?;
            Some((name, std::str::from_utf8(&message.payload).ok()?))
        });
        let left = self.sessions.learn(told, self.clock.now());
        if left > 0 {
            tracing::warn!(
                left,
                "sessions of other Platforms are not known here: too many, or none of a Platform's"
            );
        }
        Ok(())
    }
}

const NOT_TAKEN: StreamError = StreamError::Unanswered("take a session");
const NOT_BROUGHT: StreamError = StreamError::Unanswered("bring the sessions");

impl Run {
    /// A bucket that is another one has to be filled again; one whose news do not come has to be opened again.
    async fn look(&mut self) -> Result<(), StreamError> {
        let told = self.kept.told().await?;
        if told.epoch != self.epoch || told.last < self.seen {
            return Err(StreamError::Another);
        }
        if told.last == self.seen {
            return Ok(());
        }
        if !self.kept.has_after(self.seen).await? {
            self.seen = told.last;
            return Ok(());
        }
        self.looks += 1;
        if self.looks > LOOKS { Err(NOT_BROUGHT) } else { Ok(()) }
    }
}
