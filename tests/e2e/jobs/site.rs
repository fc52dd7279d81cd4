//! Platform and Labeler, each a process of its own, with trainers that tests give them.

use std::path::{Path, PathBuf};
use std::process::Command;

use hallpass_store::testing;
use serde_json::Value;
use tempfile::TempDir;

use crate::mesh::{HALLPASS, Mesh, Node};
use crate::tools::{Ran, run};
use crate::traces::until;

/// Set where the tests of jobs are run again, on PostgreSQL.
pub(crate) const ON_POSTGRES: &str = "TEST_ON_POSTGRES";

/// What the commands of scripts wait for: `Site::release` makes it.
pub(crate) const HOLD: &str = "until test -e {data}/../../go; do sleep 0.05; done";

/// Platform with these trainers, and Labeler, each a process.
pub(crate) struct Site {
    pub(crate) labeler: Option<Node>,
    pub(crate) platform: Option<Node>,
    pub(crate) data: TempDir,
    /// Platform's database, if it is not in its folder.
    pub(crate) database: Option<String>,
    ports: (u16, u16),
}

impl Site {
    /// Both run, with this configuration of Platform's.
    pub(crate) fn start(config: &str) -> Self {
        let mut site = Self::without_platform();
        site.start_platform(config, &[]);
        site
    }

    /// Labeler alone, with the sample.
    pub(crate) fn without_platform() -> Self {
        let data = Mesh::up().kill();
        let server = std::env::var_os(ON_POSTGRES).and_then(|_| testing::server());
        let database = server.map(|server| schema(&server, data.path()));
        let ports = (free(), free());
        let mut site = Self { labeler: None, platform: None, data, database, ports };
        site.start_labeler();
        site
    }

    pub(crate) fn start_platform(&mut self, config: &str, environment: &[(&str, &str)]) {
        let file = self.data.path().join("platform.toml");
        std::fs::write(&file, config).expect("it can be written");
        let arguments = ["--config", text(&file), "--data", self.folder()];
        let listen = at(self.ports.0);
        let platform = match &self.database {
            None => self.another_platform(&arguments, &listen, environment),
            Some(url) => {
                let database = ["--database", "env:DATABASE_OF_JOBS"];
                let environment = [environment, &[("DATABASE_OF_JOBS", url)]].concat();
                self.another_platform(&[&arguments[..], &database].concat(), &listen, &environment)
            }
        };
        self.platform = Some(platform);
    }

    /// A Platform that follows no other: it has the same Labeler.
    pub(crate) fn another_platform(
        &self,
        arguments: &[&str],
        listen: &str,
        environment: &[(&str, &str)],
    ) -> Node {
        let peer = format!("http://{}", at(self.ports.1));
        let all = [&["platform"], arguments, &["--listen", listen, "--labeler", &peer]].concat();
        Node::start(&all, environment)
    }

    pub(crate) fn start_labeler(&mut self) {
        self.start_labeler_with(&[]);
    }

    pub(crate) fn start_labeler_with(&mut self, environment: &[(&str, &str)]) {
        let (listen, peer) = (at(self.ports.1), format!("http://{}", at(self.ports.0)));
        let arguments = ["labeler", "--data", self.folder(), "--listen", &listen];
        let arguments = [&arguments[..], &["--platform", &peer]].concat();
        self.labeler = Some(Node::start(&arguments, environment));
    }

    pub(crate) fn kill_platform(&mut self) {
        self.platform.take().expect("it runs").kill();
    }

    pub(crate) fn kill_labeler(&mut self) {
        self.labeler.take().expect("it runs").kill();
    }

    pub(crate) fn folder(&self) -> &str {
        text(self.data.path())
    }

    /// Where a Platform has what its jobs need meanwhile.
    pub(crate) fn work(&self) -> PathBuf {
        self.data.path().join("platform/jobs")
    }

    /// Lets the trainers go on that hold.
    pub(crate) fn release(&self) {
        std::fs::create_dir_all(self.work()).expect("a folder");
        std::fs::write(self.work().join("go"), b"").expect("it can be written");
    }

    pub(crate) fn labeler_address(&self) -> String {
        at(self.ports.1)
    }

    pub(crate) fn token(&self, subject: &str) -> String {
        self.token_with(subject, &[])
    }

    /// A token with these scopes, or with all that its key may sign.
    pub(crate) fn token_with(&self, subject: &str, scopes: &[&str]) -> String {
        let mut command = Command::new(HALLPASS);
        command.args(["token", "mint", "--subject", subject, "--data", self.folder()]);
        command.args(scopes.iter().flat_map(|scope| ["--scope", scope]));
        run(&mut command).stdout.trim_end().to_owned()
    }

    /// Calls Platform as alice.
    pub(crate) fn call(&self, arguments: &[&str]) -> Ran {
        self.call_with(arguments, &self.token("alice"))
    }

    pub(crate) fn call_with(&self, arguments: &[&str], token: &str) -> Ran {
        call(&at(self.ports.0), arguments, token)
    }

    /// The same for a command that has to work; what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.call(&[arguments, &["--output", "json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        json(&ran)
    }

    /// The sample.
    pub(crate) fn dataset(&self) -> String {
        let listed = || {
            let listed = self.call(&["dataset", "list", "--output", "json"]);
            let listed: Value = serde_json::from_str(&listed.stdout).ok()?;
            let first = listed.get(0).or_else(|| listed.get("datasets")?.get(0))?;
            first["dataset_id"].as_str().map(str::to_owned)
        };
        until(listed)
    }

    /// A copy of the sample.
    pub(crate) fn import(&self, name: &str) -> String {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../labeler/sample/shapes");
        let made = self.json(&["dataset", "import", sample, "--name", name]);
        made["dataset_id"].as_str().expect("an id").to_owned()
    }

    /// A job on the sample.
    pub(crate) fn create(&self, trainer: &str) -> String {
        self.create_on(&["--dataset", &self.dataset()], trainer)
    }

    pub(crate) fn create_on(&self, object: &[&str], trainer: &str) -> String {
        let arguments = ["job", "create", "--name", trainer, "--trainer", trainer];
        let made = self.json(&[&arguments[..], object].concat());
        made["job_id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn job(&self, id: &str) -> Value {
        self.json(&["job", "get", id])
    }

    /// Once the job says this of itself.
    pub(crate) fn until(&self, id: &str, field: &str, value: &str) -> Value {
        until(|| {
            let job = self.job(id);
            let says = *at_path(&job, field) == value;
            assert!(says || job["end_time"].is_null(), "no {field} {value}: {job}");
            says.then_some(job)
        })
    }

    pub(crate) fn ended(&self, id: &str) -> Value {
        self.call(&["job", "watch", id]);
        self.job(id)
    }

    /// The job's end: its state and its reason, or the state alone.
    pub(crate) fn end(&self, id: &str) -> String {
        let job = self.ended(id);
        let (state, reason) = (&job["state"], &job["failure"]["reason"]);
        match (state.as_str(), reason.as_str()) {
            (Some(state), Some(reason)) => format!("{state} {reason}"),
            (Some(state), None) => state.to_owned(),
            _ => panic!("{job}"),
        }
    }
}

/// The URL of a schema on this server for a data folder.
pub(crate) fn schema(server: &str, data: &Path) -> String {
    alone(testing::schema_url(server, data))
}

/// All that a database on PostgreSQL holds, as text.
pub(crate) fn everything(url: &str) -> String {
    alone(testing::everything(url))
}

/// On a runtime of its own: tests that have one may call this, too.
fn alone<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run = move || runtime().expect("a runtime").block_on(work);
    std::thread::scope(|scope| scope.spawn(run).join()).expect("it works")
}

/// Calls a Platform.
pub(crate) fn call(address: &str, arguments: &[&str], token: &str) -> Ran {
    let mut command = Command::new(HALLPASS);
    let server = format!("http://{address}");
    command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token);
    run(&mut command)
}

fn at_path<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| &value[name])
}

pub(crate) fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

pub(crate) fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

pub(crate) fn free() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}
