//! Training jobs at a running Platform.

mod detail;
mod follow;
mod trainers;
mod view;

use clap::{Args, Subcommand};
use hallpass_contract::labeler::GetSnapshotRequest;
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::platform::{
    AbortJobRequest, CreateJobRequest, GetJobRequest, JobSpec, JobState, ListJobsRequest,
    RetryJobRequest,
};

use crate::action;
use crate::caller::{self, Connection, Service, refused, unary};
use crate::dataset::pull;
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format};
use view::{JobView, table};

const ABORT: &str = "/hallpass.platform.v1.JobService/AbortJob";

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Create a job on a dataset.
    Create(Create),
    /// Show one job.
    Get(Get),
    /// List your jobs, newest first.
    List(List),
    /// List the trainers that jobs can be run with.
    Trainers(trainers::Trainers),
    /// Follow a job until it has ended; exit code 1 unless it has succeeded.
    Watch(follow::Watch),
    /// Abort a job: gets an action token for it and uses it up.
    Abort(Abort),
    /// Run a job again that has failed or was aborted.
    Retry(Retry),
    /// Print what a job's trainer prints, until the job has ended.
    Logs(follow::Logs),
    /// Fetch what a job has made; takes up what broke off.
    Pull(Pull),
}

/// The job to create.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass job create --dataset $DATASET --name first
  hallpass job create --dataset $DATASET --name first --watch
  hallpass job create --snapshot $SNAPSHOT --name first \\
    --trainer stats --output json")]
pub(crate) struct Create {
    /// The dataset to train on, by its id or name.
    #[arg(long, value_name = "DATASET", required_unless_present = "snapshot")]
    dataset: Option<String>,
    /// The snapshot to train on, by its id or as DATASET/NAME.
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
    /// The trainer, as `hallpass job trainers` lists it; not needed where there is only one.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    trainer: String,
    /// Follow it until it has ended.
    #[arg(long)]
    watch: bool,
    /// A name for people.
    #[arg(long)]
    name: String,
    /// Makes the call idempotent: a second one with the same id answers the first one's job. A UUID.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which job.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass job get $JOB\n  hallpass job get $JOB --output json")]
pub(crate) struct Get {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which job to run again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass job retry $JOB

It runs from the beginning, on the dataset as it is now.")]
pub(crate) struct Retry {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which job to abort.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass job abort $JOB

The abort is in force once it is acknowledged. The command then waits up to 10 s for the trainer's end, and shows the job.")]
pub(crate) struct Abort {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    elevation: action::Elevation,
    #[command(flatten)]
    connection: Connection,
}

/// What to fetch.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass job pull $JOB model
  hallpass job pull $JOB model --path metrics.json

A run that broke off is taken up by running the same command again.")]
pub(crate) struct Pull {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    into: pull::Into,
}

/// Where to list, and what.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass job list --state running\n  hallpass job list --output json"
)]
pub(crate) struct List {
    /// Only jobs in this state.
    #[arg(long, value_enum)]
    state: Option<view::State>,
    /// Only jobs on this dataset, by its id or name.
    #[arg(long, value_name = "DATASET", default_value = "", hide_default_value = true)]
    dataset: String,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) fn run(command: JobCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            JobCommand::Create(wanted) => create(wanted, format).await,
            JobCommand::Get(wanted) => get(wanted, format).await,
            JobCommand::List(wanted) => list(&wanted, format).await,
            JobCommand::Trainers(wanted) => trainers::run(&wanted, format).await,
            JobCommand::Watch(wanted) => follow::watch(wanted, format).await,
            JobCommand::Abort(wanted) => abort(wanted, format).await,
            JobCommand::Retry(wanted) => retry(wanted, format).await,
            JobCommand::Logs(wanted) => follow::logs(wanted, format).await,
            JobCommand::Pull(wanted) => pull::of_job(&wanted.id, wanted.into, format).await,
        }
    })
}

/// Platform's jobs, and the id of the one that is given by id or name.
async fn find(
    connection: &Connection,
    given: &str,
) -> Result<(JobServiceClient<Service>, String), Failure> {
    let service = connection.open_as_caller().await?;
    let id = named::job(&service, given).await?;
    Ok((JobServiceClient::new(service), id))
}

async fn create(wanted: Create, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let mut client = JobServiceClient::new(service.clone());
    let snapshot_id = match &wanted.snapshot {
        Some(snapshot) => named::snapshot(&service, snapshot).await?,
        None => String::new(),
    };
    let dataset_id = match &wanted.dataset {
        Some(dataset) => named::dataset(&service, dataset).await?,
        None => dataset_of(service, snapshot_id.clone()).await?,
    };
    let job =
        JobSpec { display_name: wanted.name, dataset_id, snapshot_id, trainer: wanted.trainer };
    let request = CreateJobRequest { job: Some(job), request_id: wanted.request_id };
    let created = client.create_job(unary(request)).await.map_err(|s| refused(&s))?;
    let job = created.into_inner().job.unwrap_or_default();
    if wanted.watch {
        return follow::job(&mut client, job.job_id, format).await;
    }
    print(&job.into(), format)
}

/// The dataset that a snapshot is of.
async fn dataset_of(service: Service, snapshot_id: String) -> Result<String, Failure> {
    let request = unary(GetSnapshotRequest { snapshot_id });
    let found = SnapshotServiceClient::new(service).get_snapshot(request).await;
    let found = found.map_err(|s| refused(&s))?.into_inner().snapshot;
    Ok(found.unwrap_or_default().dataset_id)
}

async fn abort(wanted: Abort, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let job_id = named::job(&service, &wanted.id).await?;
    let message = AbortJobRequest { job_id };
    let request = action::request(&service, ABORT, message, &wanted.elevation).await?;
    let mut client = JobServiceClient::new(service);
    let answer = client.abort_job(request).await;
    let job = answer.map_err(|s| refused(&s))?.into_inner().job.unwrap_or_default();
    print(&follow::until_ended(&mut client, job.into()).await, format)
}

async fn retry(wanted: Retry, format: Format) -> Result<(), Failure> {
    let (mut client, job_id) = find(&wanted.connection, &wanted.id).await?;
    let request = unary(RetryJobRequest { job_id });
    let answer = client.retry_job(request).await.map_err(|s| refused(&s))?;
    print(&answer.into_inner().job.unwrap_or_default().into(), format)
}

async fn get(wanted: Get, format: Format) -> Result<(), Failure> {
    let (mut client, job_id) = find(&wanted.connection, &wanted.id).await?;
    let request = GetJobRequest { job_id };
    let got = client.get_job(unary(request)).await.map_err(|s| refused(&s))?;
    print(&got.into_inner().job.unwrap_or_default().into(), format)
}

async fn list(wanted: &List, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let dataset_id = match wanted.dataset.as_str() {
        "" => String::new(),
        dataset => named::dataset(&service, dataset).await?,
    };
    let mut client = JobServiceClient::new(service);
    let mut jobs: Vec<JobView> = Vec::new();
    let mut page_token = String::new();
    loop {
        let state = wanted.state.map_or(JobState::Unspecified, JobState::from).into();
        let dataset_id = dataset_id.clone();
        let request = ListJobsRequest { page_size: 0, page_token, state, dataset_id };
        let page = client.list_jobs(unary(request)).await.map_err(|s| refused(&s))?.into_inner();
        jobs.extend(page.jobs.into_iter().map(JobView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    match format {
        Format::Text => output::print(&table(&jobs)),
        Format::Json => output::print_json(&jobs),
    }
}

fn print(job: &JobView, format: Format) -> Result<(), Failure> {
    match format {
        Format::Text => output::print(&detail::text(job)),
        Format::Json => output::print_json(job),
    }
}
