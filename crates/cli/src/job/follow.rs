//! Follows a job: a bar on a terminal, a line for each change elsewhere.
//!
//! Invariant: a stream that breaks is taken up where it broke, and nothing that a trainer prints steers the terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::{StreamJobLogsRequest, WatchJobRequest};
use indicatif::{ProgressBar, ProgressStyle};
use tonic::{Code, Request, Status};

use super::view::JobView;
use crate::caller::{Connection, Service, refused};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// So often in a row a stream is begun anew that brings nothing.
const FRUITLESS: u32 = 5;

/// How long the end of an aborted job is waited for: twice the grace that a trainer has by default.
const ABORTED: Duration = Duration::from_secs(10);

/// Which job to follow.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass job watch $JOB\n  hallpass job watch $JOB --output json"
)]
pub(crate) struct Watch {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which logs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass job logs $JOB")]
pub(crate) struct Logs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Follows a job to its end.
pub(super) async fn watch(wanted: Watch, format: Format) -> Result<(), Failure> {
    let (mut client, id) = super::find(&wanted.connection, &wanted.id).await?;
    job(&mut client, id, format).await
}

/// The same with a client at hand. With JSON only the end is printed.
pub(super) async fn job(
    client: &mut JobServiceClient<Service>,
    job_id: String,
    format: Format,
) -> Result<(), Failure> {
    let shown = Shown::new(format);
    let (mut etag, mut last, mut fruitless) = (String::new(), None, 0);
    loop {
        let request = WatchJobRequest { job_id: job_id.clone(), etag: etag.clone() };
        let broken = match client.watch_job(Request::new(request)).await {
            Ok(answer) => {
                let mut changes = answer.into_inner();
                loop {
                    match changes.message().await {
                        Ok(Some(change)) => {
                            let job = change.job.unwrap_or_default();
                            (etag, fruitless) = (job.etag.clone(), 0);
                            let view = JobView::from(job);
                            shown.news(&view)?;
                            last = Some(view);
                        }
                        Ok(None) => return shown.end(last, format),
                        Err(status) => break status,
                    }
                }
            }
            Err(status) => status,
        };
        fruitless = again(&broken, fruitless).await?;
    }
}

/// The job once it has ended; as it was last seen where that takes too long, or where the caller may not watch it.
pub(super) async fn until_ended(client: &mut JobServiceClient<Service>, job: JobView) -> JobView {
    let mut last = job;
    let request = WatchJobRequest { job_id: last.job_id.clone(), etag: last.etag.clone() };
    let watched = async {
        if last.has_ended() {
            return;
        }
        let Ok(changes) = client.watch_job(Request::new(request)).await else { return };
        let mut changes = changes.into_inner();
        while let Ok(Some(change)) = changes.message().await {
            last = change.job.unwrap_or_default().into();
        }
    };
    // Late or not, the abort is in force: what was seen last is told.
    let _ = tokio::time::timeout(ABORTED, watched).await;
    last
}

/// Prints what the trainer prints.
pub(super) async fn logs(wanted: Logs, format: Format) -> Result<(), Failure> {
    let (mut client, id) = super::find(&wanted.connection, &wanted.id).await?;
    let (mut after, mut fruitless) = (0, 0);
    loop {
        let request = StreamJobLogsRequest { job_id: id.clone(), after };
        let broken = match client.stream_job_logs(Request::new(request)).await {
            Ok(answer) => {
                let mut lines = answer.into_inner();
                loop {
                    match lines.message().await {
                        Ok(Some(printed)) => {
                            (after, fruitless) = (printed.number, 0);
                            output::print(&line(&printed.line, printed.number, format))?;
                        }
                        Ok(None) => return Ok(()),
                        Err(status) => break status,
                    }
                }
            }
            Err(status) => status,
        };
        fruitless = again(&broken, fruitless).await?;
    }
}

fn line(text: &str, number: u64, format: Format) -> String {
    match format {
        Format::Text => format!("{}\n", plain(text)),
        Format::Json => format!("{}\n", serde_json::json!({"number": number, "line": text})),
    }
}

/// Waits before the next try, where one is worth it.
async fn again(broken: &Status, fruitless: u32) -> Result<u32, Failure> {
    let passing = matches!(broken.code(), Code::Unavailable | Code::Cancelled | Code::Unknown);
    if !passing || fruitless >= FRUITLESS {
        return Err(refused(broken));
    }
    tokio::time::sleep(Duration::from_millis(250) * 2_u32.pow(fruitless)).await;
    Ok(fruitless + 1)
}

/// Where the news goes.
enum Shown {
    Bar(ProgressBar),
    Lines,
    EndOnly,
}

impl Shown {
    fn new(format: Format) -> Self {
        if format == Format::Json {
            return Self::EndOnly;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new(1000);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self::Bar(bar)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000"
    )]
    fn news(&self, job: &JobView) -> Result<(), Failure> {
        match self {
            Self::Bar(bar) => {
                bar.set_position((job.progress.clamp(0.0, 1.0) * 1000.0) as u64);
                bar.set_message(job.news());
                Ok(())
            }
            Self::Lines => output::print(&format!("{}\n", job.news())),
            Self::EndOnly => Ok(()),
        }
    }

    fn end(&self, last: Option<JobView>, format: Format) -> Result<(), Failure> {
        let Some(job) = last else { return Ok(()) };
        match self {
            Self::Bar(bar) => {
                bar.finish_and_clear();
                output::print(&format!("{}\n", job.news()))?;
            }
            Self::Lines => {}
            Self::EndOnly => super::print(&job, format)?,
        }
        match job.state {
            "succeeded" => Ok(()),
            state => Err(Failure::failed(format_args!("the job has {state}"))),
        }
    }
}
