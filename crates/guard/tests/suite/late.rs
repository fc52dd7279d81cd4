//! A client may send a call's head long before its message: what has ended by then reaches no handler.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::GuardLayer;
use hallpass_policy::adapter;
use hallpass_revocation::Freshness;
use hallpass_token::{KeyState, NewToken};
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::fixture::{Mesh, STALENESS, reason, soon, user, with};

const READ: &str = "/t.Platform/Read";

/// As a generated server: the message is read whole, the permit taken, the handler entered.
async fn serve(request: Request<Body>, begun: Arc<Notify>) -> Result<Response<Body>, Infallible> {
    begun.notify_one();
    let (head, body) = request.into_parts();
    let entered = match body.collect().await {
        Ok(_) => {
            let metadata = MetadataMap::from_headers(head.headers);
            adapter::enter(tonic::Request::from_parts(metadata, head.extensions, ())).map(drop)
        }
        Err(status) => Err(status),
    };
    Ok(entered.err().unwrap_or_else(|| Status::ok("entered")).into_http())
}

/// What becomes of a call whose message comes after something has happened.
async fn late(mesh: &Mesh, token: &str, happens: impl FnOnce()) -> Status {
    let (message, frames) = mpsc::unbounded_channel::<Result<http_body::Frame<Bytes>, Status>>();
    let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(frames)));
    let request = Request::post(format!("http://t{READ}"))
        .header("authorization", format!("Bearer {token}"))
        .body(body)
        .unwrap();
    let begun = Arc::new(Notify::new());
    let running = Arc::clone(&begun);
    let server = service_fn(move |request| serve(request, Arc::clone(&running)));
    let guarded = GuardLayer::new(Arc::clone(&mesh.guard)).layer(server);
    let call = tokio::spawn(guarded.oneshot(request));
    soon(begun.notified()).await;
    happens();
    message.send(Ok(http_body::Frame::data(Bytes::from_static(&[0; 5])))).unwrap();
    drop(message);
    let answer = soon(call).await.unwrap().unwrap();
    Status::from_header_map(answer.headers()).unwrap()
}

#[tokio::test]
async fn a_message_that_comes_in_time_is_handed_on() {
    let mesh = Mesh::start();
    let (token, _) = mesh.revocable();
    let (_, other) = mesh.revocable();
    let answer = late(&mesh, &token, || {
        mesh.revoke(other);
        mesh.clock.advance(Duration::from_secs(1));
    });
    assert_eq!(answer.await.code(), Code::Ok);
}

#[tokio::test]
async fn what_has_ended_until_its_message_came_reaches_no_handler() {
    let mesh = Mesh::start();
    let (token, print) = mesh.revocable();
    assert_eq!(reason(&late(&mesh, &token, || mesh.revoke(print)).await), "TOKEN_REVOKED");
    let life = |new: &mut NewToken| new.life = Some(Duration::from_mins(1));
    let token = mesh.mint("users", &with(user("ann"), life));
    let ended = late(&mesh, &token, || mesh.clock.advance(Duration::from_mins(3)));
    assert_eq!(reason(&ended.await), "TOKEN_EXPIRED");
    let (token, _) = mesh.revocable();
    let retired = late(&mesh, &token, || mesh.reload_with("users", KeyState::Retired));
    assert_eq!(reason(&retired.await), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_node_that_turned_stale_hands_nothing_on() {
    let freshness = Freshness::follower(STALENESS);
    let mesh = Mesh::with(freshness.clone());
    freshness.proven_at(mesh.clock.boot());
    let (token, _) = mesh.revocable();
    let stale = late(&mesh, &token, || mesh.clock.advance(STALENESS * 2));
    assert_eq!(reason(&stale.await), "LIST_STALE");
}
