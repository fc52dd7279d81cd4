//! Jobs that really run: the trainer that ships, trainers that end badly, and what the mesh does meanwhile.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::mesh::{HALLPASS, Mesh, Node};
use crate::tools::{Ran, run};
use crate::traces::until;

/// Trainers in scripts of a shell that the operator, not Platform, has asked for.
const TRAINERS: &str = r#"
[jobs]
attempts = 3
grace = "1s"

[trainers.fails]
program = "/bin/sh"
arguments = ["-c", "echo it does not work; exit 3"]

[trainers.missing]
program = "/nonexistent/trainer"

[trainers.hangs]
program = "/bin/sh"
arguments = ["-c", "echo begun; sleep 1000 & wait"]

[trainers.deaf]
program = "/bin/sh"
arguments = ["-c", "trap '' TERM; echo begun; while :; do sleep 1; done"]

[trainers.late]
program = "/bin/sh"
arguments = ["-c", "sleep 1000"]
time_limit = "1s"

[trainers.once]
program = "/bin/sh"
arguments = ["-c", "echo run >> {data}/../../runs; test -e {data}/../../go || sleep 1000; echo '{\"right\": 1}' > metrics.json"]

[trainers.curious]
program = "/bin/sh"
arguments = ["-c", "env; ls {data}; cat {items}"]
"#;

/// Platform with these trainers, and Labeler, each a process.
struct Site {
    labeler: Option<Node>,
    platform: Option<Node>,
    data: TempDir,
    ports: (u16, u16),
}

impl Site {
    fn start() -> Self {
        let data = Mesh::up().kill();
        std::fs::write(data.path().join("platform.toml"), TRAINERS).expect("it can be written");
        let mut site = Self { labeler: None, platform: None, data, ports: (free(), free()) };
        site.start_labeler();
        site.start_platform();
        site
    }

    fn start_platform(&mut self) {
        let (listen, peer) = (at(self.ports.0), format!("http://{}", at(self.ports.1)));
        let config = self.data.path().join("platform.toml");
        let arguments = ["platform", "--config", text(&config), "--data", self.folder()];
        let arguments = [&arguments[..], &["--listen", &listen, "--labeler", &peer]].concat();
        self.platform = Some(Node::start(&arguments, &[]));
    }

    fn start_labeler(&mut self) {
        let (listen, peer) = (at(self.ports.1), format!("http://{}", at(self.ports.0)));
        let arguments = ["labeler", "--data", self.folder(), "--listen", &listen];
        self.labeler = Some(Node::start(&[&arguments[..], &["--platform", &peer]].concat(), &[]));
    }

    fn folder(&self) -> &str {
        text(self.data.path())
    }

    fn token(&self, subject: &str) -> String {
        let mut command = Command::new(HALLPASS);
        command.args(["token", "mint", "--subject", subject, "--data", self.folder()]);
        run(&mut command).stdout.trim_end().to_owned()
    }

    /// Calls Platform as alice.
    fn call(&self, arguments: &[&str]) -> Ran {
        self.call_with(arguments, &self.token("alice"))
    }

    fn call_with(&self, arguments: &[&str], token: &str) -> Ran {
        let mut command = Command::new(HALLPASS);
        let server = format!("http://{}", at(self.ports.0));
        command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token);
        run(&mut command)
    }

    fn dataset(&self) -> String {
        let listed = || {
            let listed = self.call(&["dataset", "list", "--output", "json"]);
            let listed: Value = serde_json::from_str(&listed.stdout).ok()?;
            let first = listed.get(0).or_else(|| listed.get("datasets")?.get(0))?;
            first["dataset_id"].as_str().map(str::to_owned)
        };
        until(listed)
    }

    fn create(&self, trainer: &str) -> String {
        let dataset = self.dataset();
        let arguments = ["job", "create", "--dataset", &dataset, "--name", trainer];
        let arguments = [&arguments[..], &["--trainer", trainer, "--output", "json"]].concat();
        let made = self.call(&arguments);
        assert_eq!(made.code, 0, "{made:?}");
        json(&made)["job_id"].as_str().expect("an id").to_owned()
    }

    fn job(&self, id: &str) -> Value {
        json(&self.call(&["job", "get", id, "--output", "json"]))
    }

    fn ended(&self, id: &str) -> Value {
        self.call(&["job", "watch", id]);
        self.job(id)
    }

    fn prints(&self, id: &str, what: &str) {
        let log = || {
            let database = self.job(id);
            (database["activity"] == "train").then_some(())
        };
        until(log);
        let runs = self.data.path().join("platform/jobs");
        if what.is_empty() {
            until(|| runs.join("runs").is_file().then_some(()));
        }
    }
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn free() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

#[test]
fn the_first_job_is_real() {
    let mesh = Mesh::up();
    let call = |arguments: &[&str]| crate::tour::hallpass(&mesh, arguments, "alice");
    let listed = json(&call(&["dataset", "list", "--output", "json"]));
    let first = listed.get(0).or_else(|| listed.get("datasets")?.get(0)).expect("the sample");
    let dataset = first["dataset_id"].as_str().expect("an id");
    let made = call(&[
        "job",
        "create",
        "--dataset",
        dataset,
        "--name",
        "a",
        "--watch",
        "--output",
        "json",
    ]);
    assert_eq!(made.code, 0, "{made:?}");
    let job = json(&made);
    assert_eq!(job["state"], "succeeded");
    assert!(job["result"]["metrics"]["items"].as_f64().is_some_and(|items| items > 0.0), "{job}");
    let model = mesh
        .data()
        .join("platform/artifacts")
        .join(job["result"]["artifact"].as_str().expect("a place"));
    assert!(model.join("model.json").is_file());
    let data = mesh.data().to_owned();
    assert!(!has_token(&data.join("platform")), "a token is in the database or in a file");
    assert!(!data.join("platform/jobs").join(job["job_id"].as_str().expect("an id")).exists());
}

#[test]
fn trainers_that_end_badly_end_their_jobs_with_the_reason() {
    let site = Site::start();
    for (trainer, reason) in
        [("fails", "TRAINER_FAILED"), ("missing", "TRAINER_MISSING"), ("late", "TRAINER_TOO_LONG")]
    {
        let job = site.ended(&site.create(trainer));
        assert_eq!((&job["state"], &job["failure"]["reason"]), (&"failed".into(), &reason.into()));
    }
    let unknown = site.call(&[
        "job",
        "create",
        "--dataset",
        &site.dataset(),
        "--name",
        "a",
        "--trainer",
        "none",
    ]);
    assert!(unknown.stderr.contains("job.trainer"), "{unknown:?}");
    let id = site.create("fails");
    site.ended(&id);
    let logs = site.call(&["job", "logs", &id]);
    assert_eq!(logs.stdout, "it does not work\n");
    let again = site.call(&["job", "retry", &id]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(site.ended(&id)["state"], "failed");
}

#[test]
fn an_abort_ends_the_trainer_and_all_that_it_started() {
    let site = Site::start();
    for trainer in ["hangs", "deaf"] {
        let id = site.create(trainer);
        site.prints(&id, "begun");
        let stranger = site.call_with(&["job", "abort", &id], &site.token("mallory"));
        assert_ne!(stranger.code, 0);
        let aborted = site.call(&["job", "abort", &id]);
        assert_eq!(aborted.code, 0, "{aborted:?}");
        let job = site.ended(&id);
        assert_eq!((&job["state"], &job["failure"]), (&"aborted".into(), &Value::Null));
    }
    let id = site.create("fails");
    site.ended(&id);
    let late = site.call(&["job", "abort", &id]);
    assert!(late.stderr.contains("JOB_ENDED"), "{late:?}");
}

#[test]
fn a_job_outlives_its_platform_and_its_users_token() {
    let mut site = Site::start();
    let token = site.token("alice");
    let id = site.create("once");
    site.prints(&id, "");
    site.platform.take().expect("it runs").kill();
    std::fs::write(site.data.path().join("platform/jobs/go"), b"").expect("it can be written");
    site.start_platform();
    let revoked = site.call_with(&["token", "revoke", "--reason", "test"], &token);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    let refused = site.call_with(&["job", "watch", &id], &token);
    assert!(refused.stderr.contains("TOKEN_REVOKED"), "{refused:?}");
    let job = site.ended(&id);
    assert_eq!(
        (&job["state"], &job["result"]["metrics"]["right"]),
        (&"succeeded".into(), &1.0.into())
    );
    assert_eq!(job["attempt"], 1, "publishing is not tried twice: {job}");
    let runs = std::fs::read_to_string(site.data.path().join("platform/jobs/runs"));
    assert_eq!(runs.expect("it ran").lines().count(), 2, "once before and once after");
}

#[test]
fn a_labeler_that_is_away_is_waited_for_and_not_for_ever() {
    let mut site = Site::start();
    let dataset = site.dataset();
    site.labeler.take().expect("it runs").kill();
    let refused =
        site.call(&["job", "create", "--dataset", &dataset, "--name", "a", "--trainer", "curious"]);
    assert_ne!(refused.code, 0);
    site.start_labeler();
    let id = site.create("hangs");
    site.prints(&id, "begun");
    site.call(&["job", "abort", &id]);
    site.ended(&id);
    let labeler = site.labeler.take().expect("it runs");
    let queued = site.call(&["job", "retry", &id]);
    labeler.kill();
    assert_eq!(queued.code, 0, "{queued:?}");
    let job = until(|| {
        Some(site.job(&id)).filter(|job| {
            job["failure"]["reason"] == "LABELER_UNAVAILABLE" || job["activity"] == "train"
        })
    });
    if job["activity"] != "train" {
        let job = site.ended(&id);
        assert_eq!(
            (&job["state"], &job["failure"]["reason"]),
            (&"failed".into(), &"LABELER_UNAVAILABLE".into())
        );
    }
}

#[test]
fn a_trainer_gets_the_files_and_no_token() {
    let site = Site::start();
    let id = site.create("curious");
    assert_eq!(site.ended(&id)["state"], "succeeded");
    let logs = site.call(&["job", "logs", &id]).stdout;
    assert!(logs.contains("\"path\""), "{logs}");
    assert!(!logs.contains("eyJ") && !logs.contains("HALLPASS_"), "{logs}");
    assert!(!has_token(&site.data.path().join("platform")));
}

/// Whether any file below the folder holds what looks like a token.
fn has_token(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return has_token(&path);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(5).any(|bytes| bytes == b"eyJhb" || bytes == b"eyJ0e" || bytes == b"eyJra")
    })
}
