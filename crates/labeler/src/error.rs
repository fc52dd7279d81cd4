//! Everything that can go wrong behind the object check. What clients are told of it: `status`.

use std::borrow::Cow;
use std::time::Duration;

use hallpass_formats::Problems;
use hallpass_policy::Refusal;
use hallpass_store::NoSpace;
use tonic::Status;

use crate::model::access::Kind;

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
    /// The files do not make a dataset: what is wrong, file by file.
    #[error("the upload is refused: {0}")]
    ContentRefused(Problems),
    /// The bytes that have come are not those that the client announced.
    #[error(
        "file {path}: does not have the SHA-256 that was announced; right: write it anew from offset 0"
    )]
    HashMismatch {
        /// The file's path, quoted.
        path: String,
    },
    /// The client would go on elsewhere than where the upload is.
    #[error(
        "file {path}: {received} bytes have come; right: offset {received}, or 0 to write the file anew"
    )]
    OffsetMismatch {
        /// The file's path, quoted.
        path: String,
        /// How many bytes have come.
        received: u64,
    },
    /// Another stream is writing the file.
    #[error("file {path}: another call is writing it; right: wait until that one has ended")]
    FileBusy {
        /// The file's path, quoted.
        path: String,
    },
    /// The upload is to be finished, and some of its files are not whole.
    #[error("the upload is not complete: {0}")]
    Incomplete(String),
    /// The dataset would not have the content that the client announced.
    #[error("the files do not have the content_sha256 that was announced")]
    ContentMismatch,
    /// The upload or its dataset changed again and again while it was being finished.
    #[error(
        "the upload or its dataset is being changed; right: finish it when nothing else writes"
    )]
    UploadChanged,
    /// The upload was finished, dropped, or has expired while it was being written.
    #[error("the upload has ended")]
    UploadEnded,
    /// Another call is finishing the upload.
    #[error("the upload is being finished by another call: wait until that has ended")]
    UploadBusy,
    /// The client sent nothing for too long.
    #[error("nothing came for {} s; right: go on from what ListUploadFiles says", .0.as_secs_f64())]
    Idle(Duration),
    /// The user has too many uploads open.
    #[error("too many uploads are open; {most} are allowed; right: finish or cancel some")]
    TooManyUploads {
        /// How many may be open.
        most: u32,
    },
    /// The user's open uploads hold too much.
    #[error(
        "the open uploads hold too much; {most} bytes are allowed in all; right: finish or cancel some"
    )]
    UploadsTooBig {
        /// How many bytes they may hold.
        most: u64,
    },
    /// The owner has too many datasets.
    #[error("too many datasets and open uploads; {most} are allowed for one owner: delete some")]
    TooManyDatasets {
        /// How many one owner may have.
        most: u64,
    },
    /// The owner's datasets hold too much.
    #[error("the owner's datasets and snapshots would hold more than {most} bytes: delete some")]
    DatasetsTooBig {
        /// How many bytes one owner's may hold.
        most: u64,
    },
    /// The dataset has too many snapshots.
    #[error("the dataset has too many snapshots; {most} are allowed: delete some")]
    TooManySnapshots {
        /// How many one dataset may have.
        most: u64,
    },
    /// The dataset is shared with too many users.
    #[error(
        "the dataset is shared with too many users; {most} are allowed: make it public, or take shares away"
    )]
    TooManyShares {
        /// With how many one may be shared.
        most: u64,
    },
    /// What others give a user takes half of the user's quota at most.
    #[error(
        "the new owner's datasets take half of their quota or more: they can make room, or copy the dataset"
    )]
    NewOwnerFull,
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
    /// Other uploads have the memory.
    #[error("uploads of this user, or of all, have the memory that uploads may have: try again")]
    UploadsBusy,
    /// Where clients reach this service is not known.
    #[error(
        "no address for download URLs is known: the operator sets labeler.download_url; or use DownloadDataset"
    )]
    NoUrls,
    /// The datasets asked for do not fit into one answer.
    #[error("the answer would be too big")]
    AnswerTooBig,
    /// Nobody would own the dataset.
    #[error("the call is made for no user")]
    NoUser,
    /// The disk, or the part of it that the server may use, is full.
    #[error("the server's disk is full: try again later")]
    DiskFull,
    /// The disk is so full that it takes no ordinary writes.
    #[error(transparent)]
    NoSpace(#[from] NoSpace),
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
    /// The system gives no random bits.
    #[error("no random bits")]
    Chance,
    /// A task that stored an upload, or removed what was stored, panicked.
    #[error("a task panicked, or the process is stopping: the log says where")]
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

impl Error {
    /// The same error where the field is not in a message `start`.
    pub(crate) fn outside_start(self) -> Self {
        match self {
            Self::Invalid { field, problem } => {
                let field = field.strip_prefix("start.").unwrap_or(&field).to_owned().into();
                Self::Invalid { field, problem }
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
