//! Snapshots: states of datasets, for ever.

use clap::{Args, Subcommand};
use hallpass_contract::labeler::{
    CreateSnapshotRequest, DeleteSnapshotRequest, DiffSnapshotsRequest, GetSnapshotRequest,
    ListSnapshotsRequest, Snapshot,
};
use hallpass_contract::platform::snapshot_service_client::SnapshotServiceClient;
use serde_json::json;

use super::snapshot_view::{self, ChangeView, SnapshotView};
use crate::action::{self, Elevation};
use crate::caller::{Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format, plain};

const DELETE: &str = "/hallpass.platform.v1.SnapshotService/DeleteSnapshot";

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Keep a dataset as it is now.
    Create(Create),
    /// List a dataset's snapshots, newest first.
    List(List),
    /// Show one snapshot.
    Get(Get),
    /// Tell how two snapshots differ.
    Diff(Diff),
    /// Delete a snapshot.
    Delete(Delete),
}

/// What to keep.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset snapshot create $DATASET --name first
  hallpass dataset snapshot create $DATASET --name first --etag $ETAG")]
pub(crate) struct Create {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// A name for people.
    #[arg(long)]
    name: String,
    /// Make it only if the dataset still has this etag.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    /// Makes the call idempotent: a second one with the same id answers the first one's snapshot. A UUID.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Whose snapshots.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset snapshot list $DATASET")]
pub(crate) struct List {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which snapshot.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset snapshot get $SNAPSHOT --output json")]
pub(crate) struct Get {
    /// The snapshot's id, or DATASET/NAME.
    #[arg(value_name = "SNAPSHOT")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which two.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset snapshot diff $SNAPSHOT $OTHER")]
pub(crate) struct Diff {
    /// The snapshot from which, by its id or as DATASET/NAME.
    #[arg(value_name = "BASE")]
    base: String,
    /// The snapshot to which, by its id or as DATASET/NAME.
    #[arg(value_name = "SNAPSHOT")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which snapshot.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset snapshot delete $SNAPSHOT
  hallpass action issue datasets.delete |
    hallpass dataset snapshot delete $SNAPSHOT --action-token-file -")]
pub(crate) struct Delete {
    /// The snapshot's id, or DATASET/NAME.
    #[arg(value_name = "SNAPSHOT")]
    id: String,
    #[command(flatten)]
    elevation: Elevation,
    #[command(flatten)]
    connection: Connection,
}

type Client = SnapshotServiceClient<Service>;

/// Runs the command.
pub(super) async fn run(command: SnapshotCommand, format: Format) -> Result<(), Failure> {
    match command {
        SnapshotCommand::Create(wanted) => create(wanted, format).await,
        SnapshotCommand::List(wanted) => list(wanted, format).await,
        SnapshotCommand::Get(wanted) => get(wanted, format).await,
        SnapshotCommand::Diff(wanted) => diff(wanted, format).await,
        SnapshotCommand::Delete(wanted) => delete(wanted, format).await,
    }
}

async fn create(wanted: Create, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let dataset_id = named::dataset(&service, &wanted.id).await?;
    let mut client = Client::new(service);
    let request = CreateSnapshotRequest {
        dataset_id,
        display_name: wanted.name,
        request_id: wanted.request_id,
        etag: wanted.etag,
    };
    let answer = client.create_snapshot(unary(request)).await.map_err(|s| refused(&s))?;
    print(answer.into_inner().snapshot, format)
}

async fn list(wanted: List, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let dataset_id = named::dataset(&service, &wanted.id).await?;
    let mut client = Client::new(service);
    let mut request = ListSnapshotsRequest { dataset_id, ..Default::default() };
    let mut snapshots = Vec::new();
    loop {
        let page = client.list_snapshots(unary(request.clone())).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        snapshots.extend(page.snapshots.into_iter().map(SnapshotView::from));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    match format {
        Format::Text => output::print(&snapshot_view::table(&snapshots)),
        Format::Json => output::print_json(&snapshots),
    }
}

async fn get(wanted: Get, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let snapshot_id = named::snapshot(&service, &wanted.id).await?;
    let mut client = Client::new(service);
    let request = GetSnapshotRequest { snapshot_id };
    let answer = client.get_snapshot(unary(request)).await.map_err(|s| refused(&s))?;
    print(answer.into_inner().snapshot, format)
}

async fn diff(wanted: Diff, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let base_snapshot_id = named::snapshot(&service, &wanted.base).await?;
    let snapshot_id = named::snapshot(&service, &wanted.id).await?;
    let mut client = Client::new(service);
    let mut request = DiffSnapshotsRequest { base_snapshot_id, snapshot_id, ..Default::default() };
    let mut changes = Vec::new();
    loop {
        let page = client.diff_snapshots(unary(request.clone())).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        changes.extend(page.changes.into_iter().map(ChangeView::from));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    match format {
        Format::Text if changes.is_empty() => output::print("the content is equal\n"),
        Format::Text => output::print(&snapshot_view::diff(&changes)),
        Format::Json => output::print_json(&changes),
    }
}

async fn delete(wanted: Delete, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let id = named::snapshot(&service, &wanted.id).await?;
    let message = DeleteSnapshotRequest { snapshot_id: id.clone() };
    let request = action::request(&service, DELETE, message, &wanted.elevation).await?;
    Client::new(service).delete_snapshot(request).await.map_err(|s| refused(&s))?;
    match format {
        Format::Text => output::print(&format!("deleted {}\n", plain(&id))),
        Format::Json => output::print_json(&json!({ "deleted": id })),
    }
}

fn print(snapshot: Option<Snapshot>, format: Format) -> Result<(), Failure> {
    let snapshot = SnapshotView::from(snapshot.unwrap_or_default());
    match format {
        Format::Text => output::print(&snapshot.to_text()),
        Format::Json => output::print_json(&snapshot),
    }
}
