//! One rule for "does this permit still hold?": every condition, through all who ask.
//!
//! Asked by the decision about a new call, by the second look when a unary call's message arrives, and by the watch over open calls:
//! those that stream, and unary calls whose message does not arrive at all.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::GuardLayer;
use hallpass_policy::adapter;
use hallpass_revocation::{Freshness, Handle, NewSession, Sessions};
use hallpass_token::{Fingerprint, KeyState, NewToken};
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::fixture::{ISSUER, Mesh, STALENESS, action, reason, request, soon, until, user, with};

const UNARY: &str = "/t.Platform/Read";
const ELEVATED: &str = "/t.Platform/Abort";
const STREAM: &str = "/t.Streams/Down";
const SESSION: &str = "s-1";
const MINUTE: Duration = Duration::from_mins(1);

/// A mesh, and somebody with a token of an hour, an action token of five minutes and, where it is asked for, a session of the token.
struct World {
    mesh: Mesh,
    token: NewToken,
    bearer: String,
    action: (NewToken, String),
    session: Option<(Sessions, Handle, tempfile::TempDir)>,
}

/// Which credentials a call is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum With {
    Token,
    Handle,
    Action,
}

type Happens = fn(&World);

/// Who makes the call, what happens to them, and the reason that everybody gives.
const CONDITIONS: [(&str, With, Happens, &str); 13] = [
    ("expired", With::Token, |world| world.mesh.clock.advance(MINUTE * 62), "TOKEN_EXPIRED"),
    ("the action token expired", With::Action, |world| world.pass(MINUTE * 8), "TOKEN_EXPIRED"),
    ("revoked", With::Token, |world| world.revoke(&world.token), "TOKEN_REVOKED"),
    ("the action revoked", With::Action, |world| world.revoke(&world.action.0), "TOKEN_REVOKED"),
    ("key absent", With::Token, |world| world.mesh.reload_changed(|kid, _| kid != "users"), GONE),
    ("key retired", With::Token, |world| world.set("state", &json!("retired")), GONE),
    ("key replaced", With::Token, |world| world.mesh.reload_with("users", KeyState::Active), GONE),
    ("key narrowed", With::Token, |world| world.set("scopes", &json!(["labeler:read"])), GONE),
    ("stale", With::Token, |world| world.mesh.clock.advance(STALENESS), "LIST_STALE"),
    ("session closed", With::Handle, World::close, "TOKEN_REVOKED"),
    ("session idle", With::Handle, |world| world.pass(MINUTE * 15), "SESSION_ENDED"),
    ("session over", With::Handle, World::outlive, "SESSION_ENDED"),
    ("the session's token revoked", With::Handle, |w| w.revoke(&w.token), "TOKEN_REVOKED"),
];
const GONE: &str = "TOKEN_INVALID";

impl World {
    async fn new(with: With) -> Self {
        if with != With::Handle {
            return Self::of(Mesh::with(Freshness::follower(STALENESS)));
        }
        let folder = tempfile::tempdir().unwrap();
        let (mesh, sessions) = Mesh::with_sessions(Freshness::follower(STALENESS), folder.path());
        let world = Self::of(mesh);
        let handle = Handle::new(&[9; 32]);
        let new = NewSession {
            id: SESSION.to_owned(),
            holder: Fingerprint::subject(ISSUER, "ann"),
            user: Fingerprint::subject(ISSUER, "ann"),
            token: &world.bearer,
            token_ends: None,
            about: Vec::new(),
        };
        sessions.begin(&handle, new, world.mesh.clock.now()).await.unwrap();
        Self { session: Some((sessions, handle, folder)), ..world }
    }

    fn of(mesh: Mesh) -> Self {
        mesh.freshness.proven_at(mesh.clock.boot());
        let life = |minutes| move |new: &mut NewToken| new.life = Some(MINUTE * minutes);
        let token = with(user("ann"), life(60));
        let action = with(action("ann", "jobs.abort"), life(5));
        let [bearer, elevated] = [&token, &action].map(|new| mesh.mint("users", new));
        Self { mesh, token, bearer, action: (action, elevated), session: None }
    }

    /// Time passes on a node that stays fresh.
    fn pass(&self, time: Duration) {
        // Proven first, so that no look falls upon a moment at which the node is stale.
        self.mesh.freshness.proven_at(self.mesh.clock.boot() + time);
        self.mesh.clock.advance(time);
    }

    fn revoke(&self, token: &NewToken) {
        self.mesh.revoke(Fingerprint::token(ISSUER, token.id.as_str()));
    }

    fn set(&self, member: &str, value: &serde_json::Value) {
        self.mesh.reload_changed(|kid, entry| {
            if kid == "users" {
                entry[member] = value.clone();
            }
            true
        });
    }

    fn close(&self) {
        self.mesh.revoke(Fingerprint::session(SESSION));
    }

    /// The session is used to the end of its hour, so that it is not idle.
    fn outlive(&self) {
        let (sessions, handle, _) = self.session.as_ref().unwrap();
        for _ in 0..6 {
            self.pass(MINUTE * 10);
            let _ = sessions.find(handle.expose(), self.mesh.clock.now());
        }
    }

    /// A call, and where its message can be sent from.
    fn call(&self, path: &str, with: With) -> (Request<Body>, Message) {
        let handle = self.session.as_ref().map(|(_, handle, _)| handle.expose());
        let bearer = handle.unwrap_or(&self.bearer);
        let bearer = format!("Bearer {bearer}");
        let mut headers = vec![("authorization", bearer.as_str())];
        if with == With::Action {
            headers.push(("hallpass-action", &self.action.1));
        }
        let (message, frames) = mpsc::unbounded_channel();
        let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(frames)));
        (request(path, &headers).map(|_| body), message)
    }
}

type Message = mpsc::UnboundedSender<Result<http_body::Frame<Bytes>, Status>>;

/// As a generated server: a unary call's message is read whole, the permit taken, the handler entered. A stream never ends.
async fn serve(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == STREAM {
        let endless = tokio_stream::pending::<Result<http_body::Frame<Bytes>, Status>>();
        return Ok(Response::new(Body::new(StreamBody::new(endless))));
    }
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

/// The status of an answer: in its head, or at the end of its body.
async fn status(world: &World, request: Request<Body>) -> Status {
    let guarded = GuardLayer::new(Arc::clone(&world.mesh.guard)).layer(service_fn(serve));
    let answer = soon(guarded.oneshot(request)).await.unwrap();
    if let Some(status) = Status::from_header_map(answer.headers()) {
        return status;
    }
    let read = soon(answer.into_body().collect()).await.unwrap();
    Status::from_header_map(read.trailers().unwrap()).unwrap()
}

/// What each who is asked says once something has happened.
async fn said(with: With, happens: Happens) -> Vec<(&'static str, String)> {
    let unary = if with == With::Action { ELEVATED } else { UNARY };
    let mut said = Vec::new();

    let world = World::new(with).await;
    happens(&world);
    let (request, message) = world.call(unary, with);
    drop(message);
    said.push(("a new call", reason(&status(&world, request).await)));

    // The message arrives in the same instant as the change, so that the second look is what refuses it.
    let world = World::new(with).await;
    let (request, message) = world.call(unary, with);
    let late = async {
        until(|| world.mesh.guard.counts().waiting == 1).await;
        happens(&world);
        drop(message);
    };
    let (late, ()) = tokio::join!(status(&world, request), late);
    said.push(("a late message", reason(&late)));

    let world = World::new(with).await;
    let (request, message) = world.call(unary, with);
    let withheld = async {
        until(|| world.mesh.guard.counts().waiting == 1).await;
        happens(&world);
    };
    let (withheld, ()) = tokio::join!(status(&world, request), withheld);
    said.push(("a withheld message", reason(&withheld)));
    assert_eq!(world.mesh.guard.counts().waiting, 0);
    drop(message);

    if with != With::Action {
        let world = World::new(with).await;
        let (request, message) = world.call(STREAM, with);
        let open = async {
            until(|| world.mesh.guard.counts().streams == 1).await;
            happens(&world);
        };
        let (cut, ()) = tokio::join!(status(&world, request), open);
        said.push(("an open stream", reason(&cut)));
        drop(message);
    }
    said
}

#[tokio::test]
async fn every_condition_has_one_answer_whoever_asks() {
    for (what, with, happens, expected) in CONDITIONS {
        for (who, reason) in said(with, happens).await {
            assert_eq!(reason, expected, "{what}: {who}");
        }
    }
}

/// Reloads and time that leave the permit as it was end nothing.
#[tokio::test]
async fn what_leaves_the_permit_as_it_was_ends_nothing() {
    let harmless: [Happens; 3] = [
        |world| world.mesh.reload_changed(|_, _| true),
        |world| world.mesh.reload_with("labeler-1", KeyState::Retired),
        |world| world.pass(MINUTE * 14),
    ];
    for happens in harmless {
        let world = World::new(With::Handle).await;
        let (request, message) = world.call(UNARY, With::Handle);
        let late = async {
            until(|| world.mesh.guard.counts().waiting == 1).await;
            happens(&world);
            drop(message);
        };
        let (entered, ()) = tokio::join!(status(&world, request), late);
        assert_eq!((entered.code(), entered.message()), (Code::Ok, "entered"));
    }
}

/// A handler that has its message runs to its end: it may have done already what it was asked for.
#[tokio::test]
async fn a_unary_call_whose_handler_runs_is_not_cut() {
    let world = World::new(With::Token).await;
    let (request, message) = world.call(UNARY, With::Token);
    drop(message);
    let (entered, mut wait) = mpsc::unbounded_channel();
    let (go_on, gate) = tokio::sync::oneshot::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(Some(gate)));
    let handler = service_fn(move |request: Request<Body>| {
        let (entered, gate) = (entered.clone(), gate.lock().unwrap().take().unwrap());
        async move {
            let answer = serve(request).await;
            entered.send(()).unwrap();
            gate.await.unwrap();
            answer
        }
    });
    let guarded = GuardLayer::new(Arc::clone(&world.mesh.guard)).layer(handler);
    let call = tokio::spawn(guarded.oneshot(request));
    soon(wait.recv()).await.unwrap();
    world.revoke(&world.token);
    // Another's stream shows that the watch has looked.
    let (stream, _message) = world.call(STREAM, With::Token);
    assert_eq!(reason(&status(&world, stream).await), "TOKEN_REVOKED");
    assert_eq!(world.mesh.guard.counts().waiting, 0);
    go_on.send(()).unwrap();
    let answer = soon(call).await.unwrap().unwrap();
    assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::Ok);
}
