//! The walk through the five systems, as its page has it: every command is run, and what is said to come out comes out.

use std::path::Path;
use std::process::Command;

use crate::mesh::{HALLPASS, Mesh};
use crate::tools::{self, run};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/walkthrough.md");

/// One step: the commands, and what their output has.
struct Step {
    commands: String,
    expected: Vec<String>,
}

/// The page's blocks: commands, each followed by what comes out.
fn steps(page: &str) -> Vec<Step> {
    let mut blocks = page.split("\n```").skip(1);
    let mut steps = Vec::new();
    while let (Some(commands), Some(_)) = (blocks.next(), blocks.next()) {
        let commands = commands.strip_prefix("sh\n").expect("commands come first");
        let expected = blocks.next().and_then(|block| block.strip_prefix("text\n"));
        let expected = expected.expect("what comes out follows the commands");
        blocks.next();
        steps.push(Step {
            commands: commands.to_owned(),
            expected: expected.lines().map(str::to_owned).collect(),
        });
    }
    steps
}

/// The page as a script that says after each step that it is done.
fn script(steps: &[Step], mesh: &Mesh) -> String {
    let commands = steps.iter().map(|step| format!("{}\necho \"{DONE}\"\n", step.commands));
    commands
        .collect::<String>()
        .replace("127.0.0.1:7401", &mesh.platform())
        .replace("127.0.0.1:7402", &mesh.labeler())
}

const DONE: &str = "--- done ---";

#[test]
fn every_command_of_the_walk_does_what_the_page_says() {
    let Some(grpcurl) = tools::find("grpcurl") else { return };
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    let steps = steps(&page);
    assert!(steps.len() > 12, "only {} steps were read", steps.len());
    let mesh = Mesh::up();
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(mesh.data(), folder.path().join("hallpass-data")).expect("a link");
    let folders = [HALLPASS.as_ref(), grpcurl.as_path()].map(|of| of.parent().map(Path::to_owned));
    let system = std::env::var_os("PATH").unwrap_or_default();
    let path = folders.into_iter().flatten().chain(std::env::split_paths(&system));
    let mut bash = Command::new("timeout");
    bash.args(["300", "bash", "-c"]).arg(format!("exec 2>&1\n{}", script(&steps, &mesh)));
    bash.env("PATH", std::env::join_paths(path).expect("a path"));
    bash.env("HALLPASS_SERVER", format!("http://{}", mesh.platform()));
    let ran = run(bash.current_dir(folder.path()));
    let outputs: Vec<_> = ran.stdout.split(DONE).collect();
    assert_eq!(outputs.len(), steps.len() + 1, "not every step was run: {ran:?}");
    for (step, output) in steps.iter().zip(outputs) {
        let mut rest = output;
        for line in &step.expected {
            let (_, after) = rest.split_once(line.as_str()).unwrap_or_else(|| {
                panic!("{line:?} does not come out of\n{}\nbut\n{output}", step.commands)
            });
            rest = after;
        }
    }
}
