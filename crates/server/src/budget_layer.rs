//! Holds calls to the contract's length of request messages, and to the budget of bytes; takes gzip off requests and puts it on answers.
//!
//! Invariants: a message that is too long is refused by its prefix, before any of it is kept, or in gzip as soon as it has become too
//! long; the bytes that it becomes are what counts; nothing is read from a client or
//! made for one while its caller's budget, or that of all, is used up; bytes count as held until they are handed to the socket.

mod incoming;
mod outgoing;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hallpass_guard::{PeerAddress, network};
use hallpass_policy::{Denial, Permit};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::activity::Known;
use crate::budget::{Account, Budget, Holder, Waiter};
use crate::budget_layer::incoming::Incoming;
use crate::budget_layer::outgoing::Outgoing;
use crate::connection::Arrival;
use crate::gzip::{self, ENCODING, Encoding, Gzip};

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

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let permit = match Permit::of(request.extensions()) {
            Ok(permit) => permit.clone(),
            Err(status) => return Answering::refused(status),
        };
        let (rule, peer) = (permit.rule(), request.extensions().get::<PeerAddress>());
        let encoding = Encoding::of(request.headers());
        if encoding == Encoding::Unknown {
            return Answering::refused(permit.refuse(Denial::CompressionUnsupported).into());
        }
        let holder = holder(&permit, peer.map(|peer| peer.0));
        let user = permit.token().map(|token| token.user());
        let account = self.layer.budget.account(holder, user, !rule.is_vital());
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
        let gzip = gzip::is_wanted(request.headers(), encoding, rule).then(Gzip::default);
        let call = Arc::new(Call { permit, account, _known: known });
        // What is behind here reads plain messages alone.
        request.headers_mut().remove(ENCODING);
        let incoming = |body| Incoming::new(body, Arc::clone(&call), ahead, encoding);
        let request = request.map(|body| Body::new(incoming(body)));
        let answer = self.inner.call(request);
        Answering { way: Way::UnderWay { answer, call: Some((call, gzip)) } }
    }
}

/// Whose bytes a call's are.
fn holder(permit: &Permit, peer: Option<IpAddr>) -> Holder {
    permit.token().map_or_else(
        || Holder::Address(peer.map(network)),
        |token| {
            if permit.rule().is_vital() {
                return Holder::Revoking(token.fingerprint());
            }
            let root = token.root();
            Holder::Root(if token.agent().is_some() { root.agents() } else { root })
        },
    )
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
        UnderWay { #[pin] answer: F, call: Option<(Arc<Call>, Option<Gzip>)> },
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
                let mut answer = ready!(answer.poll(cx))?;
                let Some((call, gzip)) = call.take() else { return Poll::Ready(Ok(answer)) };
                let unary = !call.permit.rule().streams();
                if unary {
                    call.account.give_request_back();
                }
                // An answer whose status is in its head has no messages; a document has an encoding of its own.
                let gzip = gzip.filter(|_| gzip::has_messages(answer.headers()));
                if gzip.is_some() {
                    gzip::announce(answer.headers_mut());
                }
                Poll::Ready(Ok(answer.map(|body| {
                    let mut outgoing = Outgoing::new(body, call, gzip);
                    if unary {
                        outgoing.look_ahead(cx);
                    }
                    Body::new(outgoing)
                })))
            }
        }
    }
}

#[cfg(test)]
mod tests;
