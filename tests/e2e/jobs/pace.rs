//! How fast the engines are: jobs a minute, its memory, and how soon an abort has ended a trainer.
//!
//! A plain run looks that a few jobs pass and that aborts end processes; `JOB_FIGURES=200` makes as many jobs and says what
//! docs/figures.md quotes.

use std::path::Path;
use std::time::{Duration, Instant};

use hallpass_contract::auth::IssueActionTokenRequest;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::{
    AbortJobRequest, CreateJobRequest, Job, JobSpec, JobState, WatchJobRequest,
};
use hallpass_guard::elevate;
use tonic::Request;
use tonic::transport::Channel;

use super::site::Site;
use crate::mesh::{Node, connect};

pub(crate) const TRAINERS: &str = r#"
[jobs]
concurrency = 4
grace = "1s"

[limits]
calls_a_minute = 100000

[trainers.nothing]
program = "true"

[trainers.sleeps]
program = "/bin/sh"
arguments = ["-c", "echo '{\"progress\": 0, \"message\": \"'$$'\"}'; exec sleep 1000"]

[trainers.deaf]
program = "/bin/sh"
arguments = ["-c", "trap '' TERM; echo '{\"progress\": 0, \"message\": \"'$$'\"}'; while :; do sleep 1; done"]
"#;

/// A user of Platform's who does not start a process for each call.
struct Alice {
    channel: Channel,
    token: String,
    dataset: String,
}

impl Alice {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let header = format!("Bearer {}", self.token).parse().expect("ASCII");
        request.metadata_mut().insert("authorization", header);
        request
    }

    fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone())
    }

    async fn create(&self, trainer: &str) -> String {
        let job = JobSpec {
            display_name: trainer.to_owned(),
            dataset_id: self.dataset.clone(),
            trainer: trainer.to_owned(),
            ..JobSpec::default()
        };
        let request = CreateJobRequest { job: Some(job), request_id: String::new() };
        let made = self.jobs().create_job(self.request(request)).await.expect("it is made");
        made.into_inner().job.unwrap_or_default().job_id
    }

    /// The job once it is like this.
    async fn until(&self, job_id: &str, is: impl Fn(&Job) -> bool) -> Job {
        let request = WatchJobRequest { job_id: job_id.to_owned(), etag: String::new() };
        let watched = self.jobs().watch_job(self.request(request)).await;
        let mut changes = watched.expect("alice may see it").into_inner();
        while let Some(change) = changes.message().await.expect("it is told") {
            let job = change.job.unwrap_or_default();
            if is(&job) {
                return job;
            }
        }
        panic!("job {job_id} has ended")
    }

    async fn abort(&self, job_id: &str) {
        let wish =
            IssueActionTokenRequest { audience: "jobs.abort".to_owned(), ..Default::default() };
        let mut actions = ActionServiceClient::new(self.channel.clone());
        let issued = actions.issue_action_token(self.request(wish)).await.expect("it is issued");
        let mut request = self.request(AbortJobRequest { job_id: job_id.to_owned() });
        elevate(&mut request, &issued.into_inner().token).expect("a token is metadata");
        self.jobs().abort_job(request).await.expect("it is aborted");
    }

    /// From the wish to abort a job to the end of its trainer's process.
    async fn abort_and_wait(&self, trainer: &str) -> Duration {
        let id = self.create(trainer).await;
        let job = self.until(&id, |job| !job.message.is_empty()).await;
        let process = Path::new("/proc").join(&job.message);
        assert!(process.exists(), "the trainer tells its number: {job:?}");
        let begun = Instant::now();
        self.abort(&id).await;
        while process.exists() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the trainer does not end");
            tokio::task::yield_now().await;
        }
        let took = begun.elapsed();
        self.until(&id, |job| job.state() == JobState::Aborted).await;
        took
    }
}

/// The most memory that a process has had, as the kernel says it.
fn memory(node: &Node) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id()));
    let status = status.expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line");
    line.trim_start_matches("VmHWM:").trim().to_owned()
}

#[test]
fn jobs_pass_and_aborts_end_processes() {
    let site = Site::start(TRAINERS);
    is_paced(&site, site.platform.as_ref().expect("it runs"));
}

/// Runs jobs and aborts some, and says how soon that went and what memory the process had that runs them.
pub(crate) fn is_paced(site: &Site, runner: &Node) {
    let count = std::env::var("JOB_FIGURES").map_or(6, |count| count.parse().expect("a number"));
    let address = site.platform.as_ref().expect("it runs").address("platform");
    let (token, dataset) = (site.token("alice"), site.dataset());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let alice = Alice { channel: connect(&address).await, token, dataset };
        pass(&alice, runner, count).await;
        for trainer in ["sleeps", "deaf"] {
            abort(&alice, trainer, count.clamp(2, 20)).await;
        }
    });
}

async fn pass(alice: &Alice, runner: &Node, count: u32) {
    let before = memory(runner);
    let begun = Instant::now();
    let mut jobs = Vec::new();
    for _ in 0..count {
        jobs.push(alice.create("nothing").await);
    }
    for job in &jobs {
        alice.until(job, |job| job.state() == JobState::Succeeded).await;
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    eprintln!(
        "{count} jobs, {:.0} a minute; memory {before} before, {} after",
        f64::from(count) / minutes,
        memory(runner)
    );
}

async fn abort(alice: &Alice, trainer: &str, count: u32) {
    let mut took = Vec::new();
    for _ in 0..count {
        took.push(alice.abort_and_wait(trainer).await);
    }
    took.sort();
    let (middle, most) = (took[took.len() / 2], took[took.len() - 1]);
    eprintln!("{count} aborts of a trainer that {trainer}: p50 {middle:?}, max {most:?}");
}
