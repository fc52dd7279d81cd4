//! Datasets as their users meet them on the command line: imported, shared, split, kept, compared, fetched, deleted.

use std::fs;
use std::path::Path;
use std::process::Command;

use hallpass_formats::testing;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mesh::{HALLPASS, Mesh};
use crate::tools::{self, Ran, run};
use crate::tour::{hallpass, mint};

/// A folder with these files.
pub(crate) fn folder(files: Vec<(String, Vec<u8>)>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, content) in files {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        fs::write(file, content).expect("a file");
    }
    folder
}

/// The path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// What a command prints as JSON.
pub(crate) fn json_of(mesh: &Mesh, arguments: &[&str], subject: &str) -> Value {
    let ran = hallpass(mesh, &[arguments, &["--output", "json"]].concat(), subject);
    parsed(arguments, &ran)
}

fn parsed(arguments: &[&str], ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// The member of this name.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Every file beneath a folder, with its content.
pub(crate) fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut files, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = text(path.strip_prefix(folder).expect("beneath it")).to_owned();
                files.push((name, fs::read(path).expect("a file")));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_format_goes_up_and_comes_down_as_it_was() {
    let mesh = Mesh::up();
    let formats = [
        ("image-folder", testing::image_folder(12)),
        ("coco", testing::coco(12)),
        ("yolo", testing::yolo(12)),
        ("csv", testing::csv(12)),
    ];
    for (name, files) in formats {
        let there = folder(files);
        let made =
            json_of(&mesh, &["dataset", "import", text(there.path()), "--name", name], "alice");
        assert_eq!((&made["format"], &made["item_count"]), (&json!(name), &json!(12)), "{made}");
        let again =
            json_of(&mesh, &["dataset", "import", text(there.path()), "--name", name], "alice");
        assert_eq!(again["dataset_id"], made["dataset_id"], "{name}: imported once");
        let down = tempfile::tempdir().expect("a folder");
        let pull = ["dataset", "pull", member(&made, "dataset_id"), text(down.path())];
        assert_eq!(json_of(&mesh, &pull, "alice")["bytes"], made["size_bytes"]);
        assert_eq!(content(down.path()), content(there.path()), "{name}");
    }
}

#[test]
fn what_is_wrong_is_told_by_file_and_line_and_leaves_no_upload() {
    let mesh = Mesh::up();
    let there = folder(testing::csv(6));
    let labels = there.path().join("labels.csv");
    let right = fs::read_to_string(&labels).expect("labels");
    fs::write(&labels, format!("{right}absent.png,cat,train\n")).expect("a line more");
    let import = ["dataset", "import", text(there.path()), "--name", "csv"];
    let refused = hallpass(&mesh, &import, "alice");
    let line = format!("labels.csv line {}", right.lines().count() + 1);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains(&line), "{line}: {refused:?}");
    assert!(refused.stderr.contains("absent.png"), "{refused:?}");
    assert!(refused.stderr.contains("the same command again"), "{refused:?}");
    let open = json_of(&mesh, &["dataset", "uploads", "list"], "alice");
    assert_eq!(open.as_array().map(Vec::len), Some(0), "{open}");

    fs::write(&labels, right).expect("the line goes");
    let mended = hallpass(&mesh, &import, "alice");
    assert_eq!(mended.code, 0, "{mended:?}");
}

#[test]
fn a_part_given_is_a_part_had_and_taken_is_gone_at_once() {
    let mesh = Mesh::up();
    let made = json_of(&mesh, &["dataset", "list"], "alice")[0].clone();
    let id = member(&made, "dataset_id");
    let may = |user: &str| hallpass(&mesh, &["dataset", "get", id], user).code == 0;
    let change = |arguments: &[&str], user: &str| {
        let ran = hallpass(&mesh, &[&["dataset"][..], arguments].concat(), user);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    };
    assert!(!may("bob"));
    change(&["share", id, "bob:viewer"], "alice");
    assert!(may("bob"));
    let access = json_of(&mesh, &["dataset", "access", id], "alice");
    assert_eq!(access["shares"], json!([{ "subject": "bob", "role": "viewer" }]));
    assert_ne!(hallpass(&mesh, &["dataset", "access", id], "bob").code, 0, "told to owners alone");
    assert_ne!(hallpass(&mesh, &["dataset", "share", id, "eve:viewer"], "bob").code, 0);
    change(&["unshare", id, "bob"], "alice");
    assert!(!may("bob"));
    change(&["publish", id], "alice");
    assert!(may("bob") && may("carol"));
    change(&["unpublish", id], "alice");
    assert!(!may("bob"));
    change(&["transfer", id, "bob", "--keep", "viewer"], "alice");
    assert_eq!(json_of(&mesh, &["dataset", "get", id], "alice")["owner"], "bob");
    assert_ne!(hallpass(&mesh, &["dataset", "publish", id], "alice").code, 0);
    change(&["update", id, "--name", "forms", "--description", "Three"], "bob");
    let updated = json_of(&mesh, &["dataset", "get", id], "alice");
    assert_eq!(
        (&updated["display_name"], &updated["description"]),
        (&json!("forms"), &json!("Three"))
    );
}

#[test]
fn a_dataset_is_split_kept_compared_and_outlives_a_delete_while_it_is_needed() {
    let mesh = Mesh::up();
    let made = json_of(&mesh, &["dataset", "list"], "alice")[0].clone();
    let id = member(&made, "dataset_id");
    let alice =
        |arguments: &[&str]| json_of(&mesh, &[&["dataset"][..], arguments].concat(), "alice");
    let first = alice(&["snapshot", "create", id, "--name", "whole"]);
    let split = ["split", id, "--train", ".5", "--test", ".5", "--seed", "7", "--stratify"];
    let counts = alice(&split)["splits"].clone();
    let items = alice(&["items", id]);
    assert_eq!(alice(&split)["splits"], counts, "the same seed");
    assert_eq!(alice(&["items", id]), items, "the same seed");
    assert!(items.as_array().expect("items").iter().any(|item| item["split"] == "train"));
    let second = alice(&["snapshot", "create", id, "--name", "split"]);
    assert_ne!(first["content_sha256"], second["content_sha256"], "splits are content");

    let (first, second) = (member(&first, "snapshot_id"), member(&second, "snapshot_id"));
    let changes = alice(&["snapshot", "diff", first, second]);
    assert!(changes.as_array().expect("changes").iter().all(|of| of["change"] == "split"));
    assert_eq!(changes.as_array().map(Vec::len), items.as_array().map(Vec::len));
    assert_eq!(alice(&["snapshot", "list", id]).as_array().map(Vec::len), Some(2));
    let down = tempfile::tempdir().expect("a folder");
    assert_eq!(alice(&["pull", first, text(down.path())])["bytes"], made["size_bytes"]);

    let refused = hallpass(&mesh, &["dataset", "delete", id], "alice");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains(first) || refused.stderr.contains(second), "{refused:?}");
    for snapshot in [first, second] {
        assert_eq!(alice(&["snapshot", "delete", snapshot]), json!({ "deleted": snapshot }));
    }
    assert_eq!(alice(&["delete", id]), json!({ "deleted": id }));
}

#[test]
fn grpcurl_deletes_with_an_action_token_alone_and_once() {
    let Some(tool) = tools::find("grpcurl") else { return };
    let mesh = Mesh::up();
    let made = json_of(&mesh, &["dataset", "list"], "alice")[0].clone();
    let keep = ["dataset", "snapshot", "create", member(&made, "dataset_id"), "--name", "kept"];
    let snapshots = [(); 2].map(|()| json_of(&mesh, &keep, "alice"));
    let token = mint(&mesh, "alice");
    let issued = hallpass(&mesh, &["action", "issue", "datasets.delete"], "alice");
    let issued = issued.stdout.trim_end().to_owned();
    let delete = |snapshot: &Value, action: bool| {
        let mut command = Command::new(&tool);
        command.args(["-plaintext", "-expand-headers", "-H", "authorization: Bearer ${TOKEN}"]);
        if action {
            command.args(["-H", "hallpass-action: ${ACTION}"]);
        }
        let body = json!({ "snapshot_id": member(snapshot, "snapshot_id") }).to_string();
        command.env("TOKEN", &token).env("ACTION", &issued).args(["-d", &body]);
        let method = "hallpass.platform.v1.SnapshotService/DeleteSnapshot";
        run(command.args([&mesh.platform(), method]))
    };
    assert!(delete(&snapshots[0], false).stderr.contains("ACTION_MISSING"));
    let deleted = delete(&snapshots[0], true);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    assert!(delete(&snapshots[1], true).stderr.contains("TOKEN_SPENT"));
}

#[test]
fn a_script_brings_its_own_action_token() {
    let mesh = Mesh::up();
    let made = json_of(&mesh, &["dataset", "list"], "alice")[0].clone();
    let id = member(&made, "dataset_id");
    let issued = hallpass(&mesh, &["action", "issue", "datasets.share"], "alice");
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), issued.stdout).expect("the token is kept");
    let flags = ["--action-token-file", text(file.path())];
    for user in ["bob:viewer", "carol:viewer"] {
        let share = [&["dataset", "share", id, user][..], &flags].concat();
        assert_eq!(hallpass(&mesh, &share, "alice").code, 0, "good for more than one call");
    }
    let wrong = [&["dataset", "delete", id][..], &flags].concat();
    assert_ne!(hallpass(&mesh, &wrong, "alice").code, 0, "not for another operation");
    assert!(Command::new(HALLPASS).args(["completions", "bash"]).output().is_ok());
}
