//! Everything that can go wrong behind the object check. What clients are told of it: `status`.

use hallpass_policy::Refusal;
use tonic::Status;

use crate::labeler::LabelerError;

/// Why Platform does not do what it was asked for. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field of the request is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// The request's field, dotted where nested.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The request id was used before, for another job.
    #[error("the request id was used for another job")]
    RequestReused,
    /// The object went away after its check; the client gets the same refusal as for one that never was.
    #[error("gone: {0}")]
    Gone(Refusal),
    /// Nobody would own the job.
    #[error("the call is made for no user")]
    NoUser,
    /// The job has ended, and what was asked for is for one that has not.
    #[error("the job has {0}")]
    JobEnded(
        /// Its state.
        &'static str,
    ),
    /// The job has not failed, and what was asked for is for one that has.
    #[error("the job is {0}")]
    JobNotFailed(
        /// Its state.
        &'static str,
    ),
    /// The user has too many jobs that have not ended.
    #[error(
        "too many jobs are queued or running; {most} are allowed for one user: wait for some to end, or abort some"
    )]
    TooManyJobs {
        /// How many one user may have.
        most: u32,
    },
    /// The job has made nothing.
    #[error("the job is {0}: it has no result")]
    NoResult(
        /// Its state.
        &'static str,
    ),
    /// The job has made no such file.
    #[error("the job has made no file {path:?}")]
    NoSuchFile {
        /// The path, shortened.
        path: String,
    },
    /// A download is to begin behind the end of a file.
    #[error("the file has {size} bytes")]
    OffsetPastEnd {
        /// How many bytes it has.
        size: u64,
    },
    /// The store of results has not what it should, or does not answer.
    #[error("the store of results: {0}")]
    Artifacts(#[from] hallpass_jobs::ArtifactError),
    /// The client ended its upload with an error, went away, or was cut off.
    #[error("the upload broke off: {}", .0.code())]
    BrokenOff(Status),
    /// Platform's own token at Labeler ended in the middle of an upload that can go on.
    #[error("the upload is interrupted: platform's token at labeler has ended")]
    UploadInterrupted,
    /// Labeler did not do its part.
    #[error(transparent)]
    Labeler(#[from] LabelerError),
    /// The database cannot be reached or holds something that it must not.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The disk is so full that it takes no ordinary writes.
    #[error(transparent)]
    NoSpace(#[from] hallpass_store::NoSpace),
    /// The system gives no random bits.
    #[error("no random bits")]
    Chance,
}
