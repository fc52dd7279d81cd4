//! The table of labels beside a folder of images: `metadata.csv`, or `metadata.jsonl` where a CSV file would not be read as it is meant.
//!
//! Promise: whoever reads the table gets each image's classes as they are called. CSV has no types: pandas takes names such as `7` for
//! numbers and `None` for a gap, and wants the same type in every split.

use serde_json::json;

/// The table in JSON Lines.
pub(super) const LINES: &str = "metadata.jsonl";

/// An image and its classes.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) file: String,
    pub(super) classes: Vec<String>,
}

/// How the tables of all splits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    /// Whether an image may have several classes: then the column is `labels`.
    several: bool,
    /// Why CSV will not do.
    lines: Option<&'static str>,
}

impl Table {
    /// What fits all splits.
    pub(super) fn fitting(splits: &[&[Row]]) -> Self {
        let mut rows = splits.iter().flat_map(|rows| rows.iter());
        let several = rows.any(|row| row.classes.len() > 1);
        let names = || splits.iter().flat_map(|rows| rows.iter()).flat_map(|row| &row.classes);
        let has_bar = several && names().any(|name| name.contains('|'));
        let numbers = |rows: &&[Row]| rows.iter().all(|row| !several && is_whole(&row.classes));
        let texts = |rows: &&[Row]| rows.iter().any(|row| is_text(&field(row)));
        let lines = if has_bar {
            Some("a class has a | in its name")
        } else if names().any(|name| is_gap(name)) {
            Some("a class is called as CSV readers call a missing value")
        } else if splits.iter().all(numbers) || splits.iter().all(texts) {
            None
        } else {
            Some("CSV readers would take the labels of one split for numbers, or for missing")
        };
        Self { several, lines }
    }

    /// Its file's name.
    pub(super) const fn name(self) -> &'static str {
        if self.lines.is_some() { LINES } else { "metadata.csv" }
    }

    /// Why it is no CSV file, if it is none.
    pub(super) const fn reason(self) -> Option<&'static str> {
        self.lines
    }

    /// The table of these images.
    pub(super) fn text(self, rows: &[Row]) -> String {
        if self.lines.is_some() {
            return rows.iter().map(|row| self.line(row)).collect();
        }
        let head = if self.several { "file_name,labels\n" } else { "file_name,label\n" };
        let row = |row: &Row| format!("{},{}\n", quoted(&row.file), quoted(&field(row)));
        head.to_owned() + &rows.iter().map(row).collect::<String>()
    }

    fn line(self, row: &Row) -> String {
        let value = if self.several {
            // A list without an element has no type, and the library wants one: none is the empty name.
            let none = [String::new()];
            let classes = if row.classes.is_empty() { &none[..] } else { &row.classes };
            json!({ "file_name": row.file, "labels": classes })
        } else {
            json!({ "file_name": row.file, "label": field(row) })
        };
        format!("{value}\n")
    }
}

/// The classes as one field.
fn field(row: &Row) -> String {
    row.classes.join("|")
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) || field.trim() != field {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn is_whole(classes: &[String]) -> bool {
    let [name] = classes else { return false };
    // What a number would lose stays a text: 007.
    name.parse::<i64>().is_ok_and(|number| number.to_string() == *name)
}

/// Whether pandas reads a field as a text, and so its whole column.
fn is_text(field: &str) -> bool {
    let is_flag = ["true", "false"].iter().any(|flag| field.eq_ignore_ascii_case(flag));
    !field.is_empty() && field.parse::<f64>().is_err() && !is_flag
}

/// Whether pandas reads a field as a missing value.
fn is_gap(name: &str) -> bool {
    const GAPS: [&str; 17] = [
        "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan",
    ];
    GAPS.contains(&name) || name == "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(classes: &[&[&str]]) -> Vec<Row> {
        let row = |(at, names): (usize, &&[&str])| Row {
            file: format!("{at}.png"),
            classes: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        classes.iter().enumerate().map(row).collect()
    }

    fn text(splits: &[&[&[&str]]]) -> Vec<String> {
        let splits: Vec<_> = splits.iter().map(|classes| rows(classes)).collect();
        let all: Vec<&[Row]> = splits.iter().map(Vec::as_slice).collect();
        let table = Table::fitting(&all);
        all.iter().map(|rows| format!("{}: {}", table.name(), table.text(rows))).collect()
    }

    #[test]
    fn csv_where_it_is_read_as_it_is_meant() {
        assert_eq!(
            text(&[&[&["a, \"b\""], &[]]]),
            ["metadata.csv: file_name,label\n0.png,\"a, \"\"b\"\"\"\n1.png,\n"]
        );
        assert_eq!(
            text(&[&[&["a", "b"], &["7"]]]),
            ["metadata.csv: file_name,labels\n0.png,a|b\n1.png,7\n"]
        );
        assert_eq!(text(&[&[&["7"]], &[&["0"]]])[1], "metadata.csv: file_name,label\n0.png,0\n");
    }

    #[test]
    fn json_lines_where_csv_would_lose_a_type() {
        let number = "metadata.jsonl: {\"file_name\":\"0.png\",\"label\":\"7\"}\n";
        assert_eq!(text(&[&[&["7"]], &[&["a"]]])[0], number);
        assert_eq!(text(&[&[&["7"]], &[&[]]])[1], number.replace('7', ""));
        for gap in ["None", "NA", "null", "nan"] {
            assert!(text(&[&[&["a"], &[gap]]])[0].starts_with("metadata.jsonl"), "{gap}");
        }
        assert!(text(&[&[&["007"]]])[0].contains("\"label\":\"007\""));
        assert_eq!(
            text(&[&[&["a|b", "c"], &[]]]),
            ["metadata.jsonl: {\"file_name\":\"0.png\",\"labels\":[\"a|b\",\"c\"]}\n\
              {\"file_name\":\"1.png\",\"labels\":[\"\"]}\n"]
        );
    }
}
