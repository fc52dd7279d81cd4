//! One connection to the issuer: carries messages between the stream and the follower's logic, and batches to the disk.

use std::time::Duration;

use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::{WatchRequest, WatchResponse};
use hallpass_revocation::feed::{Effect, Follower, Position, Timing};
use hallpass_revocation::{Applying, List, WriteError};
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

/// One connection.
pub(super) struct Session<'a> {
    follower: &'a mut Follower,
    clock: &'a Clock,
    timing: Timing,
    probes: mpsc::Sender<WatchRequest>,
    unsent: Option<mpsc::Receiver<WatchRequest>>,
    applying: Applying<'a>,
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
            clock,
            timing,
            probes,
            unsent: Some(unsent),
            applying: Applying::new(list),
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
    pub(super) async fn close(self) {
        if let Some(Ok(reached)) = self.applying.finish().await {
            self.follower.applied(reached, self.clock.boot());
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
            let room = self.applying.waiting() < WAITING;
            tokio::select! {
                message = stream.message(), if room => self.received(message)?,
                applied = self.applying.next() => self.applied(applied)?,
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
                Effect::Apply(batch) => self.applying.push(batch),
                Effect::Reconnect(why) => return Err(End::Lost(why)),
            }
        }
        Ok(())
    }

    fn applied(&mut self, applied: Result<Option<Position>, WriteError>) -> Result<(), End> {
        let reached = applied.map_err(|_| End::Lost("the list could not be written"))?;
        self.follower.applied(reached, self.clock.boot());
        Ok(())
    }
}

/// The operator gets the code; the issuer's words stay away from the log.
fn lost(status: &Status) -> End {
    End::Lost(status.code().description())
}
