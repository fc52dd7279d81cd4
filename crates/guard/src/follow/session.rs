//! One connection to the issuer: carries messages between the stream and the follower's logic, and batches to the disk.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::{WatchRequest, WatchResponse};
use hallpass_revocation::List;
use hallpass_revocation::feed::{Batch, Effect, Follower, Position, Timing};
use hallpass_token::UnixTime;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic::{Status, Streaming};

use crate::follow::message::{self, News};
use crate::{Clock, TokenExpiry, as_service};

/// How many batches may wait for the disk; beyond that the issuer waits.
const WAITING: usize = 16;
/// How many probes may wait for the network.
const UNSENT: usize = 16;
/// However often to probe, this much passes from one look at the clock to the next.
const SHORTEST_TICK: Duration = Duration::from_millis(1);
/// A connection is made anew while its token has this long to live: less than what the client layer hands out again, so that the
/// new connection gets a new token.
const RENEW_WITHIN: Duration = Duration::from_secs(45);

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// Its token is about to end.
    Renew,
    /// It broke, or the follower gave it up.
    Lost(&'static str),
}

type Applying<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Position>, &'static str>> + Send + 'a>>;

/// One connection.
pub(super) struct Session<'a> {
    follower: &'a mut Follower,
    list: &'a List,
    clock: &'a Clock,
    timing: Timing,
    probes: mpsc::Sender<WatchRequest>,
    unsent: Option<mpsc::Receiver<WatchRequest>>,
    waiting: VecDeque<Batch>,
    applying: Option<Applying<'a>>,
    token_ends: Option<UnixTime>,
    answered: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        follower: &'a mut Follower,
        list: &'a List,
        clock: &'a Clock,
        timing: Timing,
    ) -> Self {
        let (probes, unsent) = mpsc::channel(UNSENT);
        Self {
            follower,
            list,
            clock,
            timing,
            probes,
            unsent: Some(unsent),
            waiting: VecDeque::new(),
            applying: None,
            token_ends: None,
            answered: false,
        }
    }

    /// Whether the issuer has answered a probe on it.
    pub(super) const fn answered(&self) -> bool {
        self.answered
    }

    /// Runs the connection to its end.
    pub(super) async fn run<C>(&mut self, client: RevocationServiceClient<C>) -> End
    where
        C: GrpcService<Body>,
        C::Error: Into<StdError>,
        C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
        <C::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        match self.exchange(client).await {
            Err(end) => end,
            Ok(never) => match never {},
        }
    }

    /// Lets a batch that is on its way to the disk arrive, so that the next connection starts where the list stands.
    pub(super) async fn close(mut self) {
        if let Some(applying) = self.applying.take() {
            let applied = applying.await;
            let _ = self.applied(applied);
        }
        self.follower.disconnected();
    }

    async fn exchange<C>(
        &mut self,
        client: RevocationServiceClient<C>,
    ) -> Result<std::convert::Infallible, End>
    where
        C: GrpcService<Body>,
        C::Error: Into<StdError>,
        C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
        <C::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        let mut stream = self.open(client).await?;
        let mut tick = interval((self.timing.probe_every / 4).max(SHORTEST_TICK));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.start_applying();
            let room = self.waiting.len() < WAITING;
            tokio::select! {
                message = stream.message(), if room => self.received(message)?,
                applied = on_disk(&mut self.applying) => {
                    self.applying = None;
                    self.applied(applied)?;
                }
                _ = tick.tick() => self.ticked()?,
            }
        }
    }

    /// The first probe goes out with the request: the follower counts from before the connection.
    async fn open<C>(
        &mut self,
        mut client: RevocationServiceClient<C>,
    ) -> Result<Streaming<WatchResponse>, End>
    where
        C: GrpcService<Body>,
        C::Error: Into<StdError>,
        C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
        <C::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        let first = self.follower.connected(self.clock.boot());
        self.carry_out(first)?;
        let unsent = self.unsent.take().ok_or(End::Lost("opened twice"))?;
        let opening = client.watch(as_service(ReceiverStream::new(unsent)));
        let opened = timeout(self.timing.silent_for, opening).await;
        let response =
            opened.map_err(|_| End::Lost("no answer"))?.map_err(|status| lost(&status))?;
        self.token_ends = response.extensions().get::<TokenExpiry>().map(|expiry| expiry.0);
        Ok(response.into_inner())
    }

    fn received(&mut self, message: Result<Option<WatchResponse>, Status>) -> Result<(), End> {
        let message = message.map_err(|status| lost(&status))?;
        let message = message.ok_or(End::Lost("the issuer ended the stream"))?;
        let now = self.clock.boot();
        let effects = match message::news(message) {
            Ok(News::Entries(batch)) => self.follower.received(batch, now),
            Ok(News::Answer(answer)) => {
                if !self.answered {
                    tracing::info!(epoch = answer.epoch, "following the issuer's revocation list");
                }
                self.answered = true;
                self.follower.answered(answer, now)
            }
            Err(message::Malformed) => return Err(End::Lost("a malformed message")),
        };
        self.carry_out(effects)
    }

    fn ticked(&mut self) -> Result<(), End> {
        let now = self.clock.now();
        if self.token_ends.is_some_and(|end| end.since(now) < RENEW_WITHIN) {
            return Err(End::Renew);
        }
        let effects = self.follower.tick(self.clock.boot());
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), End> {
        for effect in effects {
            match effect {
                // A probe that finds no room is never answered, which the follower takes as silence.
                Effect::Probe(probe) => drop(self.probes.try_send(message::probe(probe))),
                Effect::Apply(batch) => self.waiting.push_back(batch),
                Effect::Reconnect(why) => return Err(End::Lost(why)),
            }
        }
        Ok(())
    }

    /// One batch at a time is on its way to the disk.
    fn start_applying(&mut self) {
        if self.applying.is_some() {
            return;
        }
        if let Some(batch) = self.waiting.pop_front() {
            let list = self.list;
            self.applying = Some(Box::pin(async move {
                let reached = batch.reaches();
                let applied = list.apply(batch).await;
                applied.map_err(|_| "the list could not be written").map(|()| reached)
            }));
        }
    }

    fn applied(&mut self, applied: Result<Option<Position>, &'static str>) -> Result<(), End> {
        let reached = applied.map_err(End::Lost)?;
        self.follower.applied(reached, self.clock.boot());
        Ok(())
    }
}

async fn on_disk(applying: &mut Option<Applying<'_>>) -> Result<Option<Position>, &'static str> {
    match applying {
        Some(applying) => applying.await,
        None => pending().await,
    }
}

/// The operator gets the code; the issuer's words stay away from the log.
fn lost(status: &Status) -> End {
    End::Lost(status.code().description())
}
