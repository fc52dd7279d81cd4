//! Holds calls to the contract's length of request messages, and to the budget of bytes.
//!
//! Invariants: a message that is too long is refused by its prefix, before any of it is kept; nothing is read from a client or
//! made for one while its caller's budget, or that of all, is used up; bytes count as held until they are handed to the socket.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hallpass_guard::{PeerAddress, network};
use hallpass_policy::{Access, Denial, Permit, Rule, WhenStale};
use hallpass_token::{Fingerprint, Verified};
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::activity::Known;
use crate::budget::{Account, Budget, Holder, Waiter};
use crate::connection::Arrival;
use crate::framing::Framing;

/// How long a stream waits for room in the budget: less than a first message may take, so that it is told why.
const WAIT: Duration = Duration::from_secs(5);
/// What a refused caller is told to wait.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Stands right behind the guard, whose permit says whose call it is and what the contract allows.
#[derive(Debug, Clone)]
pub(crate) struct BudgetLayer {
    budget: Arc<Budget>,
    stream_window: usize,
}

impl BudgetLayer {
    pub(crate) fn new(budget: Budget, stream_window: u32) -> Self {
        let stream_window = usize::try_from(stream_window).unwrap_or(usize::MAX);
        Self { budget: Arc::new(budget), stream_window }
    }
}

impl<S> Layer<S> for BudgetLayer {
    type Service = Budgeted<S>;

    fn layer(&self, inner: S) -> Budgeted<S> {
        Budgeted { inner, layer: self.clone() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Budgeted<S> {
    inner: S,
    layer: BudgetLayer,
}

impl<S> Service<Request<Body>> for Budgeted<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let permit = match Permit::of(request.extensions()) {
            Ok(permit) => permit.clone(),
            Err(status) => return Answering::refused(status),
        };
        let (rule, peer) = (permit.rule(), request.extensions().get::<PeerAddress>());
        let holder = holder(&permit, peer.map(|peer| peer.0));
        let user = permit.token().and_then(|token| user(token));
        let account = self.layer.budget.account(holder, user, !is_vital(rule));
        let mut ahead = 0;
        if rule.client_streaming {
            // What the transport keeps of a stream whose handler does not read.
            ahead = self.layer.stream_window;
            if !account.has_room() {
                return Answering::refused(permit.refuse(full()).into());
            }
        }
        let arrival = request.extensions().get::<Arrival>().filter(|_| permit.token().is_some());
        let known = arrival.map(|arrival| Known::on(&arrival.activity));
        let call = Arc::new(Call { permit, account, _known: known });
        let request = request.map(|body| Body::new(Incoming::new(body, Arc::clone(&call), ahead)));
        Answering { way: Way::UnderWay { answer: self.inner.call(request), call: Some(call) } }
    }
}

/// Whose bytes a call's are.
fn holder(permit: &Permit, peer: Option<IpAddr>) -> Holder {
    permit.token().map_or_else(
        || Holder::Address(peer.map(network)),
        |token| {
            if is_vital(permit.rule()) {
                return Holder::Revoking(token.fingerprint());
            }
            let root = token.claims().parents.first().copied();
            let root = root.unwrap_or_else(|| token.fingerprint());
            Holder::Root(if token.agent().is_some() { root.agents() } else { root })
        },
    )
}

/// Who stands behind a token; nobody known where it has no subject.
fn user(token: &Verified) -> Option<Fingerprint> {
    let subject = token.claims().subject.as_deref()?;
    Some(Fingerprint::subject(token.root_issuer().unwrap_or_default(), subject))
}

/// Whether a node becomes fresh again by a call.
fn is_vital(rule: &Rule) -> bool {
    rule.access != Access::Public && rule.when_stale == WhenStale::Serve
}

const fn full() -> Denial {
    Denial::TooMany(TRY_AGAIN_AFTER)
}

#[derive(Debug)]
struct Call {
    permit: Permit,
    account: Arc<Account>,
    _known: Option<Known>,
}

/// Waits for room, for a while.
struct Room {
    who: Waiter,
    until: Option<Pin<Box<Sleep>>>,
}

impl Room {
    fn new() -> Self {
        Self { who: Waiter::new(), until: None }
    }

    fn poll(&mut self, call: &Call, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if call.account.poll_room(self.who, cx).is_ready() {
            self.until = None;
            return Poll::Ready(Ok(()));
        }
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(WAIT)));
        ready!(until.as_mut().poll(cx));
        Poll::Ready(Err(call.permit.refuse(full()).into()))
    }
}

/// A request's body.
struct Incoming {
    body: Body,
    call: Arc<Call>,
    framing: Framing,
    room: Room,
    /// Held for as long as the body is.
    ahead: usize,
}

impl Incoming {
    fn new(body: Body, call: Arc<Call>, ahead: usize) -> Self {
        call.account.take(ahead);
        Self { body, call, framing: Framing::default(), room: Room::new(), ahead }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.call.account.give_back(self.ahead);
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let (account, rule) = (&this.call.account, this.call.permit.rule());
        if rule.client_streaming && this.framing.is_whole() {
            // Asked for more: what has come is with the handler, who asks when it is done with it.
            account.give_request_back();
        }
        if rule.client_streaming {
            ready!(this.room.poll(&this.call, cx))?;
        } else if account.poll_room(this.room.who, cx).is_pending() {
            // It does not wait: what its client sends meanwhile would be held all the same.
            return Poll::Ready(Some(Err(this.call.permit.refuse(full()).into())));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx)?);
        if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
            let most = rule.request_bytes;
            this.framing.advance(data, most).map_err(|length| too_long(length, most))?;
            account.take_for_request(data.len());
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_long(length: u32, most: u32) -> Status {
    Status::resource_exhausted(format!(
        "the request message has {length} bytes: this method takes at most {most}"
    ))
}

pin_project! {
    /// A call that has no answer yet.
    pub(crate) struct Answering<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjected]
    enum Way<F> {
        Refused { answer: Option<Response<Body>> },
        UnderWay { #[pin] answer: F, call: Option<Arc<Call>> },
    }
}

impl<F> Answering<F> {
    fn refused(status: Status) -> Self {
        Self { way: Way::Refused { answer: Some(status.into_http()) } }
    }
}

impl<F, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjected::Refused { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer)),
                None => Poll::Pending,
            },
            WayProjected::UnderWay { answer, call } => {
                let answer = ready!(answer.poll(cx))?;
                let Some(call) = call.take() else { return Poll::Ready(Ok(answer)) };
                let unary = !call.permit.rule().streams();
                if unary {
                    call.account.give_request_back();
                }
                Poll::Ready(Ok(answer.map(|body| {
                    let mut outgoing = Outgoing::new(body, call);
                    if unary {
                        outgoing.look_ahead(cx);
                    }
                    Body::new(outgoing)
                })))
            }
        }
    }
}

/// An answer's body.
struct Outgoing {
    body: Body,
    /// The first frame, where it was looked at to know how long the answer is.
    first: Option<Result<Frame<Bytes>, Status>>,
    call: Arc<Call>,
    room: Room,
    is_over: bool,
}

impl Outgoing {
    fn new(body: Body, call: Arc<Call>) -> Self {
        Self { body, first: None, call, room: Room::new(), is_over: false }
    }

    /// A unary call's message is there with its answer: from now on the body knows its length.
    fn look_ahead(&mut self, cx: &mut Context<'_>) {
        if let Poll::Ready(first) = Pin::new(&mut self.body).poll_frame(cx) {
            self.first = first;
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Err(status) = ready!(this.room.poll(&this.call, cx)) {
            this.is_over = true;
            let mut trailers = HeaderMap::new();
            return Poll::Ready(Some(
                status.add_header(&mut trailers).map(|()| Frame::trailers(trailers)),
            ));
        }
        let frame = match this.first.take() {
            Some(first) => Some(first?),
            None => ready!(Pin::new(&mut this.body).poll_frame(cx)?),
        };
        let account = &this.call.account;
        let held = frame.map(|frame| Ok(frame.map_data(|data| Piece::hold(data, account))));
        Poll::Ready(held)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || (self.first.is_none() && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok());
        let data = first.and_then(Frame::data_ref);
        let mut hint = SizeHint::default();
        hint.set_lower(data.map_or(0, |data| data.len() as u64));
        hint
    }
}

/// What the transport needs to keep a piece that is not sent, in bytes: its call, its stream, its frame.
const OVERHEAD: usize = 4 << 10;

/// Bytes that are given back to the budget when the transport has let go of them.
struct Piece {
    data: Bytes,
    account: Arc<Account>,
}

impl Piece {
    fn hold(data: Bytes, account: &Arc<Account>) -> Bytes {
        if data.is_empty() {
            return data;
        }
        account.take(data.len() + OVERHEAD);
        Bytes::from_owner(Self { data, account: Arc::clone(account) })
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.account.give_back(self.data.len() + OVERHEAD);
    }
}

#[cfg(test)]
mod tests;
