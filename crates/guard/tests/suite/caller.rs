//! A client of Platform whose calls end at a callee that says "sent" to everything and keeps what they carried.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use hallpass_guard::{Attach, AttachLayer};
use hallpass_policy::Permit;
use hallpass_token::Verified;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower::{Layer as _, service_fn};

use crate::fixture::{Mesh, reason};
use crate::rules::rule;

pub(crate) const SERVED: &str = "/t.Platform/Read";
pub(crate) const LABELER: &str = "/t.Labeler/Read";

/// A client of Platform, and a callee that says "sent" to everything.
pub(crate) struct Caller {
    pub(crate) mesh: Mesh,
    pub(crate) attach: Attach,
    pub(crate) sent: Arc<Mutex<Option<HeaderMap>>>,
}

impl Caller {
    pub(crate) fn of(mesh: Mesh) -> Self {
        let attach = Attach::new("platform", mesh.keys.clone(), mesh.clock.clone(), rule).unwrap();
        Self { mesh, attach, sent: Arc::default() }
    }

    pub(crate) fn start() -> Self {
        Self::of(Mesh::start())
    }

    /// The permit of a call that Platform serves.
    pub(crate) async fn serving(&self, path: &str, token: &str) -> Permit {
        let outcome = self.mesh.call(path, token).await;
        Permit::of(&outcome.parts().extensions).unwrap().clone()
    }

    pub(crate) async fn serving_user(&self) -> Permit {
        self.serving(SERVED, &self.mesh.user_token()).await
    }

    /// Calls; the status is "sent" where the call left.
    pub(crate) async fn call(&self, path: &'static str, request: tonic::Request<()>) -> Status {
        let sent = Arc::clone(&self.sent);
        let callee = service_fn(move |request: Request<Body>| {
            *sent.lock().unwrap() = Some(request.headers().clone());
            let answer: Response<Body> = Status::ok("sent").into_http();
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let client = AttachLayer::new(self.attach.clone()).layer(callee);
        let mut client = tonic::client::Grpc::new(client);
        client.ready().await.unwrap();
        let codec = ProstCodec::<(), ()>::default();
        let answer = client.server_streaming(request, PathAndQuery::from_static(path), codec).await;
        match answer {
            Ok(_) => Status::ok("sent"),
            Err(status) => status,
        }
    }

    /// What the call carried, as the callee verifies it.
    pub(crate) fn carried(&self) -> Verified {
        let bearer = self.headers()["authorization"].clone();
        assert!(bearer.is_sensitive());
        let token = bearer.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        self.mesh.keys.ring().verify(&token, self.mesh.clock.now()).unwrap()
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        self.sent.lock().unwrap().clone().unwrap()
    }

    pub(crate) async fn sends(&self, path: &'static str, request: tonic::Request<()>) -> Verified {
        let status = self.call(path, request).await;
        assert_eq!(status.code(), Code::Ok, "{status}");
        self.carried()
    }

    /// The reason for which the call did not leave.
    pub(crate) async fn refuses(&self, path: &'static str, request: tonic::Request<()>) -> String {
        let status = self.call(path, request).await;
        assert!(self.sent.lock().unwrap().is_none(), "the call was sent: {status}");
        reason(&status)
    }
}
