//! Whatever the bytes: an answer or a refusal, never a panic.

use proptest::prelude::*;

use super::world::World;
use crate::{FileKind, FilePath, Format, Refusal, testing};

/// The files whose bytes are drawn.
const PLACES: [(&str, Format); 9] = [
    ("annotations/a.json", Format::Coco),
    ("labels.csv", Format::Csv),
    ("data.yaml", Format::Yolo),
    ("classes.txt", Format::Yolo),
    ("labels/1.txt", Format::Yolo),
    ("train.txt", Format::Yolo),
    ("metadata.jsonl", Format::Csv),
    ("labels.json", Format::Csv),
    ("obj.data", Format::Yolo),
];

/// Reads a dataset with these bytes in one place; neither panics nor takes the bytes for the store's fault.
fn read(place: usize, bytes: &[u8]) {
    let (path, format) = PLACES[place];
    let mut files = vec![("images/1.png", &b""[..]), (path, bytes)];
    if matches!(place, 4 | 5) {
        files.push(("data.yaml", b"names: [a, b]\ntrain: train.txt"));
    }
    let world = World::new(files);
    for given in [None, Some(format)] {
        if let Err(refusal) = world.read(given) {
            assert!(matches!(refusal, Refusal::Problems(_)), "{refusal}");
            let text = refusal.to_string();
            assert!(text.lines().count() <= 21 && text.len() < 20_000, "{text}");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        }
    }
}

/// Pieces of the formats, so that drawn texts get past the first byte.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\r\n",
        "\"",
        " ",
        "  ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!x ",
        "|",
        ">",
        "#",
        "%",
        "'",
        "---",
        "...",
        "\t",
        "\\",
        "\u{feff}",
        "\0",
        "é",
        "1",
        "0.5",
        "-1",
        "1e999",
        "null",
        "true",
        "NaN",
        "\"images\"",
        "\"annotations\"",
        "\"categories\"",
        "\"id\":1",
        "\"image_id\":1",
        "\"category_id\":1",
        "\"file_name\":\"images/1.png\"",
        "\"name\":\"a\"",
        "\"bbox\":[0,0,1,1]",
        "\"label\":\"a\"",
        "\"labels\"",
        "\"classes\":[\"a\"]",
        "\"data\":{\"image\":\"images/1.png\"}",
        "\"result\":[{\"value\":{\"choices\":[\"a\"]}}]",
        "-Infinity",
        "names = obj.names",
        "sep=;",
        "names",
        "names:",
        "nc: 2",
        "train: ",
        "file",
        "label",
        "images/1.png",
        "0 0 0 1 1",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A right file of each kind, one piece of which is replaced.
fn damaged() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let right: Vec<(usize, Vec<u8>)> = [testing::coco(8), testing::yolo(8), testing::csv(8)]
        .concat()
        .into_iter()
        .filter_map(|(path, bytes)| {
            let place = match path.rsplit('.').next()? {
                "json" => 0,
                "csv" => 1,
                "yaml" => 2,
                _ => return None,
            };
            Some((place, bytes))
        })
        .collect();
    (
        prop::sample::select(right),
        any::<prop::sample::Index>(),
        0..8_usize,
        prop::collection::vec(any::<u8>(), 0..8),
    )
        .prop_map(|((place, mut bytes), at, length, other)| {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + length);
            bytes.splice(at..end, other);
            (place, bytes)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_bytes(place in 0..PLACES.len(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(place, &bytes);
    }

    #[test]
    fn random_texts(place in 0..PLACES.len(), text in pieces()) {
        read(place, text.as_bytes());
    }

    #[test]
    fn damaged_files((place, bytes) in damaged()) {
        read(place, &bytes);
    }

    #[test]
    fn random_names(text in "\\PC{0,20}(/\\PC{0,20}){0,3}") {
        if let Ok(path) = FilePath::parse(&text) {
            prop_assert_eq!(path.as_str(), &text);
            let joined = std::path::Path::new("/dataset").join(&text);
            prop_assert!(joined.starts_with("/dataset"));
            prop_assert_eq!(joined.components().count(), text.split('/').count() + 2);
            let _ = FileKind::of(&path);
        }
    }
}
