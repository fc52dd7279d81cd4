//! Temporal's own development server, and trainers for jobs on it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::jobs::site::{HOLD, at, free};
use crate::tools::{self, run};
use crate::traces::until;

/// Temporal's own server for one test, ended when dropped.
pub(super) struct Temporal {
    binary: PathBuf,
    pub(super) folder: TempDir,
    pub(super) port: u16,
    process: Option<Child>,
}

impl Temporal {
    /// `None` where the tool is absent.
    pub(super) fn start() -> Option<Self> {
        let mut temporal = Self::absent()?;
        temporal.begin();
        Some(temporal)
    }

    /// One that does not run yet; `None` where the tool is absent.
    pub(super) fn absent() -> Option<Self> {
        let binary = tools::find("temporal")?;
        let folder = TempDir::new().expect("a folder");
        Some(Self { binary, folder, port: free(), process: None })
    }

    /// Starts it, with what it knew before.
    pub(super) fn begin(&mut self) {
        let process = Command::new(&self.binary)
            .args([
                "server",
                "start-dev",
                "--headless",
                "--ip",
                "127.0.0.1",
                "--log-level",
                "error",
            ])
            .args(["--port", &self.port.to_string(), "--http-port", &free().to_string()])
            .arg("--db-filename")
            .arg(self.folder.path().join("temporal.db"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.expect("Temporal starts"));
        until(|| {
            (self.ask(&["operator", "namespace", "describe", "default"]).0 == 0).then_some(())
        });
    }

    /// Ends it as power loss would.
    pub(super) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    /// Platform's configuration.
    pub(super) fn settings(&self) -> String {
        let script = |name: &str, commands: &str| {
            format!(
                "[trainers.{name}]\nprogram = \"/bin/sh\"\narguments = [\"-c\", '{commands}']\n"
            )
        };
        let begun = r#"echo "{\"progress\": 0, \"message\": \"begun\"}""#;
        let run = "echo run >> {data}/../../runs";
        [
            "[jobs]\nengine = \"temporal\"\nattempts = 3\ngrace = \"1s\"\n".to_owned(),
            format!("[temporal]\naddress = \"http://{}\"\n", at(self.port)),
            "[trainers.quick]\nprogram = \"true\"\n".to_owned(),
            script("fails", "echo it does not work; exit 3"),
            script("hangs", &format!("{begun}; sleep 1000 & wait")),
            script("deaf", &format!("trap : TERM; {begun}; while :; do sleep 1; done")),
            script("holds", &format!("{run}; {begun}; {HOLD}")),
            script("curious", "env; ls {data}; cat {items}"),
        ]
        .concat()
    }

    /// Its own command: the exit code, and what it prints.
    pub(super) fn ask(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(&self.binary);
        command.args(arguments).args(["--address", &at(self.port)]).stderr(Stdio::null());
        let ran = run(command.env("HOME", self.folder.path()));
        (ran.code, ran.stdout)
    }

    pub(super) fn history(&self, workflow: &str) -> String {
        self.ask(&["workflow", "show", "--workflow-id", workflow, "--output", "json"]).1
    }

    pub(super) fn status(&self, workflow: &str) -> Value {
        let shown =
            self.ask(&["workflow", "describe", "--workflow-id", workflow, "--output", "json"]);
        serde_json::from_str(&shown.1).unwrap_or_default()
    }
}

impl Drop for Temporal {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
