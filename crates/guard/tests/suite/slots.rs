//! Slots for calls under way: whoever takes their share leaves room for all others, and a revocation frees what was taken.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::{CallLimits, GuardLayer, PeerAddress, SlotLimits};
use hallpass_policy::adapter;
use hallpass_revocation::Freshness;
use hallpass_token::{Fingerprint, KeyState, NewToken, SKEW, TokenType};
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::fixture::{ISSUER, Mesh, STALENESS, id, reason, service, soon, until, user, with};
use crate::streams_server::StreamingMesh;

const READ: &str = "/t.Platform/Read";
const REVOKE: &str = "/t.Platform/Revoke";
const OPEN: &str = "/t.Platform/Open";

fn limits() -> CallLimits {
    let slots = SlotLimits { calls: 8, reserved: 4, anonymous_calls: 4, ..SlotLimits::NONE };
    let slots = SlotLimits { per_token: 25, per_user: 50, per_address: 50, ..slots };
    CallLimits { slots, ..CallLimits::default() }
}

/// What ends a token.
type Event = fn(&Mesh, Fingerprint);

/// A call whose message is on its way.
struct Held {
    message: mpsc::UnboundedSender<Result<http_body::Frame<Bytes>, Status>>,
    call: JoinHandle<Status>,
}

impl Held {
    /// What became of it: `OK` or the reason, or the code of what has no reason.
    async fn ended(self) -> String {
        outcome(&soon(self.call).await.unwrap())
    }

    fn send(&self, bytes: &'static [u8]) {
        self.message.send(Ok(http_body::Frame::data(Bytes::from_static(bytes)))).unwrap();
    }
}

fn outcome(status: &Status) -> String {
    match status.code() {
        Code::Ok => "OK".to_owned(),
        Code::DeadlineExceeded => "late".to_owned(),
        _ => reason(status),
    }
}

/// As a generated server: the message is read whole, the permit taken, the handler entered.
async fn serve(request: Request<Body>) -> Result<Response<Body>, Infallible> {
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

/// Begins a call and gives what it ended with at once, or the call that waits for its message.
async fn begin(mesh: &Mesh, path: &str, token: &str, address: &str) -> Result<Held, String> {
    let (message, frames) = mpsc::unbounded_channel();
    let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(frames)));
    let mut request = Request::post(format!("http://t{path}")).body(body).unwrap();
    request.extensions_mut().insert(PeerAddress(address.parse().unwrap(), 5000));
    if !token.is_empty() {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let guarded = GuardLayer::new(Arc::clone(&mesh.guard)).layer(service_fn(serve));
    let (begun, waits) = oneshot::channel();
    let call = tokio::spawn(async move {
        let mut answer = std::pin::pin!(guarded.oneshot(request));
        let first = futures_util::poll!(&mut answer);
        let (answer, begun) = match first {
            std::task::Poll::Ready(answer) => (answer, begun.send(false)),
            std::task::Poll::Pending => {
                let begun = begun.send(true);
                (answer.await, begun)
            }
        };
        begun.unwrap();
        Status::from_header_map(answer.unwrap().headers()).unwrap()
    });
    if soon(waits).await.unwrap() {
        return Ok(Held { message, call });
    }
    Err(outcome(&soon(call).await.unwrap()))
}

async fn hold(mesh: &Mesh, path: &str, token: &str) -> Result<Held, String> {
    begin(mesh, path, token, "192.0.2.1").await
}

async fn hold_all(mesh: &Mesh, path: &str, token: &str) -> (Vec<Held>, String) {
    let mut held = Vec::new();
    loop {
        match hold(mesh, path, token).await {
            Ok(one) => held.push(one),
            Err(reason) => return (held, reason),
        }
        assert!(held.len() < 100, "nothing limits the calls of one");
    }
}

#[tokio::test]
async fn one_token_takes_its_share_and_no_more() {
    let mesh = Mesh::limited(limits());
    let token = mesh.user_token();
    let (held, reason) = hold_all(&mesh, READ, &token).await;
    assert_eq!((held.len(), reason.as_str()), (2, "TOO_MANY"));
    assert!(hold(&mesh, READ, &mesh.mint("users", &user("bob"))).await.is_ok(), "bob has his");
    for one in held {
        one.send(&[0; 5]);
        drop(one.message);
        assert_eq!(outcome(&soon(one.call).await.unwrap()), "OK");
    }
    assert!(hold(&mesh, READ, &token).await.is_ok(), "its slots are free again");
}

/// What a service mints for a user's calls, what an agent has, and what a worker does for the user's job: one root.
#[tokio::test]
async fn what_was_minted_from_a_token_counts_for_it() {
    let mesh = Mesh::limited(limits());
    let parent = mesh.keys.ring().verify(&mesh.user_token(), mesh.clock.now()).unwrap();
    let child = || {
        let new = NewToken::child_of(&parent, TokenType::Service, id(), &["labeler:read"]).unwrap();
        mesh.mint(
            "platform-1",
            &with(new, |new| {
                new.service = Some("platform".to_owned());
                new.audience = vec!["labeler".to_owned()];
                new.scopes = ["labeler:read"].into_iter().collect();
            }),
        )
    };
    let labeler = "/t.Labeler/Read";
    let _held =
        [hold(&mesh, labeler, &child()).await.ok(), hold(&mesh, labeler, &child()).await.ok()];
    assert_eq!(hold(&mesh, labeler, &child()).await.err().as_deref(), Some("TOO_MANY"));
    let other = mesh.mint(
        "platform-1",
        &with(service(TokenType::Service), |new| {
            new.subject = Some("bob".to_owned());
        }),
    );
    assert!(hold(&mesh, labeler, &other).await.is_ok());
}

#[tokio::test]
async fn one_user_with_many_tokens_takes_a_share_too() {
    let mesh = Mesh::limited(limits());
    let mut held = Vec::new();
    for _ in 0..10 {
        held.extend(hold(&mesh, READ, &mesh.user_token()).await);
    }
    assert_eq!(held.len(), 4);
    assert!(hold(&mesh, READ, &mesh.mint("users", &user("bob"))).await.is_ok());
}

/// Background tokens without a user: of one owner's jobs, of one job, or of one service.
#[tokio::test]
async fn who_acts_for_no_user_takes_a_share() {
    let mesh = Mesh::limited(limits());
    let worker = |owner: Option<&str>, job: Option<&str>| {
        mesh.mint(
            "platform-1",
            &with(service(TokenType::Background), |new| {
                new.job_owner = owner.map(str::to_owned);
                new.job_id = job.map(str::to_owned);
            }),
        )
    };
    for (owner, job) in [(None, None), (None, Some("1")), (Some("ann"), None)] {
        let mut held = Vec::new();
        for number in 0..10 {
            let several = number.to_string();
            let job = if owner.is_some() { Some(several.as_str()) } else { job };
            held.extend(hold(&mesh, "/t.Labeler/Read", &worker(owner, job)).await);
        }
        assert_eq!(held.len(), 4, "{owner:?} {job:?}");
    }
    let (held, _) = hold_all(&mesh, "/t.Labeler/Read", &worker(None, Some("2"))).await;
    assert_eq!(held.len(), 2);
}

async fn hold_some(mesh: &Mesh, path: &str, token: &str, count: usize) -> Vec<Held> {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(hold(mesh, path, token).await.unwrap());
    }
    held
}

/// Whoever fills the slots of calls that revoke does so with calls that withhold their message: the oldest of them makes room.
#[tokio::test]
async fn there_is_always_room_to_revoke() {
    let mesh = Mesh::limited(limits());
    let mut held = Vec::new();
    for name in ["mallory", "mandy", "mabel", "max"] {
        held.extend(hold_some(&mesh, REVOKE, &mesh.mint("users", &user(name)), 2).await);
    }
    assert_eq!(mesh.guard.counts().waiting, 8, "all slots for such calls");
    let bob = mesh.mint("users", &user("bob"));
    let mine = hold(&mesh, REVOKE, &bob).await.ok().unwrap();
    assert_eq!(held.remove(0).ended().await, "TOO_MANY", "the oldest");
    assert!(hold(&mesh, READ, &bob).await.is_ok(), "other calls have their own");
    mine.send(&[0; 5]);
    drop(mine.message);
    assert_eq!(outcome(&soon(mine.call).await.unwrap()), "OK");
    until(|| mesh.guard.counts().waiting == 7).await;
    assert!(hold(&mesh, REVOKE, &bob).await.is_ok());
    for one in held {
        assert!(!one.call.is_finished(), "nobody else had to go");
    }
}

/// A user whose stolen token holds its whole share revokes it, with a new token or with the same one.
#[tokio::test]
async fn the_owner_of_a_stolen_token_finds_a_slot_to_revoke_it() {
    let mesh = Mesh::limited(limits());
    let (stolen, print) = mesh.revocable();
    let mut held = hold_some(&mesh, REVOKE, &stolen, 2).await;
    let same = hold(&mesh, REVOKE, &stolen).await.ok().unwrap();
    assert_eq!(held.remove(0).ended().await, "TOO_MANY");
    let mine = hold(&mesh, REVOKE, &mesh.user_token()).await.ok().unwrap();
    mesh.revoke(print);
    for one in held.into_iter().chain([same]) {
        assert_eq!(one.ended().await, "TOKEN_REVOKED");
    }
    assert_eq!(mesh.guard.counts().waiting, 1);
    drop(mine.message);
    assert_eq!(outcome(&soon(mine.call).await.unwrap()), "OK");
}

/// A user's agents have half of the share at most, and end nothing of their user's.
#[tokio::test]
async fn agents_leave_their_user_room() {
    let mesh = Mesh::limited(limits());
    let own = mesh.user_token();
    let parent = mesh.keys.ring().verify(&own, mesh.clock.now()).unwrap();
    let agent = || {
        let new = NewToken::child_of(&parent, TokenType::User, id(), &["platform:read"]).unwrap();
        let new = with(new, |new| {
            new.actor = Some(serde_json::json!({"sub": "robot"}));
            new.actions = Some(vec![]);
            new.audience.clone_from(&parent.claims().audience);
            new.scopes = ["platform:read"].into_iter().collect();
        });
        mesh.mint("users", &new)
    };
    let _of_agent = hold_some(&mesh, READ, &agent(), 1).await;
    assert_eq!(hold(&mesh, READ, &agent()).await.err().as_deref(), Some("TOO_MANY"));
    assert!(hold(&mesh, READ, &own).await.is_ok(), "the other half");
    // An agent's call that revokes takes the place of another one of an agent's, and of none of the user's.
    let mut of_agent = hold_some(&mesh, REVOKE, &agent(), 1).await;
    let of_user = hold(&mesh, REVOKE, &own).await.ok().unwrap();
    of_agent.extend(hold_some(&mesh, REVOKE, &agent(), 1).await);
    assert_eq!(of_agent.remove(0).ended().await, "TOO_MANY");
    assert!(!of_user.call.is_finished() && !of_agent[0].call.is_finished());
}

/// Each way in which a token ends, while its calls wait for their messages: they end at once, and their slots are free.
#[tokio::test]
async fn calls_that_wait_for_their_message_end_with_their_token() {
    let freshness = Freshness::follower(STALENESS);
    let mesh = Mesh::limited_with(freshness.clone(), limits());
    let life = Duration::from_mins(1);
    let table: [(&str, Event); 4] = [
        ("TOKEN_REVOKED", |mesh, print| mesh.revoke(print)),
        ("TOKEN_EXPIRED", |mesh, _| {
            mesh.clock.advance(Duration::from_mins(1) + SKEW);
            mesh.freshness.proven_at(mesh.clock.boot());
        }),
        ("LIST_STALE", |mesh, _| mesh.clock.advance(STALENESS * 2)),
        ("TOKEN_INVALID", |mesh, _| mesh.reload_with("users", KeyState::Retired)),
    ];
    for (expected, happens) in table {
        freshness.proven_at(mesh.clock.boot());
        let new = with(user("ann"), |new| new.life = Some(life));
        let token = mesh.mint("users", &new);
        let (held, _) = hold_all(&mesh, READ, &token).await;
        assert_eq!(held.len(), 2, "{expected}");
        happens(&mesh, Fingerprint::token(ISSUER, new.id.as_str()));
        for one in held {
            let ended = one.ended().await;
            // A step of the clock that ends the token may be seen by a look at the list's age first.
            assert!(
                ended == expected || expected == "TOKEN_EXPIRED" && ended == "LIST_STALE",
                "{ended}"
            );
        }
        assert_eq!(mesh.guard.counts().waiting, 0, "{expected}");
    }
}

/// Revoked after the call was decided and before it was found waiting.
#[tokio::test]
async fn nothing_is_revoked_between_the_decision_and_the_watch() {
    let mesh = Mesh::limited(limits());
    let (token, print) = mesh.revocable();
    let revoking = service_fn(|_: Request<Body>| {
        mesh.revoke(print);
        std::future::pending::<Result<Response<Body>, Infallible>>()
    });
    let guarded = GuardLayer::new(Arc::clone(&mesh.guard)).layer(revoking);
    let request = Request::post(format!("http://t{READ}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let mut call = std::pin::pin!(guarded.oneshot(request));
    let std::task::Poll::Ready(answer) = futures_util::poll!(&mut call) else {
        panic!("it waits on");
    };
    let status = Status::from_header_map(answer.unwrap().headers()).unwrap();
    assert_eq!(reason(&status), "TOKEN_REVOKED");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_arrive_whole_in_time_ends_its_call() {
    let first_message = Duration::from_secs(3);
    let mesh = Mesh::limited(CallLimits { first_message, ..limits() });
    let token = mesh.user_token();
    for path in [READ, REVOKE, "/t.Streams/Down"] {
        let begun = tokio::time::Instant::now();
        let (silent, half) = (hold(&mesh, path, &token).await, hold(&mesh, path, &token).await);
        let (silent, half) = (silent.ok().unwrap(), half.ok().unwrap());
        half.send(&[0, 0, 0, 0, 9, 1]);
        assert_eq!(half.ended().await, "late", "{path}");
        assert_eq!(silent.ended().await, "late", "{path}");
        assert_eq!(begun.elapsed().as_secs(), 3, "{path}");
        assert!(hold(&mesh, path, &token).await.is_ok(), "{path}: the slots are free");
    }
}

/// A handler that has its message may take as long as the call may, and is not ended by a revocation.
#[tokio::test(start_paused = true)]
async fn a_handler_that_was_entered_takes_its_time() {
    let mesh = Mesh::limited(limits());
    let (token, print) = mesh.revocable();
    let slow = service_fn(|request: Request<Body>| async move {
        let entered = serve(request).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        entered
    });
    let guarded = GuardLayer::new(Arc::clone(&mesh.guard)).layer(slow);
    let request = Request::post(format!("http://t{READ}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let call = tokio::spawn(guarded.oneshot(request));
    until(|| mesh.guard.counts().decisions == 1).await;
    mesh.revoke(print);
    let answer = call.await.unwrap().unwrap();
    assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::Ok);
}

#[tokio::test]
async fn one_address_takes_its_share_of_what_needs_no_token() {
    let mesh = Mesh::limited(limits());
    let from = |address| begin(&mesh, OPEN, "", address);
    // A network of IPv6 is one address.
    let held = [from("2001:db8::1").await, from("2001:db8::2").await];
    assert!(held.iter().all(Result::is_ok));
    assert_eq!(from("2001:db8::3").await.err().as_deref(), Some("TOO_MANY"));
    let _other = [from("192.0.2.1").await.ok().unwrap(), from("192.0.2.2").await.ok().unwrap()];
    assert_eq!(from("192.0.2.3").await.err().as_deref(), Some("TOO_MANY"), "all are taken");
    assert!(hold(&mesh, READ, &mesh.user_token()).await.is_ok(), "calls with a token have theirs");
    drop(held.into_iter().map(|one| one.map(|one| one.call.abort())).collect::<Vec<_>>());
    let free = async {
        while from("192.0.2.3").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(free).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_gives_its_slot_back_when_it_is_cut() {
    let streaming = StreamingMesh::start(Mesh::limited(limits())).await;
    let (token, print) = streaming.mesh.revocable();
    let mut unread = Vec::new();
    let mut sending = Vec::new();
    for _ in 0..3 {
        let (sender, receiver) = mpsc::unbounded_channel();
        sending.push(sender);
        unread.push(streaming.open("/t.Streams/Down", &token, receiver).await);
    }
    assert_eq!(reason(unread[2].as_ref().unwrap_err()), "TOO_MANY");
    let other = streaming.mesh.user_token();
    streaming.mesh.revoke(print);
    // Of the user's four slots two are held by the revoked streams, until they are free.
    let mut opened = Vec::new();
    let free = async {
        while opened.len() < 2 {
            let (sender, receiver) = mpsc::unbounded_channel();
            sending.push(sender);
            opened.extend(streaming.open("/t.Streams/Down", &other, receiver).await);
        }
        let third = streaming.mesh.user_token();
        while opened.len() < 4 {
            let (sender, receiver) = mpsc::unbounded_channel();
            sending.push(sender);
            opened.extend(streaming.open("/t.Streams/Down", &third, receiver).await);
            tokio::task::yield_now().await;
        }
    };
    soon(free).await;
    drop(unread);
}
