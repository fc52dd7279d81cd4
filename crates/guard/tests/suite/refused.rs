//! A token that was refused is not sent again: what revoked it may have come in the second in which it was minted.

use std::convert::Infallible;
use std::sync::Mutex;

use hallpass_guard::{AttachLayer, as_service};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::caller::Caller;
use crate::fixture::request;

/// What a service was sent, when it answers each call with one of these.
async fn sent(answers: Vec<Option<Status>>) -> Vec<HeaderValue> {
    let caller = Caller::start();
    let seen = Mutex::new(Vec::new());
    for answer in answers {
        let service = service_fn(|call: Request<Body>| {
            seen.lock().unwrap().push(call.headers()[AUTHORIZATION].clone());
            let answer = answer.clone();
            let response = answer.map_or_else(|| Response::new(Body::empty()), Status::into_http);
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let mut call = request("/t.Labeler/Work", &[]);
        *call.extensions_mut() = as_service(()).into_parts().1;
        AttachLayer::new(caller.attach.clone()).layer(service).oneshot(call).await.unwrap();
    }
    seen.into_inner().unwrap()
}

#[tokio::test]
async fn a_token_that_was_refused_is_not_sent_again() {
    let refused = Status::unauthenticated("the token is revoked");
    let tokens = sent(vec![Some(refused), None, None]).await;
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(tokens[1], tokens[2]);
}

#[tokio::test]
async fn what_else_goes_wrong_is_not_the_tokens_fault() {
    let denied = Status::permission_denied("not yours");
    let busy = Status::unavailable("the list is stale");
    let tokens = sent(vec![Some(denied), Some(busy), None]).await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}
