//! What a trainer measured: the numbers of its `metrics.json`.
//!
//! Promise: no content of that file fails a job. What is no number, or too much, is left out and named in a note.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use tokio::fs;

/// A trainer that measures something writes it here.
const METRICS: &str = "metrics.json";
/// The most bytes of the file.
const LONGEST: u64 = 1 << 20;
/// The most metrics of one job.
const MOST: usize = 100;
/// The most bytes of a metric's name.
const LONGEST_NAME: usize = 256;
/// The most names in one note.
const NAMED: usize = 5;

/// Metrics by name.
pub(crate) type Metrics = BTreeMap<String, f64>;

/// The metrics in a folder, and what was left out, for the job's log.
pub(crate) async fn read(folder: &Path) -> (Metrics, Vec<String>) {
    let file = folder.join(METRICS);
    let Ok(about) = fs::symlink_metadata(&file).await else { return Default::default() };
    if !about.is_file() || about.len() > LONGEST {
        return nothing("is no file of at most 1 MiB");
    }
    match fs::read(file).await {
        Ok(text) => understood(&text),
        Err(_) => nothing("cannot be read"),
    }
}

fn understood(text: &[u8]) -> (Metrics, Vec<String>) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match serde_json::from_slice(&without_bare_words(text)) {
        Ok(Value::Object(members)) => sorted_out(members),
        Ok(_) => nothing("is no object of numbers, such as {\"accuracy\": 0.9}"),
        Err(_) => nothing("is no JSON"),
    }
}

fn nothing(problem: &str) -> (Metrics, Vec<String>) {
    (Metrics::new(), vec![format!("{METRICS} {problem}: the job has no metrics")])
}

/// The finite numbers; what else there is, is told.
fn sorted_out(members: Map<String, Value>) -> (Metrics, Vec<String>) {
    let (mut metrics, mut left_out, mut beyond) = (Metrics::new(), Vec::new(), 0);
    for (name, value) in members {
        match value.as_f64().filter(|number| number.is_finite() && is_name(&name)) {
            None => left_out.push(name),
            Some(_) if metrics.len() == MOST => beyond += 1,
            Some(number) => drop(metrics.insert(name, number)),
        }
    }
    let mut notes = Vec::new();
    if !left_out.is_empty() {
        let named: Vec<_> = left_out.iter().take(NAMED).map(|name| shortened(name)).collect();
        let more = left_out.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = named.join(", ");
        notes.push(format!("{METRICS}: left out what is no finite number: {named}{more}"));
    }
    if beyond > 0 {
        notes.push(format!("{METRICS}: kept {MOST} metrics and left out {beyond} more"));
    }
    (metrics, notes)
}

/// A database takes no NUL, and a list of metrics is for people.
fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

fn shortened(name: &str) -> String {
    const SHOWN: usize = 40;
    format!("{:?}", &name[..name.floor_char_boundary(SHOWN)])
}

/// The same JSON with `null` for `NaN`, `Infinity` and `-Infinity`, which Python writes and JSON does not have.
fn without_bare_words(text: &[u8]) -> Cow<'_, [u8]> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let (mut plain, mut copied, mut at, mut in_text) = (Vec::new(), 0, 0, false);
    while at < text.len() {
        match text[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' | b'-' | b'I' if !in_text => {
                if let Some(word) = WORDS.into_iter().find(|word| text[at..].starts_with(word)) {
                    plain.extend_from_slice(&text[copied..at]);
                    plain.extend_from_slice(b"null");
                    copied = at + word.len();
                    at = copied - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    plain.extend_from_slice(&text[copied..]);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(String, f64)>, String) {
        let (metrics, notes) = understood(text.as_bytes());
        (metrics.into_iter().collect(), notes.join("; "))
    }

    #[test]
    fn finite_numbers_are_kept_whatever_stands_beside_them() {
        for (text, note) in [
            (r#"{"a": 0.5}"#, ""),
            ("\u{feff}{\"a\": 0.5}", ""),
            (r#"{"a": 0.5, "b": NaN, "c": -Infinity, "d": Infinity}"#, r#""b", "c", "d""#),
            (r#"{"a": 0.5, "say \"NaN\" \\": NaN}"#, r#""say \"NaN\" \\""#),
            (r#"{"a": 0.5, "val": {"loss": 1}, "per_class": [1, 2]}"#, r#""per_class", "val""#),
            (r#"{"a": 0.5, "run": "x", "best": true, "none": null}"#, r#""best", "none", "run""#),
            (r#"{"a": 0.5, "x\u0000y": 1}"#, r#""x\0y""#),
        ] {
            let (metrics, said) = read(text);
            assert_eq!(metrics, [("a".to_owned(), 0.5)], "{text}");
            assert_eq!(said.is_empty(), note.is_empty(), "{text}: {said}");
            assert!(said.ends_with(note), "{text}: {said}");
        }
    }

    #[test]
    fn of_too_many_the_first_hundred_are_kept() {
        let all: Map<_, _> = (0..1000).map(|n| (format!("m{n:04}"), n.into())).collect();
        let (metrics, said) = read(&Value::Object(all).to_string());
        assert_eq!((metrics.len(), metrics[99].0.as_str()), (100, "m0099"));
        assert_eq!(said, "metrics.json: kept 100 metrics and left out 900 more");
        let words: Map<_, _> = (0..9).map(|n| (format!("w{n}"), "x".into())).collect();
        let (_, said) = read(&Value::Object(words).to_string());
        assert!(said.ends_with(r#""w0", "w1", "w2", "w3", "w4" and 4 more"#), "{said}");
    }

    #[test]
    fn what_is_no_object_is_told() {
        for text in ["", "[0.5]", "0.5", "NaN", "{\"a\": 0.5", "a: 0.5", "{\"a\": 1e999}"] {
            let (metrics, said) = read(text);
            assert!(
                metrics.is_empty() && said.contains("the job has no metrics"),
                "{text}: {said}"
            );
        }
    }
}
