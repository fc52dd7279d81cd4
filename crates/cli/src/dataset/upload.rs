//! Uploads a folder as a new dataset: all of it, or nothing.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use hallpass_contract::labeler::{CreateDatasetResponse, CreateDatasetStart};
use hallpass_contract::labeler::{DatasetFormat, DatasetSpec, Role, Share, Visibility};
use tokio::sync::oneshot;
use tonic::{Request, Response};

use super::folder::{self, LocalFile};
use super::parts::{Progress, parts};
use super::{Client, open, print};
use crate::caller::{Connection, refused};
use crate::failure::Failure;
use crate::output::{Format, plain};

/// What to upload.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset upload shapes --name shapes
  hallpass dataset upload shapes --name shapes --share bob:viewer --share carol:editor
  hallpass dataset upload shapes --name shapes --public --output json")]
pub(crate) struct Upload {
    /// A folder with a subfolder of images for each class. Links in it are refused.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// A name for people.
    #[arg(long)]
    name: String,
    /// Let everyone read it.
    #[arg(long)]
    public: bool,
    /// Share it from the start; repeatable. The role is viewer or editor.
    #[arg(long = "share", value_name = "USER:ROLE")]
    shares: Vec<Shared>,
    /// Makes the upload idempotent: a second one with the same id answers the first one's dataset. A UUID.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
    #[command(flatten)]
    connection: Connection,
}

/// A user and what that user may do, as `user:role`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shared {
    subject: String,
    role: Role,
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

/// Uploads and prints the new dataset.
pub(super) async fn run(wanted: Upload, format: Format) -> Result<(), Failure> {
    let files = folder::files_of(&wanted.folder)?;
    let client = open(&wanted.connection).await?;
    let created = send(client, start(wanted), files).await?.into_inner();
    print(&created.dataset.unwrap_or_default().into(), format)
}

async fn send(
    mut client: Client,
    start: CreateDatasetStart,
    files: Vec<LocalFile>,
) -> Result<Response<CreateDatasetResponse>, Failure> {
    let (failed, failure) = oneshot::channel();
    let progress = progress(files.len());
    let call = client.create_dataset(Request::new(parts(start, files, failed, progress)));
    tokio::select! {
        answer = call => answer.map_err(|status| refused(&status)),
        Ok(failure) = failure => Err(failure),
    }
}

fn start(wanted: Upload) -> CreateDatasetStart {
    let visibility = if wanted.public { Visibility::Public } else { Visibility::Private };
    let shares = wanted.shares.into_iter();
    let shares = shares.map(|with| Share { subject: with.subject, role: with.role.into() });
    CreateDatasetStart {
        dataset: Some(DatasetSpec {
            display_name: wanted.name,
            format: DatasetFormat::Unspecified.into(),
            visibility: visibility.into(),
            shares: shares.collect(),
            description: String::new(),
        }),
        request_id: wanted.request_id,
    }
}

/// One line on stderr for each file, if a person watches.
fn progress(total: usize) -> Progress {
    if !std::io::stderr().is_terminal() {
        return Box::new(|_, _| ());
    }
    Box::new(move |begun, path| {
        // An upload goes on without its progress.
        let _ = writeln!(std::io::stderr(), "{begun}/{total} {}", plain(path));
    })
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
