//! An issuer of revocations on loopback, behind a guard, that can be stopped and started again at the same address.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hallpass_contract::auth::watch_response::Event;
use hallpass_contract::auth::{
    self, EntryBatch, GetRevocationRequest, GetRevocationResponse, ListRevocationsRequest,
    ListRevocationsResponse, ProbeAnswer, RevocationService, RevokeManyRequest, RevokeManyResponse,
    RevokeRequest, RevokeResponse, WatchRequest, WatchResponse, serve_revocation_service,
};
use hallpass_guard::GuardLayer;
use hallpass_policy::Permit;
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_revocation::feed::{Position, Probe, Publisher, Step};
use hallpass_revocation::{List, Options};
use hallpass_token::{Fingerprint, UnixTime};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::Status;
use tonic::transport::Server;

use crate::fixture::{Mesh, NOW};

pub(crate) struct Issuer {
    pub(crate) address: SocketAddr,
    pub(crate) list: Arc<List>,
    /// Its tasks, connections included, run in a runtime of their own, so that all of them can be stopped at once.
    runtime: Option<Runtime>,
    opened: mpsc::UnboundedReceiver<Fingerprint>,
}

impl Issuer {
    pub(crate) async fn start(mesh: &Mesh, list: Arc<List>, address: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.spawn(TcpListener::bind(address)).await.unwrap().unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, opened) = mpsc::unbounded_channel();
        let service = serve_revocation_service(Handler { list: Arc::clone(&list), tell }).service;
        let server = Server::builder()
            .layer(GuardLayer::new(Arc::clone(&mesh.guard)))
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        runtime.spawn(server);
        Self { address, list, runtime: Some(runtime), opened }
    }

    /// The token of the next follower that connects.
    pub(crate) async fn opened(&mut self) -> Fingerprint {
        self.opened.recv().await.unwrap()
    }

    /// Stops at once, connections included.
    pub(crate) fn stop(self) -> Arc<List> {
        Arc::clone(&self.list)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn open_list(folder: &Path, epoch: u8) -> Arc<List> {
    Arc::new(List::open(folder, &Options::new([epoch; 8], NOW)).unwrap())
}

struct Handler {
    list: Arc<List>,
    tell: mpsc::UnboundedSender<Fingerprint>,
}

impl RevocationService for Handler {
    type Error = Status;

    async fn revoke_many(
        &self,
        _: Permit,
        _: Incoming<RevokeManyRequest>,
    ) -> Result<Reply<RevokeManyResponse, Status>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn get_revocation(
        &self,
        _: Permit,
        _: GetRevocationRequest,
    ) -> Result<GetRevocationResponse, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn list_revocations(
        &self,
        _: Permit,
        _: ListRevocationsRequest,
    ) -> Result<ListRevocationsResponse, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn revoke(&self, _: Permit, _: RevokeRequest) -> Result<RevokeResponse, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn watch(
        &self,
        permit: Permit,
        requests: Incoming<WatchRequest>,
    ) -> Result<Reply<WatchResponse, Status>, Status> {
        let _ = self.tell.send(permit.token().unwrap().fingerprint());
        let (answers, reply) = mpsc::unbounded_channel();
        tokio::spawn(publish(Arc::clone(&self.list), requests, answers));
        Ok(Box::pin(UnboundedReceiverStream::new(reply)))
    }
}

async fn publish(
    list: Arc<List>,
    mut requests: Incoming<WatchRequest>,
    answers: mpsc::UnboundedSender<Result<WatchResponse, Status>>,
) {
    let mut publisher = Publisher::new(list.epoch());
    let mut changes = list.changes();
    loop {
        tokio::select! {
            request = requests.next() => match request {
                Some(Ok(WatchRequest { probe, epoch, sequence })) => {
                    let position = (epoch != 0).then_some(Position { epoch, sequence });
                    publisher.probed(Probe { number: probe, position }, list.sequence());
                }
                Some(Err(_)) | None => return,
            },
            _ = changes.changed() => {}
        }
        while let Some(event) = next(&mut publisher, &list) {
            let _ = answers.send(Ok(WatchResponse { event: Some(event) }));
        }
    }
}

fn next(publisher: &mut Publisher, list: &List) -> Option<Event> {
    match publisher.step(list.sequence()) {
        Step::Wait => None,
        Step::Answer(answer) => Some(Event::Answer(ProbeAnswer {
            probe: answer.probe,
            epoch: answer.epoch,
            sequence: answer.sequence,
        })),
        Step::Read { after, snapshot } => {
            let from = Position { epoch: list.epoch(), sequence: after };
            let batch = if snapshot { list.snapshot(after, 2) } else { list.since(from, 2) };
            let batch = batch.unwrap();
            publisher.sent(&batch);
            let entries = batch.entries.iter().map(|entry| auth::Entry {
                fingerprint: entry.fingerprint.to_bytes().to_vec().into(),
                issued_before: entry.issued_before.map(UnixTime::as_secs),
                issued_before_micros: entry.issued_before.map_or(0, UnixTime::subsec_micros),
                until: entry.until.map(UnixTime::as_secs),
            });
            Some(Event::Entries(EntryBatch {
                epoch: batch.epoch,
                snapshot: batch.snapshot,
                last: batch.last,
                sequence: batch.sequence,
                entries: entries.collect(),
            }))
        }
    }
}
