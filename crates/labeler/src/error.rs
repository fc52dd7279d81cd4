//! Everything that can go wrong behind the object check. What clients are told of it: `status`.

use std::borrow::Cow;

use hallpass_policy::Refusal;
use tonic::Status;

use crate::access::Kind;

/// Why Labeler does not do what it was asked for. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field of the request is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// The request's field, dotted where nested.
        field: Cow<'static, str>,
        /// What is wrong with it.
        problem: String,
    },
    /// An uploaded file is refused.
    #[error("file {path}: {problem}")]
    FileRefused {
        /// The file's path, quoted.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The files together are no dataset.
    #[error("the upload {0}")]
    UploadRefused(String),
    /// The client ended its upload with an error, or went away.
    #[error("the upload broke off: {}", .0.code())]
    BrokenOff(Status),
    /// The request id was used before, for another dataset.
    #[error("the request id was used for another dataset")]
    RequestReused,
    /// The dataset has changed since the client saw it.
    #[error("the etag is not the dataset's")]
    EtagMismatch,
    /// The dataset cannot go: these snapshots hold on to its files. Said to those alone who may delete it.
    #[error("{}", needed_by(.0))]
    SnapshotsNeedIt(Vec<String>),
    /// The dataset is there and the file is not.
    #[error("no file {path}")]
    NoSuchFile {
        /// The file's path, quoted.
        path: String,
    },
    /// The client wants to begin behind the file's end.
    #[error("the file has {size} bytes")]
    OffsetPastEnd {
        /// How many bytes the file has.
        size: u64,
    },
    /// What the permit allows does not reach so far, or the dataset was deleted after the object check. The client gets the same
    /// refusal as for a dataset that never was.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The dataset or snapshot was deleted while its files were being sent.
    #[error("the {} was deleted during the download", .0.name())]
    GoneMidway(Kind),
    /// The dataset's files became others while they were being sent.
    #[error(
        "the dataset was changed during the download; right: begin anew, or download a snapshot"
    )]
    ChangedMidway,
    /// The store is no web server.
    #[error("the files lie in a local folder, which has no URLs; right: DownloadDataset")]
    NoUrls,
    /// The datasets asked for do not fit into one answer.
    #[error("the answer would be too big")]
    AnswerTooBig,
    /// Nobody would own the dataset.
    #[error("the call is made for no user")]
    NoUser,
    /// There is no space left for files.
    #[error("the disk is full")]
    DiskFull,
    /// The files cannot be reached.
    #[error("file store: {action}: {cause}")]
    Files {
        /// What was being done.
        action: &'static str,
        /// What the store said.
        cause: String,
    },
    /// A file is not what was uploaded.
    #[error("stored file {path} of {dataset_id} is damaged: {problem}")]
    Damaged {
        /// The dataset's id.
        dataset_id: String,
        /// The file's path, quoted.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The database cannot be reached or holds something that it must not.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The RPC is declared and not served yet.
    #[error("not served yet")]
    NotServed,
    /// The system gives no random bits.
    #[error("no random bits")]
    Chance,
    /// The task that stored an upload ended without an answer.
    #[error("the upload's task ended without an answer")]
    TaskLost,
}

impl Error {
    /// A wrong field.
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// The same error where the field is one of this message.
    pub(crate) fn within(self, message: &str) -> Self {
        match self {
            Self::Invalid { field, problem } => {
                Self::Invalid { field: format!("{message}.{field}").into(), problem }
            }
            other => other,
        }
    }
}

/// At most so many snapshots are named in a message.
const NAMED: usize = 10;

fn needed_by(snapshots: &[String]) -> String {
    let named = snapshots.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match snapshots.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("snapshots need its files: {named}{more}; right: delete them first")
}
