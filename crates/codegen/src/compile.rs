//! Compiles `.proto` files, options and comments included, without a compiler to install.
//!
//! Invariant: the options are read by the definition that this crate was built with, never by another one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;
use protox::Compiler;
use protox::file::{
    ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver,
};

use crate::problem::{Problem, Problems};

/// The file that defines the options; every contract imports it under this name.
pub(crate) const RULE_PROTO: &str = "hallpass/auth/v1/rule.proto";
const RULE_PROTO_TEXT: &str = include_str!("../../../proto/hallpass/auth/v1/rule.proto");

/// Compiled files.
#[derive(Debug)]
pub(crate) struct Sources {
    /// All files, imports included.
    pub(crate) pool: DescriptorPool,
    /// The same, encoded with their options.
    pub(crate) descriptor_set: Vec<u8>,
    /// Where each file was found, by its name.
    pub(crate) paths: BTreeMap<String, String>,
}

/// Compiles the named files, or every `.proto` file under the roots.
pub(crate) fn compile(roots: &[PathBuf], files: &[PathBuf]) -> Result<Sources, Problems> {
    let mut resolver = ChainFileResolver::new();
    for root in roots {
        same_options(root)?;
        resolver.add(IncludeFileResolver::new(root.clone()));
    }
    resolver.add(Embedded);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    let found = if files.is_empty() { discover(roots)? } else { files.to_vec() };
    open(&mut compiler, roots, &found)?;
    let paths = compiler
        .files()
        .filter_map(|file| Some((file.name().to_owned(), file.path()?.display().to_string())))
        .collect();
    Ok(Sources {
        pool: compiler.descriptor_pool(),
        descriptor_set: compiler.encode_file_descriptor_set(),
        paths,
    })
}

/// Opens all files and gathers what is wrong with each.
fn open(compiler: &mut Compiler, roots: &[PathBuf], files: &[PathBuf]) -> Result<(), Problems> {
    let mut problems: Vec<_> = files
        .iter()
        .map(PathBuf::as_path)
        .chain([Path::new(RULE_PROTO)])
        .filter_map(|file| {
            let known = file == Path::new(RULE_PROTO)
                && compiler.files().any(|known| known.name() == RULE_PROTO);
            if known { None } else { compiler.open_file(file).err() }
        })
        .map(|error| located(&error, roots))
        .collect();
    problems.sort();
    problems.dedup();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// Takes file and line out of an error: `Debug` has them, `Display` does not.
fn located(error: &protox::Error, roots: &[PathBuf]) -> Problem {
    let name = error.file().unwrap_or_default();
    let file = roots
        .iter()
        .map(|root| root.join(name))
        .find(|path| path.is_file())
        .map_or_else(|| name.to_owned(), |path| path.display().to_string());
    let debug = format!("{error:?}");
    let line = debug
        .strip_prefix(name)
        .and_then(|rest| rest.trim_start_matches(':').split(':').next()?.parse().ok())
        .unwrap_or(0);
    Problem { file, line, text: error.to_string() }
}

/// Every `.proto` file under the roots, sorted.
fn discover(roots: &[PathBuf]) -> Result<Vec<PathBuf>, Problems> {
    let mut found = Vec::new();
    let mut folders = roots.to_vec();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A root may hold the definition of the options, but not another one: fields unknown here would be dropped in silence.
fn same_options(root: &Path) -> Result<(), Problems> {
    let path = root.join(RULE_PROTO);
    match fs::read_to_string(&path) {
        Ok(text) if text != RULE_PROTO_TEXT => {
            let text =
                "is not the definition of the options that this build knows; take its version";
            Err(Problems(vec![Problem {
                file: path.display().to_string(),
                line: 0,
                text: text.to_owned(),
            }]))
        }
        _ => Ok(()),
    }
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Problems {
    let file = folder.display().to_string();
    Problems(vec![Problem { file, line: 0, text: format!("cannot be read: {error}") }])
}

/// The definition of the options, carried along so that a service needs nothing but this crate.
struct Embedded;

impl FileResolver for Embedded {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        (path == Path::new(RULE_PROTO)).then(|| RULE_PROTO.to_owned())
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            RULE_PROTO => File::from_source(name, RULE_PROTO_TEXT),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}
