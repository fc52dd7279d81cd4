#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use crate::dataset::digest::of_reader;

fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap()
}

fn landing(folder: &Path, force: bool) -> Landing {
    Landing::new(folder.to_owned(), force, "ds_1 etag", None).unwrap()
}

fn info(path: &str, content: &str) -> FileInfo {
    let (sha256, size_bytes) = of_reader(content.as_bytes()).unwrap();
    FileInfo { path: path.to_owned(), size_bytes, sha256: sha256.to_vec().into() }
}

/// A file in pieces of one byte, as far as wanted.
fn send(landing: &mut Landing, path: &str, content: &str, pieces: usize) -> Result<Next, Failure> {
    let info = info(path, content);
    let chunk = |data: &[u8]| FileChunk { path: path.to_owned(), data: data.to_vec().into() };
    let mut next = Next::Piece;
    let bytes = content.as_bytes();
    for (number, data) in bytes.chunks(1).chain(bytes.is_empty().then_some(bytes)).enumerate() {
        if number < pieces {
            next = landing.take(&chunk(data), (number == 0).then_some(&info))?;
        }
    }
    Ok(next)
}

fn whole(landing: &mut Landing, path: &str, content: &str) -> Result<Next, Failure> {
    send(landing, path, content, usize::MAX)
}

fn counts(landing: Landing) -> (u64, u64, u64) {
    let landed = landing.finish().unwrap();
    assert!(landed.left_out.is_empty(), "{landed:?}");
    (landed.fetched, landed.kept, landed.bytes)
}

#[test]
fn files_are_put_together_from_their_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new");
    let mut landing = landing(&target, false);
    for (path, content) in [("a/1", "xy"), ("a/b/2", ""), ("3", "z")] {
        whole(&mut landing, path, content).unwrap();
    }
    assert_eq!(counts(landing), (3, 0, 3));
    assert_eq!((read(&target, "a/1"), read(&target, "a/b/2")), ("xy".into(), String::new()));
    assert_eq!(fs::read_dir(target).unwrap().count(), 2, "neither draft nor journal is left");
}

#[test]
fn a_file_with_another_hash_than_was_told_does_not_stand() {
    let folder = tempfile::tempdir().unwrap();
    let mut landing = landing(folder.path(), false);
    let chunk = FileChunk { path: "a".to_owned(), data: b"xz".to_vec().into() };
    let refused = landing.take(&chunk, Some(&info("a", "xy"))).unwrap_err();
    assert!(refused.to_string().contains("came damaged"), "{refused}");
    assert!(!folder.path().join("a").exists());
}

#[test]
fn the_next_pull_goes_on_in_the_middle_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = landing(folder.path(), false);
    whole(&mut first, "a", "12").unwrap();
    send(&mut first, "b", "345", 2).unwrap();
    drop(first);
    assert!(!folder.path().join("b").exists());

    let mut second = landing(folder.path(), false);
    assert_eq!((second.place(), second.kept), (Some(("b", 2)), 1));
    let rest = FileChunk { path: "b".to_owned(), data: b"5".to_vec().into() };
    second.take(&rest, Some(&info("b", "345"))).unwrap();
    assert_eq!(second.place(), Some(("b", 3)));
    assert_eq!(counts(second), (1, 1, 1));
    assert_eq!(read(folder.path(), "b"), "345");
}

#[test]
fn what_was_changed_since_is_fetched_anew_and_another_state_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = landing(folder.path(), false);
    whole(&mut first, "a", "12").unwrap();
    whole(&mut first, "b", "34").unwrap();
    drop(first);
    let other = Landing::new(folder.path().to_owned(), false, "ds_1 other", None).unwrap();
    assert_eq!(other.place(), None);
    drop(other);

    let mut first = landing(folder.path(), false);
    whole(&mut first, "a", "12").unwrap();
    drop(first);
    fs::write(folder.path().join("a"), "13").unwrap();
    let mut second = landing(folder.path(), false);
    assert_eq!(second.place(), None, "the service is asked from the beginning");
    let refused = whole(&mut second, "a", "12").unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
}

#[test]
fn what_is_there_is_kept_and_left_out_where_it_is_long() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(usize::try_from(IN_VAIN).unwrap() + 1);
    fs::write(folder.path().join("long"), &long).unwrap();
    fs::write(folder.path().join("short"), "s").unwrap();
    let mut landing = landing(folder.path(), false);
    let first = FileChunk { path: "long".to_owned(), data: b"x".to_vec().into() };
    assert_eq!(landing.take(&first, Some(&info("long", &long))).unwrap(), Next::LeaveOut);
    assert_eq!(landing.place(), Some(("long", IN_VAIN + 1)));
    assert_eq!(whole(&mut landing, "short", "s").unwrap(), Next::Piece);
    assert_eq!(counts(landing), (0, 2, 0));
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("in/side");
    let hostile =
        ["", "/", "/etc/passwd", "../x", "a/../../x", "a/..", "./x", "a//b", "a/", "..", "."];
    for path in hostile {
        let mut landing = landing(&target, true);
        assert!(whole(&mut landing, path, "x").is_err(), "{path:?}");
        drop(landing);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1, "the journal alone: {path:?}");
    }
}

#[test]
fn a_name_that_cannot_be_written_is_left_out_and_blocks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a".repeat(256);
    let deep = vec!["a".repeat(255); 12].join("/");
    let unfit = ["a\0b", "a\nb/c", "a\u{202e}b", "\x1b[2J", DRAFT, JOURNAL, &long, &deep];
    let usual = ["2026-11-29T09:30:00/events.log", "C:\\x", "a\\..\\b", "CON", "x.", "a?*b"];
    let mut first = landing(folder.path(), false);
    for path in unfit.iter().chain(&usual) {
        assert_eq!(whole(&mut first, path, "xyz").unwrap(), Next::Piece, "{path:?}");
        let place = first.place().unwrap();
        assert_eq!(place, (*path, 3), "the service goes on behind it: {path:?}");
    }
    let landed = first.finish().unwrap();
    assert_eq!((landed.fetched, landed.left_out), (6, unfit.map(str::to_owned).to_vec()));
    for path in usual {
        assert_eq!(read(folder.path(), path), "xyz");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), usual.len());
}

#[test]
fn nothing_is_overwritten_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "old").unwrap();
    let refused = whole(&mut landing(folder.path(), false), "a", "new").unwrap_err();
    assert!(refused.to_string().contains("--force"));
    assert_eq!(read(folder.path(), "a"), "old");
    whole(&mut landing(folder.path(), true), "a", "new").unwrap();
    assert_eq!(read(folder.path(), "a"), "new");
}

#[test]
fn links_are_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let victim = outside.path().join("victim");
    fs::write(&victim, "old").unwrap();
    let link = |name: &str, to: &Path| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    };
    link("folder", outside.path());
    link("file", &victim);
    link(DRAFT, &victim);
    link(JOURNAL, &victim);
    let mut landing = landing(folder.path(), true);
    assert!(whole(&mut landing, "folder/new", "new").is_err());
    assert!(whole(&mut landing, "file", "new").unwrap_err().to_string().contains("link"));
    whole(&mut landing, "other", "new").unwrap();
    landing.finish().unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
    assert_eq!(read(folder.path(), "other"), "new");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}
