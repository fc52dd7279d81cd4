//! Several Platforms on one PostgreSQL database run each job once; on one SQLite file there is one Platform. And all of it again on
//! PostgreSQL.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hallpass_store::testing;
use tempfile::TempDir;

use super::site::{self, HOLD, ON_POSTGRES, Site, text};
use crate::mesh::HALLPASS;
use crate::{nats, tools};

/// A trainer that notes where it ran, and one that holds first.
fn trainers(notes: &Path) -> String {
    let note = format!("echo {{job}} {{data}} >> {}", notes.display());
    let begun = "echo '{\\\"progress\\\": 0, \\\"message\\\": \\\"begun\\\"}'";
    format!(
        "[jobs]\nconcurrency = 2\n\
         [trainers.notes]\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"{note}\"]\n\
         [trainers.holds]\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"{note}; {begun}; {HOLD}\"]\n"
    )
}

/// The keys of one data folder for another, and one place for results.
fn share(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("keys")).expect("a folder");
    std::fs::create_dir_all(to.join("platform")).expect("a folder");
    for key in std::fs::read_dir(from.join("keys")).expect("keys") {
        let key = key.expect("an entry");
        std::fs::copy(key.path(), to.join("keys").join(key.file_name())).expect("a copy");
    }
    let results = (from.join("platform/artifacts"), to.join("platform/artifacts"));
    std::os::unix::fs::symlink(results.0, results.1).expect("a link");
}

/// Where each job ran, as often as it did.
fn ran(notes: &Path) -> BTreeMap<String, Vec<String>> {
    let mut ran: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(notes).unwrap_or_default().lines() {
        let (job, data) = line.split_once(' ').expect("two words");
        ran.entry(job.to_owned()).or_default().push(data.to_owned());
    }
    ran
}

#[test]
fn two_platforms_on_one_postgresql_run_each_job_once_and_take_over() {
    let Some(server) = testing::server() else { return };
    // Two Platforms on one database need NATS to tell each other what is revoked.
    let Some(program) = tools::find("nats-server") else { return };
    let (port, stored) = (nats::free_port(), TempDir::new().expect("a folder"));
    let _nats = nats::Server::start(&program, port, stored.path());
    let servers = format!("[\"nats://127.0.0.1:{port}\"]");
    let nats = ("HALLPASS_NATS__SERVERS", servers.as_str());
    let (mut site, other) = (Site::without_platform(), TempDir::new().expect("a folder"));
    share(site.data.path(), other.path());
    let notes = other.path().join("notes");
    let url = site::schema(&server, site.data.path());
    site.database = Some(url.clone());
    site.start_platform(&trainers(&notes), &[nats]);
    let config = site.data.path().join("platform.toml");
    let arguments = ["--config", text(&config), "--data", text(other.path())];
    let arguments = [&arguments[..], &["--database", "env:DATABASE_OF_JOBS"]].concat();
    let environment = [("DATABASE_OF_JOBS", url.as_str()), nats];
    let second = site.another_platform(&arguments, "127.0.0.1:0", &environment);

    let jobs: Vec<_> = (0..16).map(|_| site.create("notes")).collect();
    for job in &jobs {
        assert_eq!(site.end(job), "succeeded");
    }
    let ran_at = ran(&notes);
    assert_eq!(ran_at.len(), jobs.len());
    assert!(ran_at.values().all(|places| places.len() == 1), "one ran twice: {ran_at:?}");

    // Four at once are two at each. The second one goes away; the first one, whose list Labeler follows, takes its two over.
    let held: Vec<_> = (0..4).map(|_| site.create("holds")).collect();
    for job in &held {
        site.until(job, "message", "begun");
    }
    let ran_at = ran(&notes);
    let by_second = held.iter().filter(|job| ran_at[*job][0].starts_with(text(other.path())));
    assert_eq!(by_second.count(), 2, "{ran_at:?}");
    second.kill();
    site.release();
    for job in &held {
        assert_eq!(site.end(job), "succeeded");
        let folder = TempDir::new().expect("a folder");
        site.json(&["job", "pull", job, text(folder.path())]);
    }
    // Those that a killed Platform leaves behind see nobody's signal.
    std::fs::write(other.path().join("platform/jobs/go"), b"").expect("it can be written");
    let all = site::everything(&url);
    assert!(all.contains(&held[0]) && !all.contains("eyJ"), "a token is in the database");
}

#[test]
fn a_second_platform_on_the_same_data_says_why_it_cannot() {
    let site = Site::start("");
    let mut second = Command::new(HALLPASS);
    second.args(["platform", "--data", site.folder(), "--listen", "127.0.0.1:0"]);
    second.args(["--labeler", "http://127.0.0.1:9"]);
    let second = tools::run(&mut second);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.contains("another process"), "{second:?}");
}

/// The other tests of jobs, with a database of their own on the server.
#[test]
fn the_jobs_on_postgresql() {
    if std::env::var_os(ON_POSTGRES).is_some() || testing::server().is_none() {
        return;
    }
    let binary = std::env::current_exe().expect("this process has a binary");
    let again = ["jobs::ends", "jobs::splits", "jobs::a_job_outlives"];
    let again = Command::new(binary).args(again).env(ON_POSTGRES, "1").output();
    let again = again.expect("a test binary can be run again");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success() && !said.contains(" 0 passed"), "on PostgreSQL:\n{said}");
}
