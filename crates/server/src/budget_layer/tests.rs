//! What a slow reader, and a slow sender, holds.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream::{iter, repeat_with};
use futures_util::{StreamExt as _, poll};
use hallpass_guard::PUBLIC_RULES;
use hallpass_policy::{DecisionId, Facts, ListState, decide};
use hallpass_token::UnixTime;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tonic::Code;
use tonic_types::StatusExt as _;
use tower::service_fn;

use super::outgoing::OVERHEAD;
use super::*;
use crate::Limits;

const SHARE: usize = 8 << 20;
const PIECE: usize = 64 << 10;

fn layer() -> BudgetLayer {
    let limits = Limits { memory_per_caller_bytes: SHARE as u64, ..Limits::default() };
    BudgetLayer::new(Budget::new(&limits), limits.stream_window_bytes)
}

/// A call of reflection, whose messages have 1024 bytes at most, or of health.
fn request(method: &str, body: Body) -> Request<Body> {
    let rule = PUBLIC_RULES.iter().find(|rule| rule.method == method).unwrap();
    let (bearer, action, list) = (None, None, ListState::Fresh);
    let facts = Facts { rule, bearer, action, list, client_certificate: None };
    let permit = decide(&facts, UnixTime::from_secs(1), DecisionId::new(0, 0)).unwrap();
    let mut request = Request::new(body);
    request.extensions_mut().insert(permit);
    request
}

/// Answers with as many pieces as are asked for.
async fn answer(layer: &BudgetLayer) -> Body {
    let pieces = repeat_with(|| Ok::<_, Status>(Frame::data(Bytes::from(vec![7; PIECE]))));
    let body = std::sync::Mutex::new(Some(Body::new(StreamBody::new(pieces))));
    let service = service_fn(move |_: Request<Body>| {
        let body = body.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    });
    let answer = layer.layer(service).call(request("Watch", Body::empty())).await;
    answer.unwrap().into_body()
}

#[tokio::test(start_paused = true)]
async fn pieces_count_until_they_are_sent_and_no_more_are_made() {
    let layer = layer();
    let (mut one, mut two) = (answer(&layer).await, answer(&layer).await);
    let mut unsent = Vec::new();
    while let Poll::Ready(frame) = poll!(one.frame()) {
        assert!(unsent.len() <= SHARE.div_ceil(PIECE + OVERHEAD));
        unsent.push(frame.unwrap().unwrap().into_data().unwrap());
    }
    assert_eq!(unsent.len(), SHARE.div_ceil(PIECE + OVERHEAD));
    assert!(poll!(two.frame()).is_pending(), "the same caller");
    // What a part of is still to be sent is held whole.
    let rest = unsent.pop().unwrap().slice(1..2);
    assert!(poll!(two.frame()).is_pending());
    drop(rest);
    let more = poll!(two.frame());
    assert!(more.is_ready());
    let ended = one.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(Status::from_header_map(&ended).unwrap().code(), Code::ResourceExhausted);
    assert!(one.frame().await.is_none());
    drop((unsent, more));
    assert!(answer(&layer).await.frame().await.unwrap().unwrap().is_data());
}

fn message(length: usize) -> Bytes {
    let length = u32::try_from(length).unwrap();
    let data = std::iter::repeat_n(7, length as usize);
    std::iter::once(0).chain(length.to_be_bytes()).chain(data).collect()
}

#[tokio::test]
async fn a_stream_is_refused_at_the_prefix_of_a_message_that_is_too_long() {
    let messages = [message(1024), message(10), message(1025).slice(..5)];
    let frames = iter(messages).map(|data| Ok::<_, Status>(Frame::data(data)));
    let service = service_fn(|request: Request<Body>| async {
        let body = request.into_body().collect().await;
        let status = Status::from_error(body.unwrap_err().into());
        Ok::<_, Infallible>(status.into_http())
    });
    let body = Body::new(StreamBody::new(frames));
    let answer = layer().layer(service).call(request("ServerReflectionInfo", body)).await;
    let status = Status::from_header_map(answer.unwrap().headers()).unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let info = status.get_details_error_info().unwrap();
    assert_eq!((&*info.reason, &*info.metadata["limit_bytes"]), ("MESSAGE_TOO_LARGE", "1024"));
}

/// A stream counts for what the transport keeps of it, so one caller cannot open any number of them.
#[tokio::test]
async fn streams_that_nobody_reads_count() {
    let layer = layer();
    let mut held = Vec::new();
    let refused = loop {
        let kept = service_fn(|request: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(request.into_body()))
        });
        assert!(held.len() < 1000, "they do not count");
        let silence = futures_util::stream::pending::<Result<Frame<Bytes>, Status>>();
        let request = request("ServerReflectionInfo", Body::new(StreamBody::new(silence)));
        let answer = layer.layer(kept).call(request).await.unwrap();
        match Status::from_header_map(answer.headers()) {
            Some(status) => break status,
            None => held.push(answer),
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(held.len(), SHARE / (256 << 10));
}
