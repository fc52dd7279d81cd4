//! Imports a folder: as a new dataset, or as a new state of one. It may take longer than a connection and longer than a token.
//!
//! Invariant: what the service has taken is not sent again, and the dataset is there only once all of it is, byte for byte.

mod inspect;
mod parts;
mod request_id;
mod session;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use hallpass_contract::labeler::{
    CreateRevisionRequest, CreateUploadRequest, Dataset, DatasetFormat, DatasetSpec,
    ImportFolderRequest, Role, Share, Visibility,
};
use hallpass_contract::platform::upload_service_client::UploadServiceClient;

use super::folder::{Hashed, at};
use super::{digest, print};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{Format, plain};
use inspect::{Whole, inspect};
use session::{Finish, Session};

/// What to import.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset import shapes --name shapes
  hallpass dataset import shapes --name shared --share bob:viewer \\
    --share carol:editor --description 'Circles and squares'
  hallpass dataset import shapes --into $DATASET --mirror
  hallpass dataset import --server-path lab:shapes/2026 --name shapes
  hallpass dataset import shapes --name long --output json \\
    --mint-with hallpass-data/keys/users.json

If an import is interrupted, run the same command again: only what is missing or has changed is sent.
A folder that is refused leaves nothing behind. Hidden files and those that systems leave (.DS_Store, Thumbs.db) are skipped.")]
pub(crate) struct Import {
    /// A folder: images in subfolders by class, or with annotations: COCO, YOLO, CSV, JSON. Links in it are refused.
    #[arg(value_name = "FOLDER", required_unless_present = "server_path")]
    folder: Option<PathBuf>,
    /// A folder that the server can read, as ROOT:PATH, beneath a root that its operator has configured.
    #[arg(long, value_name = "ROOT:PATH", conflicts_with_all = ["folder", "into"])]
    server_path: Option<ServerPath>,
    /// A name for people [default: the folder's].
    #[arg(long, conflicts_with = "into")]
    name: Option<String>,
    /// What it is, for people.
    #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "into")]
    description: String,
    /// How the files are laid out [default: found out from the files].
    #[arg(long, value_enum, conflicts_with = "into")]
    format: Option<Layout>,
    /// Let everyone read it.
    #[arg(long, conflicts_with = "into")]
    public: bool,
    /// Share it from the start; repeatable. The role is viewer or editor.
    #[arg(long = "share", value_name = "USER:ROLE", conflicts_with = "into")]
    shares: Vec<Shared>,
    /// Change the files of this dataset instead of making a new one.
    #[arg(long, value_name = "ID")]
    into: Option<String>,
    /// With --into: drop the dataset's files that the folder does not have.
    #[arg(long, requires = "into")]
    mirror: bool,
    /// Makes the import idempotent. A UUID [default: derived from server, user, folder and name].
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// How files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// A folder of images for each class.
    ImageFolder,
    /// COCO's JSON of annotations.
    Coco,
    /// A text file of boxes for each image.
    Yolo,
    /// A table of labels: CSV, JSON Lines, or the JSON of a labelling tool.
    Csv,
}

impl Layout {
    /// As the contract has it.
    pub(super) const fn to_wire(self) -> DatasetFormat {
        match self {
            Self::ImageFolder => DatasetFormat::ImageFolder,
            Self::Coco => DatasetFormat::Coco,
            Self::Yolo => DatasetFormat::Yolo,
            Self::Csv => DatasetFormat::Csv,
        }
    }

    /// As the checks have it.
    const fn to_formats(self) -> hallpass_formats::Format {
        match self {
            Self::ImageFolder => hallpass_formats::Format::ImageFolder,
            Self::Coco => hallpass_formats::Format::Coco,
            Self::Yolo => hallpass_formats::Format::Yolo,
            Self::Csv => hallpass_formats::Format::Csv,
        }
    }
}

/// A user and what that user may do, as `user:role`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shared {
    /// The user.
    pub(super) subject: String,
    /// The role.
    pub(super) role: Role,
}

impl FromStr for Shared {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A user's name may hold a colon, a role does not.
        let (subject, role) = match text.rsplit_once(':') {
            Some((subject, "viewer")) => (subject, Role::Viewer),
            Some((subject, "editor")) => (subject, Role::Editor),
            _ => return Err("right: USER:viewer or USER:editor"),
        };
        if subject.is_empty() {
            return Err("no user; right: USER:viewer or USER:editor");
        }
        Ok(Self { subject: subject.to_owned(), role })
    }
}

/// A root's name and a folder beneath it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ServerPath {
    root: String,
    path: String,
}

impl FromStr for ServerPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((root, path)) if !root.is_empty() => {
                Ok(Self { root: root.to_owned(), path: path.to_owned() })
            }
            _ => Err("right: ROOT:PATH, such as lab:shapes/2026"),
        }
    }
}

/// Imports and prints the dataset.
pub(super) async fn run(wanted: Import, format: Format) -> Result<(), Failure> {
    let dataset = match (&wanted.folder, &wanted.server_path) {
        (Some(folder), _) => from_folder(&wanted, folder).await?,
        (None, Some(place)) => on_server(&wanted, place).await?,
        (None, None) => return Err(Failure::arguments("no FOLDER; right: one, or --server-path")),
    };
    print(&dataset.into(), format)
}

async fn on_server(wanted: &Import, place: &ServerPath) -> Result<Dataset, Failure> {
    let last = place.path.rsplit('/').find(|part| !part.is_empty());
    let message = ImportFolderRequest {
        dataset: Some(spec(wanted, last.unwrap_or(&place.root))),
        root: place.root.clone(),
        path: place.path.clone(),
        request_id: wanted.request_id.clone().unwrap_or_default(),
    };
    // It takes as long as it takes to read the folder.
    let mut client = UploadServiceClient::new(wanted.connection.open_as_caller().await?);
    let answer = client.import_folder(tonic::Request::new(message)).await;
    Ok(answer.map_err(|status| refused(&status))?.into_inner().dataset.unwrap_or_default())
}

async fn from_folder(wanted: &Import, folder: &Path) -> Result<Dataset, Failure> {
    let folder = folder.canonicalize().map_err(|error| at(folder, &error))?;
    let given = wanted.format.map(Layout::to_formats);
    let whole = if wanted.into.is_none() { Whole::Dataset(given) } else { Whole::Part };
    let files = inspect(&folder, whole)?;
    let caller = wanted.connection.open_caller().await?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let spec = spec(wanted, &name.unwrap_or_default());
    let into = match &wanted.into {
        Some(dataset) => named::dataset(&caller.service, dataset).await?,
        None => String::new(),
    };
    let server = wanted.connection.server()?;
    let request_id = wanted.request_id.clone().unwrap_or_else(|| {
        request_id::derive(&server, &caller.subject, &folder, &into, &spec.display_name)
    });
    let finish = Finish {
        // What else a dataset holds that changes is not known here.
        content_sha256: (into.is_empty() || wanted.mirror).then(|| digest::content(&files)),
        remove_others: wanted.mirror,
    };
    let client = UploadServiceClient::new(caller.service.clone());
    let open = Open { client, spec, into, request_id };
    let mut session = Session::new(open, caller.is_renewed, files);
    session.run(&finish).await
}

fn spec(wanted: &Import, usual_name: &str) -> DatasetSpec {
    let visibility = if wanted.public { Visibility::Public } else { Visibility::Private };
    let shares = wanted.shares.iter();
    let shares = shares.map(|with| Share { subject: with.subject.clone(), role: with.role.into() });
    DatasetSpec {
        display_name: wanted.name.clone().unwrap_or_else(|| usual_name.to_owned()),
        format: wanted.format.map_or(DatasetFormat::Unspecified, Layout::to_wire).into(),
        visibility: visibility.into(),
        shares: shares.collect(),
        description: wanted.description.clone(),
    }
}

/// How the upload is opened, the first time and after a cut.
struct Open {
    client: session::Client,
    spec: DatasetSpec,
    into: String,
    request_id: String,
}

/// What opening gave.
enum Opened {
    /// An upload to write into.
    Upload(String),
    /// The same import was finished before.
    Finished(Box<Dataset>),
}

impl Open {
    /// Opens the upload, or finds the one that an earlier run has opened.
    async fn open(&mut self) -> Result<Opened, tonic::Status> {
        let request_id = self.request_id.clone();
        if !self.into.is_empty() {
            let message = CreateRevisionRequest { dataset_id: self.into.clone(), request_id };
            let made = self.client.create_revision(unary(message)).await?.into_inner();
            return Ok(Opened::Upload(made.upload.unwrap_or_default().upload_id));
        }
        let message = CreateUploadRequest { dataset: Some(self.spec.clone()), request_id };
        let made = self.client.create_upload(unary(message)).await?.into_inner();
        Ok(match (made.upload, made.dataset) {
            (_, Some(dataset)) => Opened::Finished(Box::new(dataset)),
            (upload, None) => Opened::Upload(upload.unwrap_or_default().upload_id),
        })
    }
}

/// The dataset of an earlier run, if it is what the folder is now.
fn of_earlier_run(dataset: Dataset, files: &[Hashed]) -> Result<Dataset, Failure> {
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    if dataset.file_count == files.len() as u64 && dataset.size_bytes == bytes {
        return Ok(dataset);
    }
    Err(Failure::failed(format_args!(
        "the folder was imported before, as {}, and has changed since; right: --into {0} --mirror, or another --name",
        plain(&dataset.dataset_id)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let shared = |subject: &str, role| Ok(Shared { subject: subject.to_owned(), role });
        assert_eq!("bob:viewer".parse(), shared("bob", Role::Viewer));
        assert_eq!("urn:user:7:editor".parse(), shared("urn:user:7", Role::Editor));
        for text in ["bob", "bob:", ":viewer", "bob:owner", "bob:Viewer", "", ":"] {
            assert!(text.parse::<Shared>().is_err(), "{text}");
        }
    }
}
