//! Splits that leak and splits that do not, and datasets laid out for a library, on the command line.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use hallpass_formats::testing::png;
use serde_json::json;

use crate::datasets::{content, folder, json_of, member, text};
use crate::mesh::Mesh;
use crate::tour::hallpass;

/// Images in class folders, below a folder for each split; each file has the picture of this number.
fn classes(files: &[(&str, u32)]) -> Vec<(String, Vec<u8>)> {
    files.iter().map(|(path, number)| ((*path).to_owned(), png(8, 8, *number))).collect()
}

#[test]
fn a_picture_under_two_names_lands_in_one_split_and_check_tells_when_it_does_not() {
    let mesh = Mesh::up();
    let there = folder(classes(&[
        ("train/cat/1.png", 1),
        ("train/dog/2.png", 2),
        ("test/cat/one.png", 1),
        ("test/dog/3.png", 3),
    ]));
    let import = ["dataset", "import", text(there.path()), "--name", "leaking"];
    let noted = hallpass(&mesh, &import, "alice");
    let note =
        "note: 1 images are in another split, too, such as test/cat/one.png and train/cat/1.png";
    assert!(noted.stderr.contains(note), "{noted:?}");
    let made = json_of(&mesh, &import, "alice");
    let id = member(&made, "dataset_id");
    let leak = json!([{ "items": [
        { "split": "test", "path": "test/cat/one.png" }, { "split": "train", "path": "train/cat/1.png" },
    ]}]);
    assert_eq!(json_of(&mesh, &["dataset", "check", id], "alice")["leaks"], leak);
    let told = hallpass(&mesh, &["dataset", "check", id], "alice");
    assert!(
        told.stdout.contains("\n  test test/cat/one.png = train train/cat/1.png\n"),
        "{told:?}"
    );
    let snapshot = json_of(&mesh, &["dataset", "snapshot", "create", id, "--name", "s"], "alice");
    let of_snapshot = ["dataset", "check", member(&snapshot, "snapshot_id")];
    assert_eq!(json_of(&mesh, &of_snapshot, "alice")["leaks"], leak);

    for seed in ["1", "2", "3", "4"] {
        let split = ["dataset", "split", id, "--train", ".5", "--test", ".5", "--seed", seed];
        json_of(&mesh, &split, "alice");
        let checked = json_of(&mesh, &["dataset", "check", id], "alice");
        assert_eq!(checked["leaks"], json!([]), "seed {seed}");
    }
    let lists = there.path().join("lists.txt");
    fs::write(&lists, "train train/cat/1.png\ntest test/cat/one.png\n").expect("lists");
    let listed = ["dataset", "split", id, "--lists", text(&lists)];
    let refused = hallpass(&mesh, &listed, "alice");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("put equal files into two splits"), "{refused:?}");
    json_of(&mesh, &[&listed[..], &["--allow-leaks"]].concat(), "alice");
    let bob = hallpass(&mesh, &["dataset", "check", id], "bob");
    assert_eq!(bob.stdout, "role none; may: nothing\n", "nothing is told to others");
}

#[test]
fn groups_are_split_by_folder_or_by_a_column_of_the_table() {
    let mesh = Mesh::up();
    let mut files = Vec::new();
    let mut table = "filename,label,patient\n".to_owned();
    for number in 0..12 {
        let path = format!("images/p{}/{number}.png", number % 4);
        let label = ["no", "yes"][number as usize / 6];
        table.extend([&path, ",", label, ",", &(number % 4).to_string(), "\n"]);
        files.push((path, png(8, 8, number)));
    }
    files.push(("labels.csv".to_owned(), table.into_bytes()));
    let there = folder(files);
    let import = ["dataset", "import", text(there.path()), "--name", "patients"];
    let made = json_of(&mesh, &import, "alice");
    let id = member(&made, "dataset_id");
    for by in ["column:Patient", "folder", "folder:2"] {
        let split = ["dataset", "split", id, "--train", ".5", "--test", ".5", "--group-by", by];
        json_of(&mesh, &split, "alice");
        let items = json_of(&mesh, &["dataset", "items", id], "alice");
        let items = items.as_array().expect("items");
        for patient in 0..4 {
            let folder = format!("images/p{patient}/");
            let own = items.iter().filter(|item| member(item, "path").starts_with(&folder));
            let splits: std::collections::BTreeSet<_> =
                own.map(|item| member(item, "split").to_owned()).collect();
            assert_eq!(splits.len(), 1, "{by}, patient {patient}: {splits:?}");
        }
    }
    let wrong = ["dataset", "split", id, "--train", "1", "--group-by", "column:camera"];
    let refused = hallpass(&mesh, &wrong, "alice");
    assert!(refused.stderr.contains("has the column \"camera\""), "{refused:?}");
}

#[test]
fn a_pull_for_hugging_face_has_a_table_of_labels_for_each_split() {
    let mesh = Mesh::up();
    // The first split has one class: by folders alone the library would drop the labels of all.
    let there = folder(classes(&[
        ("train/cat/1.png", 1),
        ("train/cat/2.png", 2),
        ("val/dog/3.png", 3),
        ("test/cat/4.png", 4),
        ("test/dog/5.png", 5),
    ]));
    fs::write(there.path().join("README.md"), "Pets").expect("a readme");
    let import = ["dataset", "import", text(there.path()), "--name", "pets"];
    let made = json_of(&mesh, &import, "alice");
    let id = member(&made, "dataset_id");
    let down = tempfile::tempdir().expect("a folder");
    let pull = ["dataset", "pull", id, text(down.path()), "--for", "huggingface"];
    let said = hallpass(&mesh, &pull, "alice");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("1 files that are no images were left out"), "{said:?}");
    let names: Vec<_> = content(down.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "test/cat/4.png",
            "test/dog/5.png",
            "test/metadata.csv",
            "train/cat/1.png",
            "train/cat/2.png",
            "train/metadata.csv",
            "validation/dog/3.png",
            "validation/metadata.csv",
        ]
    );
    let table = |split: &str| read(&down.path().join(split).join("metadata.csv"));
    assert_eq!(table("train"), "file_name,label\ncat/1.png,cat\ncat/2.png,cat\n");
    assert_eq!(table("test"), "file_name,label\ncat/4.png,cat\ndog/5.png,dog\n");
    let again = json_of(&mesh, &pull, "alice");
    assert_eq!((&again["fetched"], &again["kept"]), (&json!(0), &json!(5)));
    // It is a dataset itself.
    let back = ["dataset", "import", text(down.path()), "--name", "pets again"];
    let back = json_of(&mesh, &back, "alice");
    assert_eq!((&back["classes"], &back["splits"]), (&made["classes"], &made["splits"]));
    let snapshot = json_of(&mesh, &["dataset", "snapshot", "create", id, "--name", "s"], "alice");
    let of_snapshot =
        ["dataset", "pull", member(&snapshot, "snapshot_id"), "x", "--for", "huggingface"];
    let refused = hallpass(&mesh, &of_snapshot, "alice");
    assert!(refused.stderr.contains("give the id of a dataset"), "{refused:?}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a table")
}

#[test]
fn a_url_of_a_local_file_is_fetched_without_a_token() {
    let mesh = Mesh::up();
    let made = json_of(&mesh, &["dataset", "list"], "alice")[0].clone();
    let id = member(&made, "dataset_id");
    let items = json_of(&mesh, &["dataset", "items", id], "alice");
    let path = member(&items[0], "path");
    let got = json_of(&mesh, &["dataset", "url", id, path], "alice");
    let url = member(&got, "url");
    let down = tempfile::tempdir().expect("a folder");
    json_of(&mesh, &["dataset", "pull", id, text(down.path()), "--path", path], "alice");
    let (status, body) = get(url);
    assert!(status.contains(" 200 "), "{status}");
    assert_eq!(body, fs::read(down.path().join(path)).expect("the file"));
    let altered = url.replace("object=", "object=1");
    for (altered, code) in
        [(altered.as_str(), " 403 "), (url.split('?').next().expect("a URL"), " 403 ")]
    {
        let (status, _) = get(altered);
        assert!(status.contains(code), "{status}");
    }
    let refused = hallpass(&mesh, &["dataset", "url", id, path], "bob");
    assert!(refused.stderr.contains("OBJECT_REFUSED"), "{refused:?}");
}

/// The first line of an answer by plain HTTP, and its body.
fn get(url: &str) -> (String, Vec<u8>) {
    let (host, path) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URL");
    let mut stream = TcpStream::connect(host).expect("the address answers");
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it takes the request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let status =
        String::from_utf8_lossy(&answer[..end]).lines().next().unwrap_or_default().to_owned();
    (status, answer[end + 4..].to_vec())
}
