//! Tells whether this server lives and whether it can serve (gRPC health checking, `grpc.health.v1`).
//!
//! Liveness has a name of its own and depends on nothing. Readiness, the empty name, and each service rest on facts of this
//! node; while it drains none of them is serving. An unknown name is `NOT_FOUND`, or `SERVICE_UNKNOWN` where it is watched.

pub(crate) mod list;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::Shutdown;

/// The name under which the process itself is asked for: it answers, so it lives.
pub const LIVENESS: &str = "live";

/// How often a watched status is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A fact about this node, looked at whenever someone asks. It must not wait.
pub type Ready = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the health service knows.
#[derive(Clone)]
pub(crate) struct NodeHealth {
    ready: Ready,
    services: Arc<BTreeMap<&'static str, Option<Ready>>>,
    shutdown: Shutdown,
}

impl NodeHealth {
    pub(crate) fn new(
        ready: Ready,
        services: BTreeMap<&'static str, Option<Ready>>,
        shutdown: Shutdown,
    ) -> Self {
        Self { ready, services: Arc::new(services), shutdown }
    }

    pub(crate) fn into_service(self) -> HealthServer<Self> {
        HealthServer::new(self)
    }

    fn status(&self, name: &str) -> Option<ServingStatus> {
        let own = match name {
            LIVENESS => return Some(ServingStatus::Serving),
            "" => None,
            name => self.services.get(name)?.as_ref(),
        };
        let node = !self.shutdown.is_draining() && (self.ready)();
        let serving = node && own.is_none_or(|ready| ready());
        Some(if serving { ServingStatus::Serving } else { ServingStatus::NotServing })
    }

    /// The next change of a watched status; `None` once the server drains and the watcher knows.
    async fn next(&self, name: &str, last: Option<ServingStatus>) -> Option<ServingStatus> {
        loop {
            let now = self.status(name).unwrap_or(ServingStatus::ServiceUnknown);
            if last != Some(now) {
                return Some(now);
            }
            if self.shutdown.is_draining() {
                return None;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.shutdown.clone().draining() => {}
            }
        }
    }
}

#[tonic::async_trait]
impl Health for NodeHealth {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match self.status(&request.get_ref().service) {
            Some(status) => Ok(Response::new(said(status))),
            None => Err(Status::not_found("no such service")),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let start = (self.clone(), request.into_inner().service, None);
        let statuses = unfold(start, |(health, name, last)| async move {
            let status = health.next(&name, last).await?;
            Some((Ok(said(status)), (health, name, Some(status))))
        });
        Ok(Response::new(Box::pin(statuses)))
    }
}

fn said(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
