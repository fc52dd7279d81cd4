//! The way to Temporal.

use std::fmt;
use std::time::Duration;

use temporalio_client::{
    Client, ClientOptions, ClientTlsOptions, Connection, ConnectionOptions, TlsOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;
use tonic::{Code, Request};
use url::Url;

use crate::worker::WorkerError;
use crate::workflow::{JOB_ID, JOB_STATE};

/// How long Temporal may take to let a connection in.
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

/// A client, and whether its namespace knows the search attributes.
pub(crate) async fn connect(settings: &Settings) -> Result<(Client, bool), WorkerError> {
    let address = &settings.address;
    let target = Url::parse(address)
        .map_err(|error| WorkerError::Address(address.clone(), error.to_string()))?;
    let options = ConnectionOptions::new(target)
        .maybe_tls_options(settings.tls.as_ref().map(tls))
        .connect_timeout(PATIENCE)
        .build();
    let unreachable =
        |error: &dyn fmt::Display| WorkerError::Unreachable(address.clone(), error.to_string());
    let connection = Connection::connect(options).await.map_err(|error| unreachable(&error))?;
    let client = Client::new(connection, ClientOptions::new(&settings.namespace).build());
    let client = client.map_err(|error| unreachable(&error))?;
    let has_attributes = add_attributes(&client, &settings.namespace).await;
    Ok((client, has_attributes))
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
