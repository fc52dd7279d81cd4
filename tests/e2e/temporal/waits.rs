//! A worker without Temporal: it waits, says so, and is not ready.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::server::Temporal;
use crate::jobs::site::{Site, text};
use crate::mesh::{HALLPASS, connect};
use crate::tools;
use crate::traces::until;

/// What is said of a Temporal that does not answer.
const WAITS: &str = "jobs wait, and Temporal is asked again";

/// A worker whose log is kept and which answers health checks; ended when dropped.
struct Worker {
    process: Child,
    health: String,
    log: PathBuf,
}

impl Worker {
    fn start(site: &Site) -> Self {
        let log = site.data.path().join("worker.log");
        let config = site.data.path().join("platform.toml");
        let labeler = format!("http://{}", site.labeler_address());
        let mut command = Command::new(HALLPASS);
        command.args(["worker", "--listen", "127.0.0.1:0", "--output", "json"]);
        command.args(["--config", text(&config), "--data", site.folder(), "--labeler", &labeler]);
        command.env_remove("TEST_TOOLS").env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        command.stdout(Stdio::piped()).stderr(File::create(&log).expect("a file"));
        let mut process = command.spawn().expect("the binary starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("text");
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        let health = line["health"].as_str().expect("an address").to_owned();
        Self { process, health, log }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("its log")
    }

    fn is(&self, status: ServingStatus, name: &str) -> bool {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let answer = runtime.block_on(async {
            let request = HealthCheckRequest { service: name.to_owned() };
            HealthClient::new(connect(&self.health).await).check(request).await
        });
        answer.expect("it is answered").into_inner().status() == status
    }

    /// Tells it to end, and what its exit code is.
    fn terminate(&mut self) -> Option<i32> {
        let told = tools::run(Command::new("kill").args(["-TERM", &self.process.id().to_string()]));
        assert_eq!(told.code, 0);
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_worker_that_comes_first_waits_and_is_not_ready() {
    let Some(mut temporal) = Temporal::absent() else { return };
    let site = Site::start(&temporal.settings());
    let mut worker = Worker::start(&site);
    until(|| worker.log().contains(WAITS).then_some(()));
    assert!(worker.is(ServingStatus::NotServing, ""));
    assert!(worker.is(ServingStatus::Serving, "live"));
    let id = site.create("quick");
    assert_eq!(site.job(&id)["state"], "queued");

    temporal.begin();
    until(|| worker.is(ServingStatus::Serving, "").then_some(()));
    assert_eq!(site.end(&id), "succeeded");
    let log = worker.log();
    assert_eq!(log.matches(WAITS).count(), 1, "once a minute: {log}");

    temporal.kill();
    until(|| worker.is(ServingStatus::NotServing, "").then_some(()));
    assert_eq!(worker.terminate(), Some(0), "{}", worker.log());
    let mut worker = Worker::start(&site);
    until(|| worker.log().contains(WAITS).then_some(()));
    assert_eq!(worker.terminate(), Some(0), "one that waits ends, too: {}", worker.log());
}
