//! The future of a guarded call. On the unary path nothing is boxed, and nothing is looked at a second time where the
//! message is there when its handler is polled first.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hallpass_policy::{DecisionId, Refusal, Rule};
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::Deadline;
use crate::serve::call::Call;
use crate::serve::guard::{Guard, Verdict};
use crate::serve::message::{Admitted, Waiting};
use crate::serve::slots::Slot;
use crate::serve::task::CallTask;
use crate::serve::verifications::Turn;

pin_project! {
    /// A call's answer: the refusal, or what the handler says.
    #[must_use = "futures do nothing unless polled"]
    pub struct Answer<S: Service<Request<Body>>> {
        #[pin]
        way: Way<S, S::Future>,
    }
}

pin_project! {
    #[project = WayProjected]
    #[project_replace = WayReplaced]
    enum Way<S, F> {
        Waiting { #[pin] turn: Turn, delayed: Box<Delayed<S>> },
        Refused { refusal: Response<Body> },
        Running {
            #[pin] handler: F,
            deadline: Option<Deadline>,
            admitted: Admitted,
            waiting: Option<Waiting>,
            entered: bool,
        },
        Over,
    }
}

/// A call that is decided when its token can be verified.
struct Delayed<S> {
    guard: Arc<Guard>,
    decision: DecisionId,
    inner: S,
    request: Request<Body>,
}

impl<S> Answer<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
{
    /// Has a call decided and begins it. The service has to be ready.
    pub(super) fn begin(guard: &Arc<Guard>, inner: &mut S, mut request: Request<Body>) -> Self {
        let way = match guard.admit(&mut request, None) {
            Verdict::Admitted(admitted) => running(inner, request, admitted),
            Verdict::Refused(refusal) => refused(refusal),
            Verdict::Waits(decision, turn) => {
                // The one that is ready waits with the call.
                let another = inner.clone();
                let inner = std::mem::replace(inner, another);
                let guard = Arc::clone(guard);
                let delayed = Box::new(Delayed { guard, decision, inner, request });
                Way::Waiting { turn, delayed }
            }
        };
        Self { way }
    }
}

impl<S: Service<Request<Body>>> Delayed<S> {
    fn begin(mut self, its_turn: bool) -> Way<S, S::Future> {
        if !its_turn {
            return refused(self.guard.refuse_busy(&self.request, self.decision));
        }
        match self.guard.admit(&mut self.request, Some(self.decision)) {
            Verdict::Admitted(admitted) => running(&mut self.inner, self.request, admitted),
            Verdict::Refused(refusal) => refused(refusal),
            // Its turn has come: it has what one verification costs.
            Verdict::Waits(decision, _) => refused(self.guard.refuse_busy(&self.request, decision)),
        }
    }
}

fn refused<S, F>(refusal: Refusal) -> Way<S, F> {
    Way::Refused { refusal: Status::from(refusal).into_http() }
}

fn running<S: Service<Request<Body>>>(
    inner: &mut S,
    request: Request<Body>,
    admitted: Admitted,
) -> Way<S, S::Future> {
    let deadline = request.extensions().get::<Deadline>().copied();
    let task = if admitted.rule.client_streaming { CallTask::current() } else { None };
    let request = match &task {
        None => request,
        Some(task) => request.map(|body| task.lend(body)),
    };
    let request = match &admitted.stream {
        None => request,
        Some(stream) => request.map(|body| stream.watch_request(body)),
    };
    let handler = inner.call(request);
    Way::Running { handler, deadline, admitted, waiting: None, entered: false }
}

impl<S> Future for Answer<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Output = Result<Response<Body>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut way = self.project().way;
        if let WayProjected::Waiting { turn, .. } = way.as_mut().project() {
            let its_turn = ready!(turn.poll(cx));
            if let WayReplaced::Waiting { delayed, .. } = way.as_mut().project_replace(Way::Over) {
                way.set(delayed.begin(its_turn));
            }
        }
        let outcome = match way.as_mut().project() {
            WayProjected::Running { handler, deadline, admitted, waiting, entered } => {
                poll_handler(handler, *deadline, admitted, waiting, entered, cx)
            }
            WayProjected::Waiting { .. } => Outcome::Pending,
            WayProjected::Refused { .. } | WayProjected::Over => Outcome::Ended,
        };
        if let Outcome::Pending = outcome {
            return Poll::Pending;
        }
        // The handler, its request and the slot are dropped here, not when whoever polls lets go of this future.
        match (outcome, way.project_replace(Way::Over)) {
            (Outcome::Answered(Ok(answer)), WayReplaced::Running { admitted, .. }) => {
                Poll::Ready(Ok(keep(answer, admitted)))
            }
            (Outcome::Answered(answer), _) => Poll::Ready(answer),
            (Outcome::Refused(status), _) => Poll::Ready(Ok(status.into_http())),
            (_, WayReplaced::Refused { refusal }) => Poll::Ready(Ok(refusal)),
            (Outcome::Ended | Outcome::Pending, _) => Poll::Pending,
        }
    }
}

enum Outcome<T> {
    Pending,
    Answered(T),
    Refused(Status),
    Ended,
}

fn poll_handler<F, E>(
    handler: Pin<&mut F>,
    deadline: Option<Deadline>,
    admitted: &mut Admitted,
    waiting: &mut Option<Waiting>,
    entered: &mut bool,
    cx: &mut Context<'_>,
) -> Outcome<F::Output>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    let streams = admitted.rule.streams();
    if streams && let Some(status) = admitted.poll_cut(cx) {
        return Outcome::Refused(status);
    }
    let (answer, now_entered) = Deadline::scope(deadline, || handler.poll(cx));
    *entered |= now_entered;
    if let Poll::Ready(answer) = answer {
        let unread = answer.as_ref().ok().filter(|_| !*entered);
        return match unread.and_then(|answer| admitted.unreadable(answer)) {
            Some(status) => Outcome::Refused(status),
            None => Outcome::Answered(answer),
        };
    }
    if !*entered {
        return admitted.poll_end(waiting, cx).map_or(Outcome::Pending, Outcome::Refused);
    }
    *waiting = None;
    if !streams {
        // A unary handler that is running is not ended.
        admitted.stream = None;
    }
    Outcome::Pending
}

/// A longer answer of a unary call is sent and watched over as a stream's is. Of a shorter one all is handed to the transport at once.
const LONG: u64 = 16 << 10;

/// The answer holds its slot until it is over or cut, or, if it is a short one of a unary call, until the transport has taken it.
fn keep(answer: Response<Body>, admitted: Admitted) -> Response<Body> {
    let Admitted { call, mut stream, slot, rule, .. } = admitted;
    if !rule.streams() {
        let long = answer.body().size_hint().lower() > LONG;
        stream = call.as_ref().filter(|_| long).and_then(Call::watch_unsent);
        if stream.is_none() {
            keep_unary(rule, slot, call);
            return answer;
        }
    }
    answer.map(|body| {
        let held = Body::new(Held { body, slot: Some(slot) });
        match stream {
            Some(stream) => stream.watch_answer(held),
            None => held,
        }
    })
}

fn keep_unary(rule: &'static Rule, slot: Slot, call: Option<Arc<Call>>) {
    let Some(task) = CallTask::current() else { return };
    // Nobody keeps others from revoking by not taking the answers of calls that revoke.
    let slot = (!rule.is_vital()).then_some(slot);
    if let Some(call) = &call {
        call.note_sending(&task);
    }
    task.keep(slot, call);
}

/// A body with the slot of its call.
struct Held {
    body: Body,
    slot: Option<Slot>,
}

impl http_body::Body for Held {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.slot = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
