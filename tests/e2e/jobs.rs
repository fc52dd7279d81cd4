//! Jobs that really run: the trainer that ships, and what the mesh does meanwhile.

mod artifacts;
pub(crate) mod ends;
pub(crate) mod pace;
pub(crate) mod site;
mod splits;
mod together;
pub(crate) mod trace;

use std::path::Path;

use site::{Site, json};

use crate::mesh::{HALLPASS, Mesh};
use crate::tools::run;
use crate::traces::until;

/// Trainers in scripts of a shell that the operator, not Platform, has asked for.
const TRAINERS: &str = r#"
[jobs]
attempts = 3
grace = "1s"

[trainers.once]
program = "/bin/sh"
arguments = ["-c", "echo '{\"progress\": 0, \"message\": \"begun\"}'; echo run >> {data}/../../runs; until test -e {data}/../../go; do sleep 0.05; done; echo '{\"right\": 1}' > metrics.json"]

[trainers.numbered]
program = "/bin/sh"
arguments = ["-c", "echo '{\"progress\": 0, \"message\": \"'$$'\"}'; until test -e {data}/../../go; do sleep 0.05; done"]

[trainers.curious]
program = "/bin/sh"
arguments = ["-c", "env; ls {data}; cat {items}"]
"#;

#[test]
fn the_first_job_is_real() {
    let mesh = Mesh::up();
    let call = |arguments: &[&str]| crate::tour::hallpass(&mesh, arguments, "alice");
    let listed = json(&call(&["dataset", "list", "--output", "json"]));
    let first = listed.get(0).or_else(|| listed.get("datasets")?.get(0)).expect("the sample");
    let dataset = first["dataset_id"].as_str().expect("an id");
    let made = call(&[
        "job",
        "create",
        "--dataset",
        dataset,
        "--name",
        "a",
        "--watch",
        "--output",
        "json",
    ]);
    assert_eq!(made.code, 0, "{made:?}");
    let job = json(&made);
    assert_eq!(job["state"], "succeeded");
    assert!(job["result"]["metrics"]["items"].as_f64().is_some_and(|items| items > 0.0), "{job}");
    let model = mesh
        .data()
        .join("platform/artifacts")
        .join(job["result"]["artifact"].as_str().expect("a place"));
    assert!(model.join("model.json").is_file());
    let data = mesh.data().to_owned();
    assert!(!has_token(&data.join("platform")), "a token is in the database or in a file");
    // It has succeeded before its working folder is cleared away.
    let folder = data.join("platform/jobs").join(job["job_id"].as_str().expect("an id"));
    until(|| (!folder.exists()).then_some(()));
}

#[test]
fn one_command_leads_from_a_clone_to_a_finished_job() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/first-job");
    let mut command = std::process::Command::new(script);
    command.arg("model").current_dir(folder.path()).env("HALLPASS", HALLPASS);
    // A terminal in which another mesh was tried.
    command.env("HALLPASS_TOKEN", "revoked").env("HALLPASS_DATA", "elsewhere");
    command.env("HALLPASS_DATABASE", "env:NOTHING").env("JWT_SECRET_KEY", "of something else");
    let ran = run(command.env("RUST_LOG", "warn").env_remove("TEST_TOOLS"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("succeeded: accuracy="), "{ran:?}");
    assert!(folder.path().join("model/model.json").is_file());
}

#[test]
fn a_job_outlives_its_platform_and_its_users_token() {
    let mut site = Site::start(TRAINERS);
    let token = site.token("alice");
    let id = site.create("once");
    site.until(&id, "message", "begun");
    site.kill_platform();
    // Fetching again would begin with an empty folder.
    let mark = site.work().join(&id).join("data/mark");
    std::fs::write(&mark, b"").expect("what was fetched is there");
    site.start_platform(TRAINERS, &[]);
    let runs = || std::fs::read_to_string(site.work().join("runs")).unwrap_or_default();
    until(|| (runs().lines().count() == 2).then_some(()));
    assert!(mark.exists(), "what is done is not done again");
    site.release();
    let revoked = site.call_with(&["token", "revoke", "--reason", "test"], &token);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    let refused = site.call_with(&["job", "watch", &id], &token);
    assert!(refused.stderr.contains("TOKEN_REVOKED"), "{refused:?}");
    let job = site.ended(&id);
    assert_eq!(
        (&job["state"], &job["result"]["metrics"]["right"]),
        (&"succeeded".into(), &1.0.into())
    );
    assert_eq!(job["attempt"], 1, "publishing is not tried twice: {job}");
    assert_eq!(runs().lines().count(), 2, "once before and once after");
}

/// A Platform that ends takes its trainers with it; one that is killed cannot, so the next one does before it begins anew.
#[test]
fn a_trainer_never_runs_beside_its_successor() {
    let mut site = Site::start(TRAINERS);
    let id = site.create("numbered");
    // The process of the attempt that runs, once it is another one.
    let process = |site: &Site, before: &str| {
        until(|| {
            let said = site.job(&id)["message"].as_str().expect("a text").to_owned();
            (!said.is_empty() && said != before).then_some(said)
        })
    };
    // Nobody may be there to bury an orphan.
    let runs = |process: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let first = process(&site, "");
    assert_eq!(site.platform.take().expect("it runs").terminate(), Some(0));
    assert!(!runs(&first), "a Platform that ends has ended its trainer");
    site.start_platform(TRAINERS, &[]);
    let second = process(&site, &first);
    assert_eq!(
        site.job(&id)["attempt"],
        1,
        "an attempt that was broken off for this does not count"
    );
    site.kill_platform();
    assert!(runs(&second), "whoever is killed can end nothing");
    site.start_platform(TRAINERS, &[]);
    process(&site, &second);
    assert!(!runs(&second), "what was left over was ended first");
    assert_eq!(site.job(&id)["attempt"], 2);
    site.release();
    assert_eq!(site.end(&id), "succeeded");
}

#[test]
fn a_trainer_gets_the_files_and_no_token() {
    let site = Site::start(TRAINERS);
    let id = site.create("curious");
    assert_eq!(site.end(&id), "succeeded");
    let logs = site.call(&["job", "logs", &id]).stdout;
    assert!(logs.contains("\"path\""), "{logs}");
    assert!(!logs.contains("eyJ") && !logs.contains("HALLPASS_"), "{logs}");
    let held = site.create("once");
    site.until(&held, "message", "begun");
    let state = site.data.path().join("platform");
    assert!(!has_token(&state), "a token is in the database or in a file");
    // Were one there, it would have been found.
    let dataset = site.dataset();
    let named = site.token("alice");
    site.call(&[
        "job",
        "create",
        "--dataset",
        &dataset,
        "--trainer",
        "once",
        "--name",
        &named[..180],
    ]);
    assert!(has_token(&state));
    site.release();
}

/// Whether any file below the folder holds what looks like a token.
pub(crate) fn has_token(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return has_token(&path);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(5).any(|bytes| bytes == b"eyJhb" || bytes == b"eyJ0e" || bytes == b"eyJra")
    })
}
