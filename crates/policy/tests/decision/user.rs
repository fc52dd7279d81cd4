//! Whom a call's handler, what it spawns and the pieces of its answer work for.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hallpass_policy::adapter::ForUser;
use hallpass_policy::{Rule, current_user, decide, for_current_user};
use hallpass_token::Fingerprint;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;

use crate::fixture::{DECISION, FEED, Minter, NOW, OPEN, facts};

static DOWNLOAD: Rule = Rule { path: "/t.S/Download", server_streaming: true, ..FEED };

/// Notes whom it works for: when it is called, in a task that it spawns, and at each piece of its answer.
#[derive(Clone)]
struct Notes(UnboundedSender<Option<Fingerprint>>);

impl Service<Request<Body>> for Notes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let notes = self.clone();
        Box::pin(async move {
            notes.0.send(current_user()).unwrap();
            let spawned = for_current_user(async { current_user() });
            notes.0.send(tokio::spawn(spawned).await.unwrap()).unwrap();
            Ok(Response::new(Body::new(notes)))
        })
    }
}

impl http_body::Body for Notes {
    type Data = tonic::codegen::Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        self.0.send(current_user()).unwrap();
        Poll::Ready(None)
    }
}

#[tokio::test]
async fn a_handler_its_tasks_and_its_answers_pieces_work_for_the_callers_user() {
    let token = Minter::new().user();
    let alice = Some(Fingerprint::subject("one", "alice"));
    for (rule, bearer, seen) in
        [(&DOWNLOAD, Some(&token), [alice, alice, alice]), (&OPEN, None, [None, None, None])]
    {
        let (notes, mut seen_by) = unbounded_channel();
        let mut request = Request::new(Body::empty());
        let permit = decide(&facts(rule, bearer, None), NOW, DECISION).unwrap();
        request.extensions_mut().insert(permit);
        let answer = ForUser(Notes(notes)).call(request).await.unwrap();
        let mut pieces = answer.into_body();
        std::future::poll_fn(|cx| Pin::new(&mut pieces).poll_frame(cx)).await;
        for expected in seen {
            assert_eq!(seen_by.recv().await.unwrap(), expected, "{}", rule.path);
        }
        assert_eq!(current_user(), None);
    }
}
