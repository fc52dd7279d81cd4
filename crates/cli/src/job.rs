//! Training jobs at a running Platform. They are stored as queued.

use clap::{Args, Subcommand};
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::{
    CreateJobRequest, GetJobRequest, Job, JobSpec, JobState, ListJobsRequest,
};
use serde::Serialize;

use crate::caller::{self, Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, plain};

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Create a job on a dataset.
    Create(Create),
    /// Show one job.
    Get(Get),
    /// List your jobs, newest first.
    List(List),
}

/// The job to create.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass job create --dataset ds_1 --name first
  hallpass job create --dataset ds_1 --name first --output json")]
pub(crate) struct Create {
    /// The id of the dataset to train on.
    #[arg(long, value_name = "ID")]
    dataset: String,
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
#[command(
    after_help = "Examples:\n  hallpass job get job_1\n  hallpass job get job_1 --output json"
)]
pub(crate) struct Get {
    /// The job's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Where to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass job list\n  hallpass job list --output json")]
pub(crate) struct List {
    #[command(flatten)]
    connection: Connection,
}

/// A job as it is printed.
#[derive(Debug, Serialize)]
struct JobView {
    job_id: String,
    display_name: String,
    owner: String,
    dataset_id: String,
    dataset_etag: String,
    state: &'static str,
    etag: String,
    create_time: String,
}

/// Runs the command.
pub(crate) fn run(command: JobCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            JobCommand::Create(wanted) => create(wanted, format).await,
            JobCommand::Get(wanted) => get(wanted, format).await,
            JobCommand::List(wanted) => list(&wanted, format).await,
        }
    })
}

async fn open(connection: &Connection) -> Result<JobServiceClient<Service>, Failure> {
    Ok(JobServiceClient::new(connection.open_as_caller().await?))
}

async fn create(wanted: Create, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let job = JobSpec { display_name: wanted.name, dataset_id: wanted.dataset };
    let request = CreateJobRequest { job: Some(job), request_id: wanted.request_id };
    let created = client.create_job(unary(request)).await.map_err(|s| refused(&s))?;
    print(&created.into_inner().job.unwrap_or_default().into(), format)
}

async fn get(wanted: Get, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let request = GetJobRequest { job_id: wanted.id };
    let got = client.get_job(unary(request)).await.map_err(|s| refused(&s))?;
    print(&got.into_inner().job.unwrap_or_default().into(), format)
}

async fn list(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let mut jobs: Vec<JobView> = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListJobsRequest { page_size: 0, page_token };
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
        Format::Text => output::print(&table(std::slice::from_ref(job))),
        Format::Json => output::print_json(job),
    }
}

fn table(jobs: &[JobView]) -> String {
    let head = ["ID", "NAME", "OWNER", "DATASET", "STATE", "CREATED"].map(str::to_owned).to_vec();
    let rows = jobs.iter().map(|job| {
        let cells = [
            &job.job_id,
            &job.display_name,
            &job.owner,
            &job.dataset_id,
            job.state,
            &job.create_time,
        ];
        cells.map(|cell: &str| plain(cell).into_owned()).to_vec()
    });
    output::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let state = match job.state() {
            JobState::Unspecified => "unspecified",
            JobState::Queued => "queued",
        };
        Self {
            job_id: job.job_id,
            display_name: job.display_name,
            owner: job.owner,
            dataset_id: job.dataset_id,
            dataset_etag: job.dataset_etag,
            state,
            etag: job.etag,
            create_time: instant::of_timestamp(job.create_time),
        }
    }
}
