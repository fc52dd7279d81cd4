//! What a build script calls.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::problem::{Problem, Problems, Report};
use crate::{check, compile, generate, model};

/// A contract to be built: by default from every `.proto` file under `proto`.
#[derive(Debug, Clone, Default)]
pub struct Contract {
    roots: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Contract {
    /// The contract of the files under `proto`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for files under this folder, in place of `proto`; may be said again. Imports are found in all of them, and
    /// `hallpass/auth/v1/rule.proto` without any.
    #[must_use]
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.roots.push(folder.into());
        self
    }

    /// Builds these files and what they import, in place of all.
    #[must_use]
    pub fn files<P: Into<PathBuf>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        self.files.extend(files.into_iter().map(Into::into));
        self
    }

    /// Checks the contract and writes `contract.rs` and `contract.binpb` into a folder.
    pub fn compile(&self, out: &Path) -> Result<(), Problems> {
        let sources = compile::compile(&self.roots(), &self.files)?;
        let mut report = Report::default();
        let model = model::read(&sources, &mut report);
        let checked = check::check(model, report)?;
        generate::write(&sources, checked, out).map_err(|error| {
            let file = out.display().to_string();
            Problems(vec![Problem { file, line: 0, text: format!("cannot be written: {error}") }])
        })
    }

    /// The whole of a `build.rs`: compiles into `OUT_DIR`, and tells cargo what is wrong or when to build again.
    #[expect(clippy::print_stdout, reason = "cargo reads what a build script prints")]
    pub fn build(&self) -> ExitCode {
        for root in self.roots() {
            println!("cargo::rerun-if-changed={}", root.display());
        }
        let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
        match self.compile(&out) {
            Ok(()) => ExitCode::SUCCESS,
            Err(Problems(problems)) => {
                for problem in problems {
                    println!("cargo::error={}", problem.to_string().replace('\n', " "));
                }
                ExitCode::FAILURE
            }
        }
    }

    fn roots(&self) -> Vec<PathBuf> {
        if self.roots.is_empty() { vec![PathBuf::from("proto")] } else { self.roots.clone() }
    }
}
