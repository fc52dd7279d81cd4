//! Data-processing jobs: trainers that update the splits of their datasets, as far as their configuration lets them.

use hallpass_contract::labeler::assign_splits_request::By;
use hallpass_contract::labeler::split_service_client::SplitServiceClient;
use hallpass_contract::labeler::{AssignSplitsRequest, SplitLists};
use hallpass_token::{NewToken, ResourceClaim, TokenType};
use tonic::Request;

use super::site::{HOLD, Site};
use crate::callers::{fresh_id, now};
use crate::mesh::{HALLPASS, connect, read_ring, ring_file};
use crate::raw::describe;

fn trainers() -> String {
    let trainer = |name: &str, splits: &str, scopes: &str, before: &str| {
        let script = format!(
            "echo '{{\"progress\": 0, \"message\": \"begun\"}}'; {before}; echo '{splits}' > splits.json"
        );
        let script = serde_json::Value::from(script);
        format!(
            "[trainers.{name}]\nprogram = \"/bin/sh\"\narguments = [\"-c\", {script}]\nscopes = [{scopes}]\n"
        )
    };
    let (read, write) = ("\"labeler:read\"", "\"labeler:read\", \"labeler:write\"");
    let splits = r#"{"train": ["circle/01.png", "square/01.png"], "test": ["circle/02.png"]}"#;
    [
        "[jobs]\nattempts = 2\n".to_owned(),
        trainer("splitter", splits, write, "true"),
        trainer("patient", splits, write, HOLD),
        trainer("reader", splits, read, "true"),
        trainer("guesser", r#"{"train": ["circle/99.png"]}"#, write, "true"),
        trainer("sloppy", r#"{"train": 1}"#, write, "true"),
    ]
    .concat()
}

/// How many items of the dataset are in which split, as the CLI lists them.
fn split(site: &Site, dataset: &str, split: &str) -> Vec<String> {
    let items = site.json(&["dataset", "items", dataset, "--split", split]);
    let items = items.as_array().expect("a list").iter();
    items.map(|item| item["path"].as_str().expect("a path").to_owned()).collect()
}

#[test]
fn a_trainer_that_may_write_splits_its_dataset() {
    let site = Site::start(&trainers());
    let dataset = site.import("split");
    site.json(&["dataset", "split", &dataset, "--train", "0", "--validation", "1"]);
    let id = site.create_on(&["--dataset", &dataset], "splitter");
    assert_eq!(site.end(&id), "succeeded");
    assert_eq!(site.job(&id)["result"]["split_item_count"], 3);
    assert_eq!(split(&site, &dataset, "train"), ["circle/01.png", "square/01.png"]);
    assert_eq!(split(&site, &dataset, "test"), ["circle/02.png"]);
    assert_eq!(
        split(&site, &dataset, "validation").len(),
        9,
        "what it does not name stays as it is"
    );
}

#[test]
fn who_may_not_write_or_writes_nonsense_changes_nothing() {
    let site = Site::start(&trainers());
    let dataset = site.import("unsplit");
    let snapshot = site.json(&["dataset", "snapshot", "create", &dataset, "--name", "first"]);
    let snapshot = snapshot["snapshot_id"].as_str().expect("an id");
    let (dataset, snapshot) = (["--dataset", &dataset], ["--snapshot", snapshot]);
    for (object, trainer, end, saying) in [
        (&dataset, "reader", "failed SPLITS_REFUSED", "does not give it labeler:write"),
        (&snapshot, "splitter", "failed SPLITS_REFUSED", "a snapshot never changes"),
        (&dataset, "guesser", "failed SPLITS_UNUSABLE", "\"circle/99.png\", which is no item"),
        (&dataset, "sloppy", "failed SPLITS_UNUSABLE", "is no object of lists"),
    ] {
        let id = site.create_on(object, trainer);
        assert_eq!(site.end(&id), end, "{trainer}");
        let message = &site.job(&id)["failure"]["message"];
        assert!(message.as_str().is_some_and(|said| said.contains(saying)), "{message}");
    }
    assert!(split(&site, dataset[1], "train").is_empty());
}

/// The job's own tokens ask no user, so whoever lets one loose on a dataset must be allowed to change it.
#[test]
fn who_may_only_read_a_dataset_has_no_job_that_changes_it() {
    let site = Site::start(&trainers());
    let dataset = site.import("read only");
    site.json(&["dataset", "share", &dataset, "bob:viewer"]);
    let bob = site.token("bob");
    let create = |trainer: &str| {
        let asked =
            ["job", "create", "--dataset", &dataset, "--name", "mine", "--trainer", trainer];
        site.call_with(&asked, &bob)
    };
    let refused = create("splitter");
    assert!(refused.code != 0 && refused.stderr.contains("OBJECT_REFUSED"), "{refused:?}");
    assert_eq!(create("reader").code, 0);
    site.json(&["dataset", "share", &dataset, "bob:editor"]);
    assert_eq!(create("splitter").code, 0);
    // Nor does a job do what its user's token does not hold.
    let scopes = ["jobs:write", "datasets:read", "datasets:write"];
    for (held, trainer) in [(1, "reader"), (2, "splitter")] {
        let narrow = site.token_with("alice", &scopes[..held]);
        let asked =
            ["job", "create", "--dataset", &dataset, "--name", "more", "--trainer", trainer];
        let refused = site.call_with(&asked, &narrow);
        let told = refused.stderr.contains("SCOPE_MISSING");
        assert!(refused.code != 0 && told, "{trainer}: {refused:?}");
    }
}

#[test]
fn what_a_person_has_split_meanwhile_is_left_alone() {
    let site = Site::start(&trainers());
    let dataset = site.import("raced");
    let id = site.create_on(&["--dataset", &dataset], "patient");
    site.until(&id, "message", "begun");
    site.json(&["dataset", "split", &dataset, "--train", "0", "--test", "1"]);
    site.release();
    assert_eq!(site.end(&id), "failed DATASET_CHANGED");
    assert_eq!(split(&site, &dataset, "test").len(), 12);
}

/// Each attempt mints anew: what was issued before is not needed, and what a revoked key signs is good for nothing.
#[test]
fn a_token_revoked_in_the_middle_is_replaced_and_a_revoked_key_ends_the_job() {
    let site = Site::start(&trainers());
    let mut mint = std::process::Command::new(HALLPASS);
    mint.args(["token", "mint", "--subject", "root", "--scope", "revocations:admin", "--data"]);
    let root = crate::tools::run(mint.arg(site.folder())).stdout.trim_end().to_owned();
    let revoke = |target: &[&str]| {
        let arguments = [&["revocations", "revoke", "--reason", "test"], target].concat();
        let revoked = site.call_with(&arguments, &root);
        assert_eq!(revoked.code, 0, "{revoked:?}");
    };
    let datasets = [site.import("first"), site.import("second")];
    let jobs = datasets.each_ref().map(|of| site.create_on(&["--dataset", of], "patient"));
    for job in &jobs {
        site.until(job, "message", "begun");
    }
    revoke(&["--service", "platform-training"]);
    site.release();
    for job in &jobs {
        assert_eq!(site.end(job), "succeeded");
    }
    std::fs::remove_file(site.work().join("go")).expect("it is there");
    let job = site.create_on(&["--dataset", &datasets[0]], "patient");
    site.until(&job, "message", "begun");
    revoke(&["--key", "platform-1"]);
    site.release();
    assert_eq!(site.end(&job), "failed LABELER_REFUSES");
    let job = site.job(&job);
    assert_eq!((&job["activity"], &job["attempt"]), (&"publish".into(), &2.into()));
    let said = job["failure"]["message"].as_str().expect("a text");
    assert!(said.contains("TOKEN_REVOKED") && !said.contains("eyJ"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_token_writes_with_the_scope_and_on_its_dataset_alone() {
    let site = tokio::task::block_in_place(|| Site::start(&trainers()));
    let (dataset, other) =
        tokio::task::block_in_place(|| (site.import("bound"), site.import("other")));
    let snapshot = tokio::task::block_in_place(|| {
        site.json(&["dataset", "snapshot", "create", &dataset, "--name", "first"])
    });
    let snapshot = snapshot["snapshot_id"].as_str().expect("an id");
    let channel = connect(&site.labeler_address()).await;
    for (scope, kind, id, expected) in [
        ("labeler:read", "dataset", dataset.as_str(), "PermissionDenied SCOPE_MISSING"),
        ("labeler:write", "dataset", &other, "PermissionDenied OBJECT_REFUSED"),
        ("labeler:write", "snapshot", snapshot, "PermissionDenied OBJECT_REFUSED"),
        ("labeler:write", "dataset", &dataset, "OK"),
    ] {
        let lists = SplitLists { train: vec!["circle/01.png".to_owned()], ..SplitLists::default() };
        let by = Some(By::Lists(lists));
        let message = AssignSplitsRequest { dataset_id: dataset.clone(), by, etag: String::new() };
        let mut request = Request::new(message);
        let token = format!("Bearer {}", worker(&site, scope, kind, id));
        request.metadata_mut().insert("authorization", token.parse().expect("a header"));
        let answer = SplitServiceClient::new(channel.clone()).assign_splits(request).await;
        let told = answer.err().map_or_else(|| "OK".to_owned(), |status| describe(&status));
        assert_eq!(told, expected, "{scope} {kind}");
    }
}

/// A background token as Platform mints it for a job.
fn worker(site: &Site, scope: &str, kind: &str, id: &str) -> String {
    let mut token = NewToken::new(TokenType::Background, fresh_id());
    token.service = Some("platform-training".to_owned());
    token.job_id = Some("job_1".to_owned());
    token.resource = Some(ResourceClaim { kind: kind.to_owned(), id: id.to_owned() });
    token.scopes = std::iter::once(scope).collect();
    token.audience = vec!["labeler".to_owned()];
    let ring = read_ring(&ring_file(site.data.path(), "platform"));
    ring.mint("platform-1", &token, now()).expect("the key may sign it").expose().to_owned()
}
