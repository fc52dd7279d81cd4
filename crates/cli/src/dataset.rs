//! Datasets at a running Platform, as the holder of a user token sees them.

mod download;
mod folder;
mod parts;
mod upload;
mod view;

use clap::{Args, Subcommand};
use hallpass_contract::labeler::{
    CheckPermissionRequest, DeleteDatasetRequest, GetDatasetRequest, ListDatasetsRequest,
};
use hallpass_contract::platform::dataset_service_client::DatasetServiceClient;
use serde_json::json;

use crate::action::{self, Elevation};
use crate::caller::{self, Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format, plain};
use view::DatasetView;

/// What to do with datasets.
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    /// Upload a folder as a new dataset.
    Upload(upload::Upload),
    /// List the datasets that you may read, newest first.
    List(List),
    /// Show one dataset.
    Get(Get),
    /// Download a dataset's files.
    Download(download::Download),
    /// Delete a dataset and its files.
    Delete(Delete),
    /// Tell what you may do to a dataset.
    Check(Check),
}

/// Where to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset list
  hallpass dataset list --server http://127.0.0.1:7401 --output json")]
pub(crate) struct List {
    #[command(flatten)]
    connection: Connection,
}

/// Which dataset.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset get ds_1\n  hallpass dataset get ds_1 --output json"
)]
pub(crate) struct Get {
    /// The dataset's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which dataset, and as it was when.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset delete ds_1\n  hallpass dataset delete ds_1 --etag W1"
)]
pub(crate) struct Delete {
    /// The dataset's id.
    #[arg(value_name = "ID")]
    id: String,
    /// Delete only if the dataset still has this etag.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    elevation: Elevation,
    #[command(flatten)]
    connection: Connection,
}

/// Which dataset.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset check ds_1\n  hallpass dataset check ds_1 --output json"
)]
pub(crate) struct Check {
    /// The dataset's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Platform's datasets.
type Client = DatasetServiceClient<Service>;

/// Runs the command.
pub(crate) fn run(command: DatasetCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            DatasetCommand::Upload(wanted) => upload::run(wanted, format).await,
            DatasetCommand::List(wanted) => list(&wanted, format).await,
            DatasetCommand::Get(wanted) => get(wanted, format).await,
            DatasetCommand::Download(wanted) => download::run(wanted, format).await,
            DatasetCommand::Delete(wanted) => delete(wanted, format).await,
            DatasetCommand::Check(wanted) => check(wanted, format).await,
        }
    })
}

async fn open(connection: &Connection) -> Result<Client, Failure> {
    Ok(DatasetServiceClient::new(connection.open_as_caller().await?))
}

async fn list(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let mut datasets = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDatasetsRequest { page_token, ..Default::default() };
        let page =
            client.list_datasets(unary(request)).await.map_err(|s| refused(&s))?.into_inner();
        datasets.extend(page.datasets.into_iter().map(DatasetView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    match format {
        Format::Text => output::print(&view::table(&datasets)),
        Format::Json => output::print_json(&datasets),
    }
}

async fn get(wanted: Get, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let request = GetDatasetRequest { dataset_id: wanted.id };
    let got = client.get_dataset(unary(request)).await.map_err(|s| refused(&s))?;
    print(&got.into_inner().dataset.unwrap_or_default().into(), format)
}

async fn delete(wanted: Delete, format: Format) -> Result<(), Failure> {
    const PATH: &str = "/hallpass.platform.v1.DatasetService/DeleteDataset";
    let service = wanted.connection.open_as_caller().await?;
    let message = DeleteDatasetRequest { dataset_id: wanted.id.clone(), etag: wanted.etag };
    let request = action::request(&service, PATH, message, &wanted.elevation).await?;
    let mut client = Client::new(service);
    client.delete_dataset(request).await.map_err(|s| refused(&s))?;
    match format {
        Format::Text => output::print(&format!("deleted {}\n", plain(&wanted.id))),
        Format::Json => output::print_json(&json!({ "deleted": wanted.id })),
    }
}

async fn check(wanted: Check, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let request = CheckPermissionRequest { dataset_id: wanted.id, ..Default::default() };
    let checked = client.check_permission(unary(request)).await.map_err(|s| refused(&s))?;
    let checked = checked.into_inner();
    let role = view::role(checked.role());
    let permissions = &checked.permissions;
    match format {
        Format::Text => {
            let may =
                if permissions.is_empty() { "nothing".to_owned() } else { permissions.join(", ") };
            output::print(&format!("role {role}; may: {}\n", plain(&may)))
        }
        Format::Json => output::print_json(&json!({ "role": role, "permissions": permissions })),
    }
}

/// Prints one dataset.
fn print(dataset: &DatasetView, format: Format) -> Result<(), Failure> {
    match format {
        Format::Text => output::print(&dataset.to_text()),
        Format::Json => output::print_json(dataset),
    }
}
