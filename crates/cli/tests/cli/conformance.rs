//! The conformance table keeps its word: each row names a test, and each test that is named is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file of the crates and the tests, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut left = vec![root().join("crates"), root().join("tests")];
    let mut all = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder").filter_map(Result::ok);
            left.extend(entries.map(|entry| entry.path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("Rust is text");
            all.push((path, text));
        }
    }
    all
}

/// The rows of the tables of demands: line, what is done, and the tests.
fn rows() -> Vec<(usize, String, String)> {
    let text = fs::read_to_string(root().join("docs/conformance.md")).expect("the table");
    let (demands, _) = text.split_once("\n# Deviations").expect("the deviations come last");
    let lines = demands.lines().enumerate().filter(|(_, line)| line.starts_with("| "));
    let rows = lines.filter(|(_, line)| !line.starts_with("| demand |"));
    rows.map(|(place, line)| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, here, tests] = cells[..] else { panic!("line {}: not three cells", place + 1) };
        (place + 1, here.to_owned(), tests.to_owned())
    })
    .collect()
}

/// The names in backticks: files, folders, functions.
fn names(cell: &str) -> BTreeSet<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let parts = quoted.flat_map(|quoted| quoted.split([':', ' ', ',']));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_row_names_tests_that_are_there() {
    let sources = sources();
    let is_there = |name: &str| {
        if name.contains('/') {
            return root().join(name.trim_end_matches('/')).exists()
                || sources.iter().any(|(path, _)| path.ends_with(name));
        }
        if Path::new(name).extension().is_some_and(|extension| extension == "rs") {
            return sources.iter().any(|(path, _)| path.ends_with(name));
        }
        let (test, module) = (format!("fn {name}("), format!("mod {name};"));
        sources.iter().any(|(_, text)| text.contains(&test) || text.contains(&module))
    };
    let rows = rows();
    assert!(rows.len() > 40, "only {} rows were read", rows.len());
    let mut wrong = Vec::new();
    for (line, here, test) in rows {
        let names = names(&test);
        if names.is_empty() && !here.starts_with("**not done**") {
            wrong.push(format!("line {line}: no test is named"));
        }
        let absent = names.iter().filter(|name| !is_there(name));
        wrong.extend(absent.map(|name| format!("line {line}: {name} is not there")));
    }
    assert!(wrong.is_empty(), "docs/conformance.md:\n{}", wrong.join("\n"));
}
