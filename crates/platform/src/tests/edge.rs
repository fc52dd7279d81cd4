//! The whole way: a user's client, Platform behind its guard, Labeler behind its own.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use hallpass_contract::labeler::{self, DatasetSpec, FileChunk};
use hallpass_contract::labeler::{
    CreateDatasetRequest, CreateDatasetStart, GetDatasetRequest, create_dataset_request::Part,
};
use hallpass_contract::platform::dataset_service_client::DatasetServiceClient;
use hallpass_guard::GuardLayer;
use hallpass_revocation::{Entry, Index};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::callers;
use super::fake::Event;
use super::world::World;
use crate::is_serving;

#[tokio::test]
async fn a_call_goes_all_the_way_and_a_strangers_does_not() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    let mut edge = Edge::new(&world).await;
    for (subject, code) in [("alice", Ok(())), ("mallory", Err(Code::PermissionDenied))] {
        let request = GetDatasetRequest { dataset_id: "ds_1".to_owned() };
        let answer = edge.client.get_dataset(with_token(&world, subject, request)).await;
        assert_eq!(answer.map(|_| ()).map_err(|status| status.code()), code, "{subject}");
    }
}

#[tokio::test]
async fn a_user_that_resets_an_upload_leaves_none_that_looks_complete() {
    let world = World::new().await;
    let mut seen = world.labeler.watch();
    let mut edge = Edge::new(&world).await;
    let request = with_token(&world, "alice", unfinished());
    tokio::select! {
        answer = edge.client.create_dataset(request) => assert!(answer.is_err(), "answered"),
        () = begun(&mut seen) => {}
    }
    assert_eq!(seen.recv().await, Some(Event::BrokenOff));
}

#[tokio::test]
async fn a_token_that_is_revoked_meanwhile_ends_the_upload_on_both_sides() {
    let world = World::new().await;
    let mut seen = world.labeler.watch();
    let mut edge = Edge::new(&world).await;
    let request = with_token(&world, "alice", unfinished());
    let revoke = async {
        begun(&mut seen).await;
        let token = callers::user(&world.keys, "alice");
        edge.revoked.insert(&[Entry::exact(token.fingerprint(), None)]);
        edge.changes.send_replace(1);
        seen.recv().await
    };
    let (answer, ended) = tokio::join!(edge.client.create_dataset(request), revoke);
    let refused = answer.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "TOKEN_REVOKED");
    assert_eq!(ended, Some(Event::BrokenOff));
}

#[tokio::test]
async fn labelers_health_is_asked_without_a_token() {
    let (report, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let server = Server::builder().add_service(health);
    let server = tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    assert!(!is_serving(channel.clone()).await, "a service that is not known");
    for (status, serving) in [
        (tonic_health::ServingStatus::Serving, true),
        (tonic_health::ServingStatus::NotServing, false),
    ] {
        report.set_service_status(labeler::DATASET_SERVICE, status).await;
        assert_eq!(is_serving(channel.clone()).await, serving);
    }
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    let fresh = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    assert!(!is_serving(fresh).await, "nobody listens");
}

/// Platform as users reach it.
struct Edge {
    client: DatasetServiceClient<Channel>,
    revoked: Arc<Index>,
    changes: watch::Sender<u64>,
}

impl Edge {
    async fn new(world: &World) -> Self {
        let (revoked, changes) = (Arc::new(Index::default()), watch::Sender::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder()
            .layer(GuardLayer::new(world.guard(&revoked, &changes)))
            .add_service(world.platform.datasets().service)
            .add_service(world.platform.jobs().service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self { client: DatasetServiceClient::new(channel), revoked, changes }
    }
}

fn with_token<T>(world: &World, subject: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", callers::token(&world.keys, subject).expose());
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    request
}

/// A start and one piece, and then nothing, not even an end.
fn unfinished() -> impl Stream<Item = CreateDatasetRequest> + Send + 'static {
    let dataset = DatasetSpec { display_name: "cats".to_owned(), ..DatasetSpec::default() };
    let start = CreateDatasetStart { dataset: Some(dataset), ..CreateDatasetStart::default() };
    let piece = FileChunk { path: "a.png".to_owned(), ..FileChunk::default() };
    let parts = [Part::Start(start), Part::Chunk(piece)];
    let parts = parts.map(|part| CreateDatasetRequest { part: Some(part) });
    stream::iter(parts).chain(stream::pending())
}

async fn begun(seen: &mut tokio::sync::mpsc::UnboundedReceiver<Event>) {
    assert_eq!(seen.recv().await, Some(Event::Started("cats".to_owned())));
    assert_eq!(seen.recv().await, Some(Event::Chunk("a.png".to_owned())));
}
