//! Transfers that are cut in the middle, by the death of the command or of the service: they go on, and send only the rest.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hallpass_formats::testing;
use serde_json::Value;
use tempfile::TempDir;

use crate::datasets::{content, folder, json_of, member, text};
use crate::mesh::{HALLPASS, Mesh, Node};
use crate::tour::{hallpass, mint};

/// A dataset that takes a while: some images, and many megabytes of notes beside them.
fn long() -> TempDir {
    let mut files = testing::image_folder(20);
    files
        .extend((0..40_u8).map(|number| (format!("README-{number:02}.md"), vec![number; 1 << 20])));
    folder(files)
}

/// A command that runs, killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a command of alice's and returns once it has said so much on stderr.
fn until_it_says(server: &str, token: &str, arguments: &[&str], saying: &str) -> Running {
    let mut command = Command::new(HALLPASS);
    command.args(arguments).args(["--server", server]).env("HALLPASS_TOKEN", token);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut lines = stderr.lines();
    let said = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(saying));
    assert!(said.is_some(), "{arguments:?} never said {saying:?}");
    std::thread::spawn(move || lines.for_each(drop));
    Running(child)
}

/// How many files an import found there already.
fn found(stderr: &str) -> usize {
    let line = stderr.lines().find(|line| line.ends_with("files are there already"));
    line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn an_import_whose_command_is_killed_goes_on() {
    let mesh = Mesh::up();
    let there = long();
    let server = format!("http://{}", mesh.platform());
    let import = ["dataset", "import", text(there.path()), "--name", "long"];
    drop(until_it_says(&server, &mint(&mesh, "alice"), &import, "sending: "));
    let open = json_of(&mesh, &["dataset", "uploads", "list"], "alice");
    assert_eq!(open.as_array().map(Vec::len), Some(1), "{open}");
    let second = hallpass(&mesh, &import, "alice");
    assert_eq!(second.code, 0, "{second:?}");
    assert!(found(&second.stderr) > 0, "{second:?}");
    let made = json_of(&mesh, &["dataset", "list", "--name", "long"], "alice")[0].clone();
    assert_eq!(made["file_count"], content(there.path()).len());
    let none = json_of(&mesh, &["dataset", "uploads", "list"], "alice");
    assert_eq!(none.as_array().map(Vec::len), Some(0));
}

#[test]
fn a_pull_whose_command_is_killed_goes_on() {
    let mesh = Mesh::up();
    let there = long();
    let import = ["dataset", "import", text(there.path()), "--name", "long"];
    let made = json_of(&mesh, &import, "alice");
    let down = tempfile::tempdir().expect("a folder");
    let pull = ["dataset", "pull", member(&made, "dataset_id"), text(down.path())];
    let server = format!("http://{}", mesh.platform());
    drop(until_it_says(&server, &mint(&mesh, "alice"), &pull, "pulling: "));
    let second = json_of(&mesh, &pull, "alice");
    assert!(second["kept"].as_u64() > Some(0), "{second}");
    assert_eq!(second["files"], made["file_count"]);
    assert_eq!(content(down.path()), content(there.path()));
}

/// Platform and Labeler as two processes over one folder.
struct Two {
    data: TempDir,
    platform: Node,
    labeler: Node,
}

impl Two {
    fn start() -> Self {
        let data = Mesh::up().kill();
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let to_be = free.local_addr().expect("its address").to_string();
        drop(free);
        let platform = Node::start(&arguments("platform", data.path(), "127.0.0.1:0", &to_be), &[]);
        let at = platform.address("platform");
        let labeler = Node::start(&arguments("labeler", data.path(), &to_be, &at), &[]);
        Self { data, platform, labeler }
    }

    fn restart_labeler(self) -> Self {
        let (address, at) = (self.labeler.address("labeler"), self.platform.address("platform"));
        self.labeler.kill();
        let labeler = Node::start(&arguments("labeler", self.data.path(), &address, &at), &[]);
        Self { labeler, ..self }
    }
}

fn arguments<'a>(role: &'a str, data: &'a Path, listen: &'a str, peer: &'a str) -> [&'a str; 7] {
    let flag = if role == "platform" { "--labeler" } else { "--platform" };
    let peer: &'static str = Box::leak(format!("http://{peer}").into_boxed_str());
    [role, "--data", text(data), "--listen", listen, flag, peer]
}

#[test]
fn an_import_outlives_labeler() {
    let two = Two::start();
    let there = long();
    let server = format!("http://{}", two.platform.address("platform"));
    let mut command = Command::new(HALLPASS);
    command.args(["token", "mint", "--subject", "alice", "--data"]).arg(two.data.path());
    let token = crate::tools::run(&mut command).stdout.trim_end().to_owned();
    let import = ["dataset", "import", text(there.path()), "--name", "long"];
    let mut running = until_it_says(&server, &token, &import, "sending: ");
    let two = two.restart_labeler();
    let ended = running.0.wait().expect("it ends");
    assert!(ended.success(), "{ended}");
    let mut list = Command::new(HALLPASS);
    list.args(["dataset", "list", "--name", "long", "--output", "json", "--server", &server]);
    let listed = crate::tools::run(list.env("HALLPASS_TOKEN", &token));
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["file_count"], content(there.path()).len());
    drop(two);
}
