//! Datasets at a running Platform, as the holder of a user token sees them.

mod access;
mod delete;
mod digest;
mod folder;
mod import;
mod items;
mod leaks;
mod list;
mod one;
mod patience;
mod progress;
pub(crate) mod pull;
mod snapshot;
mod snapshot_view;
mod split;
mod uploads;
mod view;

use clap::Subcommand;
use hallpass_contract::platform::dataset_service_client::DatasetServiceClient;

use crate::caller::{self, Connection, Service};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format};
use view::DatasetView;

/// What to do with datasets.
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    /// Import a folder as a new dataset, or as a new state of one; takes up what broke off.
    Import(import::Import),
    /// Fetch the files of a dataset or a snapshot; takes up what broke off.
    Pull(pull::Pull),
    /// List the datasets that you may read.
    List(list::List),
    /// Show one dataset.
    Get(one::Get),
    /// Change a dataset's name or description.
    Update(one::Update),
    /// Delete a dataset and its files.
    Delete(delete::Delete),
    /// Tell what you may do to a dataset, a snapshot or an upload, and whether equal files are in two splits.
    Check(one::Check),
    /// Print a URL of one file, good for at most 60 s for whoever has it.
    Url(one::Url),
    /// List who may use a dataset of yours.
    Access(access::Access),
    /// Give a user a part in a dataset.
    Share(access::Share),
    /// Take a user's part in a dataset away.
    Unshare(access::Unshare),
    /// Let everyone read a dataset.
    Publish(access::Publish),
    /// Let only its owner, and those it is shared with, read a dataset.
    Unpublish(access::Unpublish),
    /// Give a dataset to another user.
    Transfer(access::Transfer),
    /// Say which items are for training, for validation and for test.
    Split(split::SplitArguments),
    /// List a dataset's items with their classes and splits.
    Items(items::Items),
    /// Keep states of datasets, compare and delete them.
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    /// Look at uploads that are not finished, or drop them.
    #[command(subcommand)]
    Uploads(uploads::UploadsCommand),
}

/// Platform's datasets.
type Client = DatasetServiceClient<Service>;

/// Runs the command.
pub(crate) fn run(command: DatasetCommand, format: Format) -> Result<(), Failure> {
    use DatasetCommand as C;
    caller::wait_for(async {
        match command {
            C::Import(wanted) => Box::pin(import::run(wanted, format)).await,
            C::Pull(wanted) => Box::pin(pull::run(wanted, format)).await,
            C::List(wanted) => list::run(&wanted, format).await,
            C::Get(wanted) => one::get(wanted, format).await,
            C::Update(wanted) => one::update(wanted, format).await,
            C::Delete(wanted) => delete::run(wanted, format).await,
            C::Url(wanted) => one::url(wanted, format).await,
            C::Check(wanted) => one::check(wanted, format).await,
            C::Access(wanted) => access::list(wanted, format).await,
            C::Share(wanted) => access::share(wanted, format).await,
            C::Unshare(wanted) => access::unshare(wanted, format).await,
            C::Publish(wanted) => access::publish(wanted, format).await,
            C::Unpublish(wanted) => access::unpublish(wanted, format).await,
            C::Transfer(wanted) => access::transfer(wanted, format).await,
            C::Split(wanted) => split::run(wanted, format).await,
            C::Items(wanted) => items::run(wanted, format).await,
            C::Snapshot(command) => snapshot::run(command, format).await,
            C::Uploads(command) => uploads::run(command, format).await,
        }
    })
}

async fn open(connection: &Connection) -> Result<Client, Failure> {
    Ok(DatasetServiceClient::new(connection.open_as_caller().await?))
}

/// Platform's datasets, and the id of the one that is given by id or name.
async fn find(connection: &Connection, given: &str) -> Result<(Client, String), Failure> {
    let service = connection.open_as_caller().await?;
    let id = named::dataset(&service, given).await?;
    Ok((Client::new(service), id))
}

/// Prints one dataset.
fn print(dataset: &DatasetView, format: Format) -> Result<(), Failure> {
    match format {
        Format::Text => output::print(&dataset.to_text()),
        Format::Json => output::print_json(dataset),
    }
}
