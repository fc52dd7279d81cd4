//! The way to Temporal.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use temporalio_client::errors::ClientConnectError;
use temporalio_client::{
    Client, ClientOptions, ClientTlsOptions, Connection, ConnectionOptions, TlsOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tonic::{Code, Request, Status};
use url::Url;

use crate::worker::WorkerError;
use crate::workflow::{JOB_ID, JOB_STATE};

/// How long Temporal may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where Temporal is, and what the worker is to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Such as `http://127.0.0.1:7233`.
    pub address: String,
    /// The namespace.
    pub namespace: String,
    /// The queue that the jobs' workflows and activities are in.
    pub task_queue: String,
    /// So many activities at once.
    pub concurrency: usize,
    /// What TLS takes; `None` without TLS.
    pub tls: Option<Tls>,
}

/// What TLS takes, in PEM.
#[derive(Clone)]
pub struct Tls {
    /// Whom the server's certificate has to be signed by; `None` for those that the system trusts.
    pub ca: Option<Vec<u8>>,
    /// The certificate to show and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Tls {
    // The key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("shows", &self.identity.is_some()).finish_non_exhaustive()
    }
}

/// A connection that has been answered.
pub(crate) struct Connected {
    pub(crate) client: Client,
    /// Whether the namespace knows the search attributes.
    pub(crate) has_attributes: bool,
    settings: Settings,
}

/// Connects, and looks that the namespace is there.
pub(crate) async fn connect(settings: &Settings, target: &Url) -> Result<Connected, WorkerError> {
    let unreachable = |why: String| WorkerError::Unreachable(settings.address.clone(), why);
    let options = ConnectionOptions::new(target.clone())
        .maybe_tls_options(settings.tls.as_ref().map(tls))
        .connect_timeout(PATIENCE)
        .build();
    let connecting = tokio::time::timeout(PATIENCE, Connection::connect(options));
    let connection = connecting.await.map_err(|_| unreachable("it is too late".to_owned()))?;
    let connection = connection.map_err(|error| unreachable(cause(&error)))?;
    let client = Client::new(connection, ClientOptions::new(&settings.namespace).build());
    let client = client.map_err(|error| unreachable(error.to_string()))?;
    let mut connected = Connected { client, has_attributes: false, settings: settings.clone() };
    connected.answers().await?;
    connected.has_attributes = add_attributes(&connected.client, &settings.namespace).await;
    Ok(connected)
}

impl Connected {
    /// Whether the namespace answers.
    pub(crate) async fn answers(&self) -> Result<(), WorkerError> {
        let Settings { address, namespace, .. } = &self.settings;
        let request =
            DescribeNamespaceRequest { namespace: namespace.clone(), ..Default::default() };
        let mut service = self.client.connection().workflow_service();
        let asked =
            tokio::time::timeout(PATIENCE, service.describe_namespace(Request::new(request)));
        let why = match asked.await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(status)) => format!("namespace {namespace}: {}", said(&status)),
            Err(_) => format!("namespace {namespace}: nothing came"),
        };
        Err(WorkerError::Unreachable(address.clone(), why))
    }
}

/// What lies at the bottom of it.
fn cause(error: &ClientConnectError) -> String {
    if let ClientConnectError::SystemInfoCallError(status) = error {
        return said(status);
    }
    let mut cause: &dyn Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

fn said(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

fn tls(tls: &Tls) -> TlsOptions {
    let identity = tls.identity.clone().map(|(certificate, key)| {
        ClientTlsOptions::builder().client_cert(certificate).client_private_key(key).build()
    });
    TlsOptions::builder()
        .maybe_server_root_ca_cert(tls.ca.clone())
        .maybe_client_tls_options(identity)
        .build()
}

/// Makes the search attributes known. Where that is for others to do, workflows go without.
async fn add_attributes(client: &Client, namespace: &str) -> bool {
    let keyword = i32::from(IndexedValueType::Keyword);
    let attributes = [JOB_ID.name(), JOB_STATE.name()];
    let request = AddSearchAttributesRequest {
        search_attributes: attributes.map(|name| (name.to_owned(), keyword)).into(),
        namespace: namespace.to_owned(),
    };
    let added =
        client.connection().operator_service().add_search_attributes(Request::new(request)).await;
    match added {
        Ok(_) => true,
        Err(status) if status.code() == Code::AlreadyExists => true,
        Err(status) => {
            tracing::warn!(code = ?status.code(), "workflows go without search attributes: they cannot be added");
            false
        }
    }
}
