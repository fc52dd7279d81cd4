//! Finds the real tools. Where one is absent a plain run says so loudly and goes on; in CI it fails.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The path of a tool that `deploy/tools/build` makes, or `None` after saying that the test is left out.
pub(crate) fn find(tool: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools");
    let folder =
        std::env::var_os("TEST_TOOLS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = folder.join(tool);
    if path.is_file() {
        return Some(path);
    }
    let message = format!("{tool} is not in {}: run deploy/tools/build", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("\n*** LEFT OUT: {message} ***\n");
    None
}

/// The folder of Node's packages that has this one, or `None` after saying that the test is left out.
pub(crate) fn modules(package: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/ci/node_modules");
    let folder =
        std::env::var_os("TEST_NODE_MODULES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.join(package).is_dir() {
        return Some(folder);
    }
    let message = format!(
        "{package} is not in {}: npm install --prefix target/ci {package}",
        folder.display()
    );
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("\n*** LEFT OUT: {message} ***\n");
    None
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    Ran {
        code: status.code().expect("it ended by itself"),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
}
