//! The future of a guarded call. On the unary path nothing is boxed, and nothing is looked at a second time where the
//! message is there when its handler is polled first.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::Status;
use tonic::body::Body;

use crate::Deadline;
use crate::serve::message::{Admitted, Waiting};
use crate::serve::slots::Slot;

pin_project! {
    /// A call's answer: the refusal, or what the handler says.
    #[must_use = "futures do nothing unless polled"]
    pub struct Answer<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjected]
    #[project_replace = WayReplaced]
    enum Way<F> {
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

impl<F> Answer<F> {
    pub(super) const fn refused(refusal: Response<Body>) -> Self {
        Self { way: Way::Refused { refusal } }
    }

    pub(super) const fn new(handler: F, deadline: Option<Deadline>, admitted: Admitted) -> Self {
        Self { way: Way::Running { handler, deadline, admitted, waiting: None, entered: false } }
    }
}

impl<F, E> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut way = self.project().way;
        let outcome = match way.as_mut().project() {
            WayProjected::Running { handler, deadline, admitted, waiting, entered } => {
                poll_handler(handler, *deadline, admitted, waiting, entered, cx)
            }
            WayProjected::Refused { .. } | WayProjected::Over => Outcome::Ended,
        };
        // The handler, its request and the slot are dropped here, not when whoever polls lets go of this future.
        let Outcome::Pending = outcome else {
            return match (outcome, way.project_replace(Way::Over)) {
                (Outcome::Answered(Ok(answer)), WayReplaced::Running { admitted, .. }) => {
                    Poll::Ready(Ok(keep(answer, admitted)))
                }
                (Outcome::Answered(answer), _) => Poll::Ready(answer),
                (Outcome::Refused(status), _) => Poll::Ready(Ok(status.into_http())),
                (_, WayReplaced::Refused { refusal }) => Poll::Ready(Ok(refusal)),
                (Outcome::Ended | Outcome::Pending, _) => Poll::Pending,
            };
        };
        Poll::Pending
    }
}

enum Outcome<T> {
    Pending,
    Answered(T),
    Refused(Status),
    Ended,
}

fn poll_handler<F: Future>(
    handler: Pin<&mut F>,
    deadline: Option<Deadline>,
    admitted: &mut Admitted,
    waiting: &mut Option<Waiting>,
    entered: &mut bool,
    cx: &mut Context<'_>,
) -> Outcome<F::Output> {
    let streams = admitted.rule.streams();
    if streams && let Some(status) = admitted.poll_cut(cx) {
        return Outcome::Refused(status);
    }
    let (answer, now_entered) = Deadline::scope(deadline, || handler.poll(cx));
    if let Poll::Ready(answer) = answer {
        return Outcome::Answered(answer);
    }
    *entered |= now_entered;
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

/// The answer of a stream holds its slot until it is over or cut.
fn keep(answer: Response<Body>, admitted: Admitted) -> Response<Body> {
    let Admitted { stream, slot, rule, .. } = admitted;
    if !rule.streams() {
        return answer;
    }
    answer.map(|body| {
        let held = Body::new(Held { body, slot: Some(slot) });
        match stream {
            Some(stream) => stream.watch_answer(held),
            None => held,
        }
    })
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
