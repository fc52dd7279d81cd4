//! Commands that the pages mention within a sentence or a table: the parser takes each. Those in blocks are run (`tests/e2e/pages.rs`).
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should say where and stop"
)]

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::arguments::Arguments;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What the pages write for a value that has a form, and such a value.
const VALUES: [(&str, &str); 2] = [("INSTANT", "2026-11-23T00:00:00Z"), ("LINE", "7")];

#[test]
fn every_command_that_a_page_mentions_is_taken() {
    let mut found = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("the page is there");
        for command in text.split('`').filter_map(mentioned) {
            found += 1;
            if let Err(problem) = taken(command) {
                panic!("{}: `{command}`: {problem}", page.display());
            }
        }
    }
    assert!(found > 40, "only {found} commands were found");
}

#[test]
fn a_flag_that_is_gone_or_does_not_fit_is_found() {
    for wrong in ["hallpass up --nonsense", "hallpass tokens mint", "hallpass may [--every]"] {
        assert!(taken(wrong).is_err(), "{wrong}");
    }
}

/// A command, with variables before it left out.
fn mentioned(code: &str) -> Option<&str> {
    let is_variable = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let mut rest = code;
    while let Some((_, after)) = rest.split_once(' ').filter(|(word, _)| is_variable(word)) {
        rest = after;
    }
    (rest.starts_with("hallpass ") && !rest.contains("\n\n")).then_some(rest)
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// A mention may stop before everything is said, but what it says is right, in each part of a pipe.
fn taken(mention: &str) -> Result<(), String> {
    mention
        .split('|')
        .map(str::trim)
        .filter(|part| part.starts_with("hallpass "))
        .try_for_each(part_taken)
}

fn part_taken(command: &str) -> Result<(), String> {
    let command = command.split(['<', '>']).next().unwrap_or_default();
    let words = command.split_whitespace().map(|word| {
        let word = word.trim_matches(['[', ']']);
        VALUES.iter().find(|(stands, _)| *stands == word).map_or(word, |(_, value)| value)
    });
    match Arguments::try_parse_from(words) {
        Err(error) if !is_short(&error) && !is_temporal(command) => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// A command of a build with `--features temporal`.
fn is_temporal(command: &str) -> bool {
    command.starts_with("hallpass worker") || command.contains("--temporal")
}

fn is_short(error: &clap::Error) -> bool {
    match error.kind() {
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => true,
        // A flag that is named without its value.
        ErrorKind::InvalidValue => error.to_string().contains("none was supplied"),
        _ => false,
    }
}

fn pages() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions"].map(|folder| Path::new(REPOSITORY).join(folder));
    let entries = folders.into_iter().flat_map(|folder| folder.read_dir().expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|of| of == "md")).collect()
}
