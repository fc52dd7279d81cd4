//! The pages as a reader types them: every fenced command of the README and of `docs`, and every example of every `--help`, is run as it
//! stands, in the page's order, in one terminal, and its output is checked. `pages/reader.rs` says how a page says what comes out.
//!
//! Two things are put in the place of others: `cargo run --release --` stands for the binary under test, so that no release is built,
//! and the database's URL, which has the reader's password, for that of the tests' server.

mod help;
mod place;
mod postgres;
mod reader;
mod terminal;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::tools;
use place::{Clone, REPOSITORY, alone};
use reader::{Step, steps};
use terminal::{Other, Typed};

/// What is typed instead of what stands there.
const INSTEAD: [(&str, &str); 2] = [
    ("cargo run --release --features temporal -- ", "target/release/hallpass "),
    ("cargo run --release -- ", "target/release/hallpass "),
];

#[test]
fn the_readme_does_what_it_says() {
    alone("pages::the_readme_does_what_it_says", || run("README.md"));
}

#[test]
fn the_walkthrough_does_what_it_says() {
    alone("pages::the_walkthrough_does_what_it_says", || run("docs/walkthrough.md"));
}

#[test]
fn the_page_on_jobs_does_what_it_says() {
    alone("pages::the_page_on_jobs_does_what_it_says", || run("docs/jobs.md"));
}

#[test]
fn the_page_on_revocation_does_what_it_says() {
    alone("pages::the_page_on_revocation_does_what_it_says", || run("docs/revocation.md"));
}

#[test]
fn the_page_on_nats_does_what_it_says() {
    alone("pages::the_page_on_nats_does_what_it_says", || run("docs/nats.md"));
}

/// What `up` prints to be pasted works as it was printed.
#[test]
fn what_a_new_mesh_says_to_paste_works() {
    alone("pages::what_a_new_mesh_says_to_paste_works", || {
        if tools::find("grpcurl").is_none() {
            return;
        }
        let clone = Clone::new();
        let mesh = Other::run(clone.shell(), "target/release/hallpass up");
        // The last of it.
        mesh.until("grpc.health.v1.Health/Check").unwrap_or_else(|problem| panic!("{problem}"));
        let shown = mesh.shown();
        let is_command = |line: &&str| {
            ["export ", "grpcurl ", "hallpass "].iter().any(|word| line.contains(word))
        };
        let pasted = shown.lines().filter_map(|line| line.strip_prefix("  ")).filter(is_command);
        let commands: Vec<_> = pasted.collect();
        assert_eq!(commands.len(), 6, "{shown}");
        let path = "export PATH=\"$PWD/target/tools:$PATH\"\n";
        let said = Typed::open(clone.shell()).run(&format!("{path}{}", commands.join("\n")));
        let expected = ["Shapes", "TYPE_NOT_ACCEPTED", "RPC", "rpc ListDatasets", "\"SERVING\""];
        let step = Step { expected: expected.map(str::to_owned).into(), ..Step::default() };
        let said = said.unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(step.problem(&said), None, "{said}");
    });
}

#[test]
fn the_page_on_datasets_does_what_it_says() {
    alone("pages::the_page_on_datasets_does_what_it_says", || run("docs/datasets.md"));
}

/// The pages that the tests above run.
const RUN: [&str; 6] = [
    "README.md",
    "docs/datasets.md",
    "docs/jobs.md",
    "docs/nats.md",
    "docs/revocation.md",
    "docs/walkthrough.md",
];

/// A page with commands is run; what of it is not is listed with the reason, and reviewed as a diff.
#[test]
fn every_page_with_commands_is_run() {
    let mut listed = String::new();
    for page in pages() {
        let steps = read(&page);
        assert!(
            steps.iter().all(|step| step.not_run.is_some()) || RUN.contains(&page.as_str()),
            "{page} has commands and is not run"
        );
        for step in steps {
            if let Some(reason) = &step.not_run {
                let _ = writeln!(listed, "{page} | {} | not run: {reason}", step.head());
            } else if let Some(tool) = &step.needs {
                let _ = writeln!(listed, "{page} | {} | needs {tool}", step.head());
            }
        }
    }
    let golden = Path::new(REPOSITORY).join("tests/golden/pages.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &listed).expect("it can be written");
    }
    let reviewed = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(listed, reviewed, "if this is meant, run with UPDATE_GOLDEN=1 and review the diff");
}

/// Every page of the repository, by its path.
fn pages() -> Vec<String> {
    let mut left = vec![String::new()];
    let mut pages = Vec::new();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(Path::new(REPOSITORY).join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_folder = entry.file_type().expect("a type").is_dir();
            if is_folder && !matches!(name.as_str(), "target" | ".git" | "node_modules" | "e2e") {
                left.push(path);
            } else if !is_folder && Path::new(&name).extension().is_some_and(|of| of == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

fn read(page: &str) -> Vec<Step> {
    let text =
        std::fs::read_to_string(Path::new(REPOSITORY).join(page)).expect("the page is there");
    steps(&text).unwrap_or_else(|problem| panic!("{page}, {problem}"))
}

/// Types a page from its beginning to its end.
fn run(page: &str) {
    let steps = read(page);
    let words = ["grpcurl", "grpc-health-probe", "nats-server"];
    let needed =
        words.iter().filter(|tool| steps.iter().any(|step| step.commands.contains(**tool)));
    if needed.filter(|tool| tools::find(tool).is_none()).count() > 0 {
        return;
    }
    Reader::new(page).read(&steps);
}

/// Somebody who types what a page says.
struct Reader<'a> {
    page: &'a str,
    // Ended before the folder goes.
    typed: Typed,
    others: BTreeMap<String, Other>,
    clone: Clone,
    /// The URL of a database, once a step needs one.
    database: Option<String>,
}

impl<'a> Reader<'a> {
    fn new(page: &'a str) -> Self {
        let clone = Clone::new();
        let typed = Typed::open(clone.shell());
        Self { page, typed, others: BTreeMap::new(), clone, database: None }
    }

    fn read(&mut self, steps: &[Step]) {
        let begun = std::time::Instant::now();
        for step in steps.iter().filter(|step| step.not_run.is_none() && is_possible(step)) {
            if let Err(problem) = self.step(step) {
                let (page, line) = (self.page, step.line);
                let others = self.others.iter().fold(String::new(), |all, (name, other)| {
                    format!("{all}\n--- terminal {name} ---\n{}", other.shown())
                });
                panic!(
                    "{page}, line {line}: {problem}\n--- commands ---\n{}{others}",
                    step.commands
                );
            }
        }
        eprintln!("{}: {} s", self.page, begun.elapsed().as_secs());
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let commands = INSTEAD.iter().fold(step.commands.clone(), |commands, (stands, typed)| {
            commands.replace(stands, typed)
        });
        let commands = self.with_database(step, commands);
        for name in step.ends.iter().chain(&step.terminal) {
            self.others.remove(name).map_or(Ok(()), Other::end)?;
        }
        let Some(name) = &step.terminal else {
            let output = self.typed.run(&commands)?;
            return step
                .problem(&output)
                .map_or(Ok(()), |problem| Err(format!("{problem}\n--- output ---\n{output}")));
        };
        let other = Other::run(self.clone.shell(), &commands);
        let other = self.others.entry(name.clone()).or_insert(other);
        step.until.as_ref().map_or(Ok(()), |wanted| other.until(wanted))?;
        step.answers.as_ref().map_or(Ok(()), |address| other.answers(address))
    }
}

impl Reader<'_> {
    /// The commands with a database's URL that works.
    fn with_database(&mut self, step: &Step, commands: String) -> String {
        if step.needs.as_deref() != Some("postgres") {
            return commands;
        }
        if self.database.is_none() {
            self.database = postgres::url(self.clone.path());
        }
        self.database.iter().fold(commands, |commands, url| commands.replace(postgres::SHOWN, url))
    }
}

/// Whether what the step needs is there. Jobs on Temporal are in a build of their own, which `.ci/full` tests.
fn is_possible(step: &Step) -> bool {
    match step.needs.as_deref() {
        None => true,
        Some("temporal") if !cfg!(feature = "temporal") => {
            eprintln!(
                "\n*** LEFT OUT: {} is for a build with --features temporal ***\n",
                step.head()
            );
            false
        }
        Some("postgres") => hallpass_store::testing::server().is_some(),
        Some(tool) => tools::find(tool).is_some(),
    }
}
