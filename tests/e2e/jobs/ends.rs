//! Bad ends: what becomes of a job whose dataset, trainer or Labeler is not as it should be, and what it says then.

use serde_json::Value;

use super::site::{HOLD, Site};
use crate::mesh::HALLPASS;
use crate::tools::run;
use crate::traces::until;

/// Where trainers note when they begin and end.
const NOTED: &str = "{data}/../../noted";
/// Long enough for another one to begin meanwhile, if it may.
const LINGER: &str = "for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done";

/// Scripts that end badly, each in its own way.
fn trainers(jobs: &str) -> String {
    let script = |name: &str, script: &str, more: &str| {
        let script = Value::from(script);
        format!(
            "[trainers.{name}]\nprogram = \"/bin/sh\"\narguments = [\"-c\", {script}]\n{more}\n"
        )
    };
    let begun = "echo '{\"progress\": 0, \"message\": \"begun\"}'";
    [
        format!("[jobs]\ngrace = \"1s\"\n{jobs}\n"),
        "[trainers.missing]\nprogram = \"/nonexistent/trainer\"\n".to_owned(),
        script("fails", "echo it does not work; exit 3", ""),
        script("late", "sleep 1000", "time_limit = \"1s\""),
        script("hangs", &format!("{begun}; sleep 1000 & wait"), ""),
        script("deaf", &format!("trap '' TERM; {begun}; while :; do sleep 1; done"), ""),
        script("shot", "kill -9 $$", ""),
        script("holds", &format!("{begun}; {HOLD}; echo '{{\"right\": 1}}' > metrics.json"), ""),
        script("quick", "true", ""),
        script("alone", &format!("echo + >> {NOTED}; {LINGER}; echo - >> {NOTED}"), ""),
    ]
    .concat()
}

#[test]
fn trainers_that_end_badly_end_their_jobs_with_the_reason() {
    let site = Site::start(&trainers("attempts = 2"));
    for (trainer, end) in [
        ("fails", "failed TRAINER_FAILED"),
        ("missing", "failed TRAINER_MISSING"),
        ("late", "failed TRAINER_TOO_LONG"),
        ("shot", "failed TRAINER_KILLED"),
    ] {
        let id = site.create(trainer);
        assert_eq!(site.end(&id), end);
        let attempts = if trainer == "shot" { 2 } else { 1 };
        assert_eq!(
            site.job(&id)["attempt"],
            attempts,
            "{trainer}: only what may pass is tried again"
        );
        assert!(!site.work().join(&id).exists(), "{trainer}: its folder is left behind");
    }
    let dataset = site.dataset();
    let unknown = ["job", "create", "--dataset", &dataset, "--name", "a", "--trainer", "none"];
    let unknown = site.call(&unknown);
    assert!(unknown.stderr.contains("job.trainer"), "{unknown:?}");
    let id = site.create("fails");
    site.ended(&id);
    let logs = site.call(&["job", "logs", &id]);
    assert_eq!(logs.stdout, "it does not work\n");
    let told = site.call(&["job", "get", &id]).stdout;
    for word in ["fails", "failed", "TRAINER_FAILED", "problem"] {
        assert!(told.contains(word), "{word} is not in what people see of a failed job:\n{told}");
    }
    let again = site.call(&["job", "retry", &id]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(site.end(&id), "failed TRAINER_FAILED");
}

#[test]
fn an_abort_ends_the_trainer_and_all_that_it_started() {
    let site = Site::start(&trainers(""));
    for trainer in ["hangs", "deaf"] {
        let id = site.create(trainer);
        site.until(&id, "message", "begun");
        let stranger = site.call_with(&["job", "abort", &id], &site.token("mallory"));
        assert!(stranger.stderr.contains("OBJECT_REFUSED"), "{stranger:?}");
        let aborted = site.call(&["job", "abort", &id]);
        assert_eq!(aborted.code, 0, "{aborted:?}");
        assert!(aborted.stdout.contains("aborted"), "it is waited for: {aborted:?}");
        let job = site.json(&["job", "get", &id]);
        assert_eq!((&job["state"], &job["failure"]), (&"aborted".into(), &Value::Null));
    }
    let id = site.create("fails");
    site.ended(&id);
    let late = site.call(&["job", "abort", &id]);
    assert!(late.stderr.contains("JOB_ENDED"), "{late:?}");
}

/// Whoever looks after the mesh sees nobody's jobs, and can end those that should not go on.
#[test]
fn an_administrator_ends_the_job_of_another() {
    let site = Site::start(&trainers(""));
    let id = site.create("hangs");
    site.until(&id, "message", "begun");
    let with_role = |role: &str| {
        let arguments = ["token", "mint", "--subject", "root", "--role", role, "--data"];
        let mut command = std::process::Command::new(HALLPASS);
        run(command.args(arguments).arg(site.folder())).stdout.trim_end().to_owned()
    };
    for (role, wish) in [("operator", "abort"), ("admin", "get"), ("admin", "retry")] {
        let refused = site.call_with(&["job", wish, &id], &with_role(role));
        assert!(refused.stderr.contains("OBJECT_REFUSED"), "{role} {wish}: {refused:?}");
    }
    let aborted = site.call_with(&["job", "abort", &id], &with_role("admin"));
    assert_eq!(aborted.code, 0, "{aborted:?}");
    assert_eq!(site.end(&id), "aborted");
}

/// Two jobs where there is a place for one: the second begins when the first has ended.
#[test]
fn no_more_jobs_run_at_once_than_there_are_places() {
    let site = Site::start(&trainers("concurrency = 1"));
    let jobs: Vec<_> = (0..2).map(|_| site.create("alone")).collect();
    for id in &jobs {
        assert_eq!(site.end(id), "succeeded");
    }
    let noted = std::fs::read_to_string(site.work().join("noted"));
    assert_eq!(noted.expect("they ran"), "+\n-\n+\n-\n");
}

/// An acknowledged abort is the end, whatever the trainer is about to do; an abort that comes too late is told so.
#[test]
fn an_abort_that_races_with_the_end_is_either_the_end_or_refused() {
    is_raced(&Site::start(&trainers("concurrency = 4")));
}

/// The same for any engine.
pub(crate) fn is_raced(site: &Site) {
    let jobs: Vec<_> = (0..6).map(|_| site.create("quick")).collect();
    for id in jobs {
        let aborted = site.call(&["job", "abort", &id]);
        let end = site.end(&id);
        if aborted.code == 0 {
            assert_eq!(end, "aborted");
        } else {
            assert!(aborted.stderr.contains("JOB_ENDED"), "{aborted:?}");
            assert_eq!(end, "succeeded");
        }
    }
}

/// Jobs that were queued while their datasets were right, and are run when they are not.
#[test]
fn a_dataset_that_is_not_as_it_was_is_named() {
    let mut site = Site::start(&trainers("concurrency = 0"));
    let (gone, changed, broken, kept) =
        (site.import("gone"), site.import("changed"), site.import("broken"), site.import("kept"));
    let on = |dataset: &str| site.create_on(&["--dataset", dataset], "quick");
    let jobs = [on(&gone), on(&changed), on(&broken)];
    let snapshot = site.json(&["dataset", "snapshot", "create", &kept, "--name", "first"]);
    let snapshot = snapshot["snapshot_id"].as_str().expect("an id").to_owned();
    let on_snapshot = site.create_on(&["--snapshot", &snapshot], "quick");
    let on_dataset = site.create_on(&["--dataset", &kept], "quick");
    site.json(&["dataset", "delete", &gone]);
    for dataset in [&changed, &kept] {
        site.json(&["dataset", "split", dataset, "--train", "1"]);
    }
    let files = site.data.path().join("labeler/files/datasets").join(&broken);
    std::fs::remove_dir_all(&files).expect("its files are there");
    site.kill_platform();
    site.start_platform(&trainers("attempts = 2"), &[]);
    let ends = jobs.map(|job| site.end(&job));
    assert_eq!(ends[..2], ["failed DATASET_REFUSED", "failed DATASET_CHANGED"]);
    assert_eq!(ends[2], "failed DATASET_BROKEN");
    assert_eq!(site.end(&on_dataset), "failed DATASET_CHANGED");
    assert_eq!(site.end(&on_snapshot), "succeeded", "a snapshot is as it was");
}

/// A job's own tokens ask nobody, so a user who may not read the dataset gets no job, and none again.
#[test]
fn who_may_not_read_the_dataset_gets_no_job_and_none_again() {
    let site = Site::start(&trainers(""));
    let (dataset, bob) = (site.dataset(), site.token("bob"));
    let create = [
        "job",
        "create",
        "--dataset",
        &dataset,
        "--name",
        "a",
        "--trainer",
        "fails",
        "--output",
        "json",
    ];
    let refused = site.call_with(&create, &bob);
    assert!(refused.stderr.contains("OBJECT_REFUSED"), "{refused:?}");
    site.json(&["dataset", "share", &dataset, "bob:viewer"]);
    let made = super::json(&site.call_with(&create, &bob));
    let id = made["job_id"].as_str().expect("an id");
    site.call_with(&["job", "watch", id], &bob);
    site.json(&["dataset", "unshare", &dataset, "bob"]);
    let refused = site.call_with(&["job", "retry", id], &bob);
    assert!(refused.stderr.contains("OBJECT_REFUSED"), "{refused:?}");
}

#[test]
fn a_labeler_that_is_away_is_waited_for_and_not_for_ever() {
    let mut site = Site::start(&trainers("concurrency = 0"));
    let id = site.create("quick");
    site.kill_labeler();
    let dataset = ["job", "create", "--dataset", "ds_1", "--name", "a", "--trainer", "quick"];
    assert_ne!(site.call(&dataset).code, 0, "nobody can say whether there is such a dataset");
    site.kill_platform();
    site.start_platform(&trainers(""), &[]);
    let job = site.until(&id, "failure.reason", "LABELER_UNAVAILABLE");
    assert_eq!((&job["state"], &job["failure"]["retryable"]), (&"running".into(), &true.into()));
    site.start_labeler();
    assert_eq!(site.end(&id), "succeeded");
    assert_eq!(site.job(&id)["failure"], Value::Null);

    site.kill_platform();
    site.start_platform(&trainers("concurrency = 0"), &[]);
    let id = until(|| {
        let made = site.call(&[
            "job",
            "create",
            "--dataset",
            &site.dataset(),
            "--name",
            "a",
            "--trainer",
            "quick",
            "--output",
            "json",
        ]);
        (made.code == 0).then(|| super::json(&made)["job_id"].as_str().expect("an id").to_owned())
    });
    site.kill_labeler();
    site.kill_platform();
    site.start_platform(&trainers("attempts = 2"), &[]);
    assert_eq!(site.end(&id), "failed LABELER_UNAVAILABLE");
}

#[test]
fn a_job_that_is_aborted_while_it_waits_leaves_no_folder() {
    let site = Site::start(&trainers("attempts = 2\nfirst_pause = \"1h\"\nlongest_pause = \"1h\""));
    let id = site.create("shot");
    site.until(&id, "failure.reason", "TRAINER_KILLED");
    assert!(site.work().join(&id).is_dir(), "the next attempt needs it");
    let aborted = site.call(&["job", "abort", &id]);
    assert_eq!(aborted.code, 0, "{aborted:?}");
    assert_eq!(site.end(&id), "aborted");
    until(|| (!site.work().join(&id).exists()).then_some(()));
}
