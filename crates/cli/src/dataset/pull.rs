//! Fetches the files of a dataset, a snapshot or a job into a folder, however often the connection breaks.

mod huggingface;
mod journal;
mod landing;
mod table;

use std::path::PathBuf;
use std::pin::Pin;

use clap::{Args, ValueEnum};
use futures_util::{Stream, StreamExt as _};
use hallpass_contract::labeler::{
    DownloadDatasetRequest, DownloadSnapshotRequest, FileChunk, FileInfo, GetDatasetRequest,
    GetSnapshotRequest,
};
use hallpass_contract::platform::dataset_service_client::DatasetServiceClient;
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::platform::{DownloadArtifactRequest, GetJobRequest};
use serde_json::json;
use tonic::{Request, Status};

use super::patience::Patience;
use super::progress::Progress;
use crate::caller::{Caller, Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format, plain};
use huggingface::Plan;
use landing::{Landed, Landing, Next};

/// What to fetch.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset pull $DATASET shapes
  hallpass dataset pull $SNAPSHOT shapes --force
  hallpass dataset pull $DATASET shapes --path circle/01.png --output json
  hallpass dataset pull $DATASET pets --for huggingface

A run that broke off is taken up by running the same command again.")]
pub(crate) struct Pull {
    /// A dataset by its id or name, or a snapshot by its id or as DATASET/NAME.
    #[arg(value_name = "DATASET|SNAPSHOT")]
    id: String,
    /// Lay the images out for a library: a folder for each split, and in each a metadata.csv with the labels. Annotation files are
    /// left out.
    #[arg(long = "for", value_enum, value_name = "LIBRARY", conflicts_with = "path")]
    library: Option<Library>,
    #[command(flatten)]
    into: Into,
}

/// A library that loads folders of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Library {
    /// Hugging Face's datasets: `load_dataset("imagefolder", data_dir=DIR)`.
    Huggingface,
}

/// Where the files go, and which.
#[derive(Debug, Args)]
pub(crate) struct Into {
    /// The folder to write to; made if it is not there. Nothing is written outside it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// One file only.
    #[arg(long, default_value = "", hide_default_value = true)]
    path: String,
    /// Overwrite files that are there with other content.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: Connection,
}

type Pieces =
    Pin<Box<dyn Stream<Item = Result<(Option<FileChunk>, Option<FileInfo>), Status>> + Send>>;

/// Fetches and says what was written.
pub(super) async fn run(wanted: Pull, format: Format) -> Result<(), Failure> {
    let caller = wanted.into.connection.open_caller().await?;
    let id = named::dataset_or_snapshot(&caller.service, &wanted.id).await?;
    match wanted.library {
        None => from(caller, &id, wanted.into, format).await,
        Some(Library::Huggingface) => for_huggingface(caller, &id, wanted.into, format).await,
    }
}

/// Fetches what a job has made, which is given by its id or name.
pub(crate) async fn of_job(job: &str, wanted: Into, format: Format) -> Result<(), Failure> {
    let caller = wanted.connection.open_caller().await?;
    let id = named::job(&caller.service, job).await?;
    from(caller, &id, wanted, format).await
}

/// The images of a dataset by split, with their labels.
async fn for_huggingface(
    caller: Caller,
    id: &str,
    wanted: Into,
    format: Format,
) -> Result<(), Failure> {
    if is_snapshot(id) || is_job(id) {
        return Err(Failure::failed(
            "--for needs the labels of a dataset, and only a dataset has them: give the id of a dataset",
        ));
    }
    let source = Source::find(caller.service.clone(), id).await.map_err(|s| refused(&s))?;
    let plan = Plan::of(caller.service.clone(), id).await?;
    let again = Source::find(caller.service, id).await.map_err(|s| refused(&s))?;
    if again.state != source.state {
        return Err(Failure::failed(
            "the dataset was changed while its labels were read: run the same command again",
        ));
    }
    let (tables, notes, left_out) =
        (plan.tables(), plan.notes(), source.files.saturating_sub(plan.images()));
    let state = format!("{} for huggingface", source.state);
    let landing = Landing::new(wanted.folder.clone(), wanted.force, &state, Some(plan))?;
    let landing = fetch_all(&source, landing, &wanted, caller.is_renewed).await?;
    for (path, text) in tables {
        landing.write(&path, &text)?;
    }
    for note in notes {
        output::note(&note);
    }
    if left_out > 0 {
        output::note(&format!(
            "{left_out} files that are no images were left out: pull without --for to have them"
        ));
    }
    say(landing.finish()?, &wanted, format)
}

/// The same from a dataset, a snapshot or a job.
async fn from(caller: Caller, id: &str, wanted: Into, format: Format) -> Result<(), Failure> {
    let source = Source::find(caller.service, id).await.map_err(|s| refused(&s))?;
    let state = format!("{} {}", source.state, wanted.path);
    let landing = Landing::new(wanted.folder.clone(), wanted.force, &state, None)?;
    let landing = fetch_all(&source, landing, &wanted, caller.is_renewed).await?;
    say(landing.finish()?, &wanted, format)
}

/// Fetches until all have come, however often the connection breaks.
async fn fetch_all(
    source: &Source,
    mut landing: Landing,
    wanted: &Into,
    is_renewed: bool,
) -> Result<Landing, Failure> {
    let mut progress = Progress::new("pulling", source.files, source.bytes);
    for _ in 0..landing.kept {
        progress.end();
    }
    let mut patience = Patience::new(is_renewed);
    loop {
        match fetch(source, &wanted.path, &mut landing, &mut progress, &mut patience).await {
            Ok(()) => return Ok(landing),
            Err(Stop::Failure(failure)) => return Err(failure),
            Err(Stop::Answer(status)) => match patience.wait(&status) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(refused(&status)),
            },
        }
    }
}

fn say(landed: Landed, wanted: &Into, format: Format) -> Result<(), Failure> {
    let Landed { fetched, kept, bytes, left_out } = landed;
    for path in &left_out {
        output::warn(&format!("left out: a file's name cannot be written here: {}", plain(path)));
    }
    if !wanted.path.is_empty() && !left_out.is_empty() {
        return Err(Failure::failed("the file has a name that cannot be written here"));
    }
    let folder = wanted.folder.display().to_string();
    match format {
        Format::Text => output::print(&format!(
            "{} files in {}: {fetched} fetched, {bytes} bytes; {kept} were there\n",
            fetched + kept,
            plain(&folder)
        )),
        Format::Json => output::print_json(&json!({
            "folder": folder, "files": fetched + kept, "fetched": fetched, "kept": kept, "bytes": bytes,
            "left_out": left_out,
        })),
    }
}

/// Why a call ended before all had come.
enum Stop {
    /// The service's answer; it may pass.
    Answer(Status),
    /// Something here is wrong.
    Failure(Failure),
}

/// Takes pieces until all have come.
async fn fetch(
    source: &Source,
    one: &str,
    landing: &mut Landing,
    progress: &mut Progress,
    patience: &mut Patience,
) -> Result<(), Stop> {
    loop {
        let place = landing.place().map(|(path, offset)| (path.to_owned(), offset));
        let mut pieces = source.open(one, place).await.map_err(Stop::Answer)?;
        let left_out = loop {
            let Some(piece) = pieces.next().await else { break false };
            let (chunk, info) = piece.map_err(Stop::Answer)?;
            patience.is_rewarded();
            let chunk = chunk.unwrap_or_default();
            let before = landing.fetched + landing.kept;
            if info.is_some() {
                progress.begin(&chunk.path);
            }
            let next = landing.take(&chunk, info.as_ref()).map_err(Stop::Failure)?;
            progress.bytes(chunk.data.len() as u64);
            if landing.fetched + landing.kept > before {
                progress.end();
            }
            if next == Next::LeaveOut {
                break true;
            }
        };
        if !left_out || !one.is_empty() {
            return Ok(());
        }
    }
}

/// Where the files come from: a dataset, a snapshot, or what a job has made.
struct Source {
    service: Service,
    id: String,
    /// Names the source and its state: what was fetched from another state is not gone on with.
    state: String,
    files: u64,
    bytes: u64,
}

impl Source {
    /// The dataset, snapshot or job of this id.
    async fn find(service: Service, id: &str) -> Result<Self, Status> {
        let id = id.to_owned();
        if is_job(&id) {
            let request = unary(GetJobRequest { job_id: id.clone() });
            let found = JobServiceClient::new(service.clone()).get_job(request).await?;
            let made = found.into_inner().job.unwrap_or_default().result.unwrap_or_default();
            let (files, bytes) = (made.file_count, made.size_bytes);
            return Ok(Self { service, state: id.clone(), id, files, bytes });
        }
        if is_snapshot(&id) {
            let request = unary(GetSnapshotRequest { snapshot_id: id.clone() });
            let mut client = SnapshotServiceClient::new(service.clone());
            let found =
                client.get_snapshot(request).await?.into_inner().snapshot.unwrap_or_default();
            let (files, bytes) = (found.file_count, found.size_bytes);
            return Ok(Self { service, state: id.clone(), id, files, bytes });
        }
        let request = unary(GetDatasetRequest { dataset_id: id.clone() });
        let mut client = DatasetServiceClient::new(service.clone());
        let found = client.get_dataset(request).await?.into_inner().dataset.unwrap_or_default();
        let state = format!("{id} {}", found.etag);
        Ok(Self { service, id, state, files: found.file_count, bytes: found.size_bytes })
    }

    /// The pieces, from a place on.
    async fn open(&self, one: &str, place: Option<(String, u64)>) -> Result<Pieces, Status> {
        let onwards = one.is_empty() && place.is_some();
        let (path, offset) = match place {
            Some((path, offset)) if one.is_empty() || path == one => (path, offset),
            _ => (one.to_owned(), 0),
        };
        let (id, service) = (self.id.clone(), self.service.clone());
        if is_job(&id) {
            let request = DownloadArtifactRequest { job_id: id, path, offset, onwards };
            let mut client = JobServiceClient::new(service);
            let pieces = client.download_artifact(Request::new(request)).await?.into_inner();
            return Ok(Box::pin(pieces.map(|piece| piece.map(|piece| (piece.chunk, piece.file)))));
        }
        if is_snapshot(&id) {
            let request = DownloadSnapshotRequest { snapshot_id: id, path, offset, onwards };
            let mut client = SnapshotServiceClient::new(service);
            let pieces = client.download_snapshot(Request::new(request)).await?.into_inner();
            return Ok(Box::pin(pieces.map(|piece| piece.map(|piece| (piece.chunk, piece.file)))));
        }
        let request = DownloadDatasetRequest { dataset_id: id, path, offset, onwards };
        let mut client = DatasetServiceClient::new(service);
        let pieces = client.download_dataset(Request::new(request)).await?.into_inner();
        Ok(Box::pin(pieces.map(|piece| piece.map(|piece| (piece.chunk, piece.file)))))
    }
}

fn is_job(id: &str) -> bool {
    id.starts_with("job_")
}

fn is_snapshot(id: &str) -> bool {
    id.starts_with("sn_")
}
