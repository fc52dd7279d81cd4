//! Every RPC that Platform passes on: what Labeler is asked, in which order, and with which token.

use std::task::{Context, Poll};

use futures_util::stream;
use hallpass_contract::{RULES, rule};
use hallpass_guard::Keys;
use hallpass_policy::{Permit, Rule};
use http::{Request, Response};
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::Service;
use tower::layer::layer_fn;

use super::callers::{self, DECISION};
use super::recorder::Recorder;
use super::world::World;

#[tokio::test]
async fn labeler_is_asked_for_the_object_first_and_with_exactly_one_scope() {
    let edge = Edge::new().await;
    for (path, passed_on) in passed_on() {
        let _ = edge.call(path).await;
        let mut left = edge.recorder.calls();
        let (_, method) = path.path.rsplit_once('/').unwrap();
        assert_eq!(left.last().unwrap().path, passed_on.path, "{method}");
        for call in &left {
            let wanted = rule(&call.path).unwrap();
            assert_eq!(call.scopes, wanted.scope.unwrap(), "{method} asks {}", call.path);
            assert_eq!((&*call.subject, &*call.audience), ("alice", "labeler"), "{method}");
        }
        left.pop();
        let bound = path.resources.iter().filter(|bound| bound.field.is_some()).count();
        assert_eq!(left.len(), bound, "{method}");
        assert!(left.iter().all(|call| call.path.ends_with("/CheckPermission")), "{method}");
    }
}

#[tokio::test]
async fn what_the_user_may_not_is_not_asked_for() {
    let edge = Edge::new().await;
    edge.recorder.refuse(true);
    for (path, passed_on) in passed_on() {
        if path.resources.iter().all(|bound| bound.field.is_none()) {
            continue;
        }
        let refused = edge.call(path).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{}", path.path);
        assert_eq!(reason(&refused), "OBJECT_REFUSED", "{}", path.path);
        assert!(edge.recorder.calls().iter().all(|call| call.path != passed_on.path));
    }
}

#[tokio::test]
async fn what_labeler_says_of_the_request_is_retold() {
    let edge = Edge::new().await;
    let details = ErrorDetails::with_error_info("SAID", "hallpass", []);
    let said = Status::with_error_details(Code::FailedPrecondition, "in these words", details);
    edge.recorder.answer_with(Some(said));
    for (path, passed_on) in passed_on() {
        if passed_on.method == "CheckPermission" {
            continue;
        }
        let told = edge.call(path).await.unwrap_err();
        let heard = (told.code(), told.message(), reason(&told));
        let right = (Code::FailedPrecondition, "in these words", "SAID".to_owned());
        assert_eq!(heard, right, "{}", path.path);
    }
}

#[tokio::test]
async fn a_token_of_platforms_that_ends_interrupts_an_upload_and_no_more() {
    let edge = Edge::new().await;
    let ended = hallpass_policy::Denial::TokenExpired.into_status(DECISION);
    edge.recorder.answer_with(Some(ended));
    let path = rule("/hallpass.platform.v1.UploadService/WriteFiles").unwrap();
    let interrupted = edge.call(path).await.unwrap_err();
    assert_eq!((interrupted.code(), &*reason(&interrupted)), (Code::Aborted, "UPLOAD_INTERRUPTED"));
    assert!(interrupted.get_error_details().retry_info().is_some());
    let path = rule("/hallpass.platform.v1.UploadService/GetUpload").unwrap();
    assert_eq!(reason(&edge.call(path).await.unwrap_err()), "TOKEN_EXPIRED");
}

/// Platform's rules whose RPCs Labeler answers, each with Labeler's rule.
fn passed_on() -> Vec<(&'static Rule, &'static Rule)> {
    let platforms = RULES.iter().filter(|rule| rule.path.starts_with("/hallpass.platform.v1."));
    let both = platforms.filter_map(|own| {
        let theirs = own.path.replace("/hallpass.platform.v1.", "/hallpass.labeler.v1.");
        Some((own, rule(&theirs)?))
    });
    // Of elevated operations only a guard can make the permit: `tests/e2e` calls them.
    let both = both.filter(|(own, _)| own.action().is_none());
    let both: Vec<_> = both.map(|(own, theirs)| (rule(own.path).unwrap(), theirs)).collect();
    assert!(both.len() >= 26, "the services are passed on");
    both
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Platform as a caller reaches it that the guard has let in, and the recorder in Labeler's place.
struct Edge {
    recorder: Recorder,
    channel: Channel,
    pool: DescriptorPool,
    _world: World,
}

impl Edge {
    async fn new() -> Self {
        let (world, recorder) = (World::without_labeler().await, Recorder::default());
        let labelers = recorder.clone();
        let labeler = Server::builder()
            .layer(layer_fn(move |_| labelers.clone()))
            .add_service(world.platform.jobs().service);
        let at = TcpListener::bind(world.address()).await.unwrap();
        tokio::spawn(labeler.serve_with_incoming(TcpListenerStream::new(at)));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let keys = world.keys.clone();
        let platform = Server::builder()
            .layer(layer_fn(move |inner| LetIn { inner, keys: keys.clone() }))
            .add_service(world.platform.datasets().service)
            .add_service(world.platform.permissions().service)
            .add_service(world.platform.snapshots().service)
            .add_service(world.platform.splits().service)
            .add_service(world.platform.uploads().service);
        tokio::spawn(platform.serve_with_incoming(TcpListenerStream::new(listener)));
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let set = hallpass_contract::FILE_DESCRIPTOR_SET;
        let pool = DescriptorPool::decode(set).unwrap();
        Self { recorder, channel, pool, _world: world }
    }

    /// Calls an RPC with a request in which every bound field names one object.
    async fn call(&self, rule: &'static Rule) -> Result<(), Status> {
        let service = self.pool.get_service_by_name(rule.service).unwrap();
        let method = service.methods().find(|method| method.name() == rule.method).unwrap();
        let mut message = DynamicMessage::new(method.input());
        for field in rule.resources.iter().filter_map(|bound| bound.field) {
            set(&mut message, field);
        }
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let request = tonic::Request::new(stream::iter([message.encode_to_vec()]));
        let path = http::uri::PathAndQuery::from_static(rule.path);
        let codec = super::raw::Raw;
        let mut answer = grpc.streaming(request, path, codec).await?.into_inner();
        answer.message().await.map(drop)
    }
}

fn set(message: &mut DynamicMessage, path: &str) {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = message.descriptor().get_field_by_name(head).unwrap();
    if !rest.is_empty() {
        return set(message.get_field_mut(&field).as_message_mut().unwrap(), rest);
    }
    let id = Value::String("object_1".to_owned());
    message.set_field(&field, if field.is_list() { Value::List(vec![id]) } else { id });
}

/// Puts the permit in that the guard would.
#[derive(Clone)]
struct LetIn<S> {
    inner: S,
    keys: Keys,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for LetIn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        let rule = rule(request.uri().path()).unwrap();
        let permit = Permit::for_tests(rule, callers::user(&self.keys, "alice"), DECISION);
        request.extensions_mut().insert(permit);
        self.inner.call(request)
    }
}
