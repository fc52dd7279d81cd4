//! What is wrong with JSON, in words for the person who has to mend it.
//!
//! Promise: no message holds a name of a Rust type or a phrase of the parser.

use std::io;

use serde_json::error::Category;

use crate::source::{NOT_UTF8, unreadable};
use crate::{FilePath, Problem, Refusal};

/// Phrases of the parser, by their beginning, and what is said instead.
const SYNTAX: [(&str, &str); 14] = [
    ("expected value", "a value is missing or misspelled"),
    ("expected ident", "a word is misspelled: JSON knows true, false and null"),
    ("expected `,` or `}`", "a comma or a closing brace is missing"),
    ("expected `,` or `]`", "a comma or a closing bracket is missing"),
    ("expected `:`", "a colon is missing after a name"),
    ("trailing comma", "a comma stands before a closing bracket: remove it"),
    ("trailing characters", "something follows the end of the JSON: remove it"),
    ("key must be a string", "a name is not in double quotes"),
    ("invalid number", "a number is misspelled"),
    ("number out of range", "a number is too big"),
    ("control character", "a text has a line break or a control character in it: escape it"),
    ("invalid escape", "a text has a backslash in it: write it twice"),
    ("unexpected end of hex escape", "a text has half a \\u pair in it"),
    ("lone leading surrogate", "a text has half a \\u pair in it"),
];

/// The refusal of a file that the parser does not take.
pub(crate) fn refusal(path: &FilePath, error: serde_json::Error) -> Refusal {
    let line = error.line() as u64;
    match error.classify() {
        Category::Io => unreadable(path, io::Error::from(error)),
        Category::Eof => {
            let text = "the JSON ends in the middle: the file is not whole, copy it again";
            Problem::at(path, line, text).into()
        }
        Category::Syntax | Category::Data => Problem::at(path, line, said(&error)).into(),
    }
}

fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    if text.starts_with("invalid unicode") {
        return NOT_UTF8.to_owned();
    }
    if let Some((_, plain)) = SYNTAX.iter().find(|(phrase, _)| text.starts_with(phrase)) {
        return format!("is no valid JSON: {plain}");
    }
    if let Some(rest) = text.strip_prefix("invalid type: ") {
        let (what, wanted) = rest.split_once(", expected ").unwrap_or((rest, "something else"));
        return format!("holds {} where {wanted} belongs", named(what));
    }
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("an entry has no {}", field.replace('`', "\""));
    }
    if let Some(field) = text.strip_prefix("duplicate field ") {
        return format!("an entry has {} twice", field.replace('`', "\""));
    }
    // What this crate itself says.
    text.to_owned()
}

fn named(what: &str) -> String {
    match what {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" => "null".to_owned(),
        text if text.starts_with("string ") => format!("the text {}", &text["string ".len()..]),
        other => other.rsplit_once(' ').map_or(other, |(_, value)| value).replace('`', ""),
    }
}
