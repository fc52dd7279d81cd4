//! Jobs on the real Temporal: to their end, and through what may come in between.

mod server;
mod waits;

use serde_json::Value;

use crate::jobs::ends::is_raced;
use crate::jobs::has_token;
use crate::jobs::pace::{self, is_paced};
use crate::jobs::site::{Site, at, text};
use crate::jobs::trace::{collector, environment, is_traced};
use crate::mesh::Node;
use crate::tools;
use crate::traces::{Jaeger, until};
use server::Temporal;

fn worker(site: &Site, environment: &[(&str, &str)]) -> Node {
    let config = site.data.path().join("platform.toml");
    let labeler = format!("http://{}", site.labeler_address());
    let arguments = ["worker", "--config", text(&config), "--data", site.folder()];
    Node::start(&[&arguments[..], &["--labeler", &labeler]].concat(), environment)
}

/// How often the trainers that write it down have been started.
fn runs(site: &Site) -> usize {
    std::fs::read_to_string(site.work().join("runs")).unwrap_or_default().lines().count()
}

#[test]
fn a_job_runs_to_its_end_and_its_history_holds_no_more_than_its_id() {
    let Some(temporal) = Temporal::start() else { return };
    let site = Site::start(&temporal.settings());
    // It waits in the table of jobs until there is a worker.
    let id = site.create("curious");
    assert_eq!(site.job(&id)["state"], "queued");
    let _worker = worker(&site, &[]);
    let job = site.ended(&id);
    assert_eq!(job["state"], "succeeded", "{job}");

    let history = temporal.history(&id);
    let words = payloads(&history);
    for word in &words {
        let allowed = [id.as_str(), "queued", "validate", "fetch", "train", "publish", "succeeded"];
        assert!(allowed.contains(&word.as_str()), "{word:?} is in the history");
    }
    assert!(words.contains(&id), "{history}");
    for secret in ["eyJ", "alice", &site.dataset()] {
        assert!(!history.contains(secret), "{secret} is in the history");
    }
    assert!(!has_token(&site.data.path().join("platform")));
    assert!(!has_token(temporal.folder.path()), "a token is in Temporal's own database");

    let query = format!("HallpassJobId = '{id}' AND HallpassJobState = 'succeeded'");
    let found = || {
        let listed = temporal.ask(&["workflow", "list", "--query", &query, "--output", "json"]).1;
        listed.contains(&id).then_some(())
    };
    until(found);
    let state = ["workflow", "query", "--workflow-id", &id, "--type", "state"];
    assert!(temporal.ask(&state).1.contains("succeeded"));
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let Some(temporal) = Temporal::start() else { return };
    let site = Site::start(&temporal.settings());
    let first = worker(&site, &[]);
    let id = site.create("holds");
    site.until(&id, "message", "begun");
    first.kill();
    site.release();
    let _second = worker(&site, &[]);
    let job = site.ended(&id);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(runs(&site), 2, "once before and once after");
    let history = temporal.history(&id);
    let fetched = history.matches("\"name\": \"JobActivities::fetch\"").count();
    assert_eq!(fetched, 1, "what was done is not done again: {history}");
}

#[test]
fn a_temporal_that_is_killed_and_comes_back_goes_on() {
    let Some(mut temporal) = Temporal::start() else { return };
    let site = Site::start(&temporal.settings());
    let _worker = worker(&site, &[]);
    let id = site.create("holds");
    site.until(&id, "message", "begun");
    temporal.kill();
    // Whoever creates a job meanwhile need not know.
    let other = site.create("curious");
    temporal.begin();
    site.release();
    let job = site.ended(&id);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(site.ended(&other)["state"], "succeeded");
}

#[test]
fn an_abort_ends_the_trainer_and_the_workflow() {
    let Some(temporal) = Temporal::start() else { return };
    let site = Site::start(&temporal.settings());
    let _worker = worker(&site, &[]);
    let id = site.create("deaf");
    site.until(&id, "message", "begun");
    let aborted = site.call(&["job", "abort", &id]);
    assert_eq!(aborted.code, 0, "{aborted:?}");
    assert_eq!(site.ended(&id)["state"], "aborted");
    let closed = || {
        let status = temporal.status(&id)["workflowExecutionInfo"]["status"].clone();
        (status == "WORKFLOW_EXECUTION_STATUS_COMPLETED").then_some(())
    };
    until(closed);
    assert!(payloads(&temporal.history(&id)).iter().any(|word| word == "aborted"));
    assert!(!site.work().join(&id).exists());

    // The same from Temporal's side, and its owner tries again.
    let again = site.call(&["job", "retry", &id]);
    assert_eq!(again.code, 0, "{again:?}");
    site.until(&id, "message", "begun");
    let second = format!("{id}-2");
    let signal = ["workflow", "signal", "--workflow-id", &second, "--name", "abort"];
    let signalled = temporal.ask(&[&signal[..], &["--input", "null"]].concat());
    assert_eq!(signalled.0, 0, "{signalled:?}");
    assert_eq!(site.ended(&id)["state"], "aborted");
}

#[test]
fn an_abort_that_races_with_the_end_is_either_the_end_or_refused() {
    let Some(temporal) = Temporal::start() else { return };
    let site = Site::start(&temporal.settings());
    let _worker = worker(&site, &[]);
    is_raced(&site);
}

#[test]
fn what_cannot_be_mended_is_not_tried_again_and_what_temporal_ends_has_failed() {
    let Some(temporal) = Temporal::start() else { return };
    let site = Site::start(&temporal.settings());
    let _worker = worker(&site, &[]);
    let job = site.ended(&site.create("fails"));
    assert_eq!(
        (&job["state"], &job["failure"]["reason"]),
        (&"failed".into(), &"TRAINER_FAILED".into())
    );
    assert_eq!(job["attempt"], 1, "{job}");

    let id = site.create("hangs");
    site.until(&id, "message", "begun");
    let ended = temporal.ask(&["workflow", "terminate", "--workflow-id", &id]);
    assert_eq!(ended.0, 0, "{ended:?}");
    let job = site.ended(&id);
    assert_eq!(
        (&job["state"], &job["failure"]["reason"]),
        (&"failed".into(), &"WORKFLOW_ENDED".into())
    );
}

#[test]
fn jobs_pass_and_aborts_end_processes() {
    let Some(temporal) = Temporal::start() else { return };
    let engine = format!("[temporal]\naddress = \"http://{}\"\n", at(temporal.port));
    let settings = pace::TRAINERS.replace("[jobs]", "[jobs]\nengine = \"temporal\"");
    let site = Site::start(&format!("{settings}{engine}"));
    is_paced(&site, &worker(&site, &[]));
}

#[test]
fn a_labeler_that_is_away_is_waited_for() {
    let Some(temporal) = Temporal::start() else { return };
    let mut site = Site::start(&temporal.settings());
    let id = site.create("curious");
    site.kill_labeler();
    let _worker = worker(&site, &[]);
    site.until(&id, "failure.reason", "LABELER_UNAVAILABLE");
    site.start_labeler();
    assert_eq!(site.end(&id), "succeeded");
    // What Labeler was called with, and what it said, is for the job's record: Temporal learns the reason alone.
    let history = temporal.history(&id);
    for secret in ["eyJ", "labeler answers", "labeler:read"] {
        assert!(!history.contains(secret), "{secret} is in the history: {history}");
    }
    assert!(!has_token(temporal.folder.path()), "a token is in Temporal's own database");
}

#[test]
fn a_job_is_in_its_users_trace_through_the_workflow() {
    let Some(jaeger) = tools::find("jaeger") else { return };
    let Some(temporal) = Temporal::start() else { return };
    let jaeger = Jaeger::start(&jaeger);
    let collector = collector(&jaeger);
    let environment = environment(&collector);
    let mut site = Site::without_platform();
    site.kill_labeler();
    site.start_labeler_with(&environment);
    site.start_platform(&temporal.settings(), &environment);
    let _worker = worker(&site, &environment);
    is_traced(&site, &jaeger, include_str!("../golden/trace_temporal.txt"));
}

/// Every value that a history holds, decoded.
fn payloads(history: &str) -> Vec<String> {
    let history: Value = serde_json::from_str(history).expect("a history");
    let mut found = Vec::new();
    collect(&history, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    use base64::Engine as _;
    match value {
        Value::Object(fields) => {
            if let (Some(data), true) = (fields.get("data"), fields.contains_key("metadata")) {
                let data = data.as_str().unwrap_or_default();
                let bytes = base64::engine::general_purpose::STANDARD.decode(data);
                let text = String::from_utf8(bytes.expect("base64")).expect("text");
                found.push(text.trim_matches('"').to_owned());
            }
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}
