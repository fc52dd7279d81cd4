//! Every example of every `--help`: `help.md` beside this file runs them, so that each has what it needs and its output is checked.

use std::collections::BTreeSet;
use std::process::Command;

use crate::mesh::HALLPASS;
use crate::pages::Reader;
use crate::pages::place::{REPOSITORY, alone};
use crate::pages::reader::steps;
use crate::tools::run;

const PAGE: &str = "tests/e2e/pages/help.md";

fn page() -> Vec<crate::pages::reader::Step> {
    let text = std::fs::read_to_string(format!("{REPOSITORY}/{PAGE}")).expect("the page is there");
    steps(&text).unwrap_or_else(|problem| panic!("{PAGE}, {problem}"))
}

#[test]
fn the_examples_of_every_help_do_what_they_say() {
    let test = "pages::help::the_examples_of_every_help_do_what_they_say";
    alone(test, || Reader::new(PAGE).read(&page()));
}

/// An example that nothing runs is found here, and so is one that is run and shown nowhere any more.
#[test]
fn every_example_of_every_help_is_run() {
    let steps = page();
    let typed: Vec<_> = steps.iter().flat_map(|step| lines(&step.commands)).collect();
    let shown: BTreeSet<_> =
        [vec![], vec!["trainer".to_owned()]].iter().flat_map(|of| examples(of)).collect();
    assert!(shown.len() > 80, "only {} examples were found", shown.len());
    let missing: Vec<_> = shown.iter().filter(|example| !typed.contains(example)).collect();
    assert!(
        missing.is_empty(),
        "each example is run: add to {PAGE}\n{}",
        missing.into_iter().cloned().collect::<Vec<_>>().join("\n")
    );
    let left_out = steps.iter().filter(|step| step.not_run.is_some());
    let left_out: Vec<_> =
        left_out.map(|step| format!("{}: {:?}", step.head(), step.not_run)).collect();
    assert!(left_out.is_empty(), "every example is run: {left_out:?}");
}

/// The examples of a command and of all below it.
fn examples(command: &[String]) -> Vec<String> {
    let told = run(Command::new(HALLPASS).args(command).arg("--help"));
    assert_eq!(told.code, 0, "{command:?}: {told:?}");
    let mut found = told.stdout.split_once("Examples:\n").map_or(Vec::new(), |(_, after)| {
        let end = after.find("\n\n").unwrap_or(after.len());
        lines(&after[..end])
    });
    let below = told.stdout.split_once("Commands:\n").map_or("", |(_, after)| after);
    for line in below.lines().take_while(|line| !line.is_empty()) {
        // A name has two spaces before it; what goes on in the next line has more.
        let name = line.strip_prefix("  ").filter(|name| !name.starts_with(' '));
        let name = name.and_then(|name| name.split(' ').next());
        // A worker, which builds with Temporal alone have, needs its server: `temporal.rs` starts both.
        let name = name.filter(|name| !["help", "worker"].contains(name));
        found.extend(
            name.into_iter().flat_map(|name| examples(&[command, &[name.to_owned()]].concat())),
        );
    }
    found
}

/// Lines of commands, each of which goes on in the next one where it ends with a backslash or a pipe.
fn lines(commands: &str) -> Vec<String> {
    let joined = commands.replace("\\\n", " ").replace("|\n", "| ");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.lines().map(words).filter(|line| !line.is_empty()).collect()
}
