//! Lists in columns that fit the terminal: what matters least is left out, and said to be.
//!
//! Invariant: an id is printed whole or not at all; where nobody says how wide the terminal is, every column is printed.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use unicode_width::UnicodeWidthStr as _;

use super::{note, padded};

/// Between two columns.
const GAP: usize = 2;
/// A cut column is at least this wide.
const CUT: usize = 16;

/// How wide lists may be; `None` for any width.
static WIDTH: OnceLock<Option<usize>> = OnceLock::new();

/// Sets once how wide lists may be: as the terminal, or as `COLUMNS` says; as wide as they are with `--wide` and in a file or a pipe.
pub(crate) fn fit(wide: bool) {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
    let seen = || {
        let stdout = std::io::stdout();
        let size = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout));
        size.flatten().map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0)
    };
    let width = if wide { None } else { said().or_else(seen) };
    // Nobody else sets it.
    let _ = WIDTH.set(width);
}

/// A list of rows below their heads. `first` has the heads that matter most, in that order; the others follow from left to right.
pub(crate) fn listing<const N: usize>(
    heads: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    first: &[&str],
) -> String {
    let rows: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned)).chain(rows).collect();
    let width = WIDTH.get().copied().flatten();
    let (kept, left_out) = choose(&heads, &rows, first, width);
    if !left_out.is_empty() {
        note(&format!("{} left out: --wide prints all columns", left_out.join(", ")));
    }
    let rows = rows.iter().map(|row| {
        let cells = kept.iter().map(|&(column, most)| cut(&row[column], most));
        cells.collect::<Vec<_>>()
    });
    padded(&rows.collect::<Vec<_>>())
}

/// Names and what they stand for, where the latter is wrapped between words so that it fits the terminal.
pub(super) fn wrapped(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    wrapped_to(rows, WIDTH.get().copied().flatten())
}

fn wrapped_to(rows: &[Vec<String>], width: Option<usize>) -> Vec<Vec<String>> {
    let names = rows.iter().filter_map(|row| row.first()).map(|name| name.width()).max();
    let room = width.map(|width| width.saturating_sub(names.unwrap_or(0) + GAP));
    let Some(room) = room.filter(|room| *room >= CUT) else { return rows.to_vec() };
    let lines = rows.iter().flat_map(|row| match row.as_slice() {
        [name, value] if value.width() > room => {
            let names = std::iter::once(name.clone()).chain(std::iter::repeat(String::new()));
            names.zip(lines(value, room)).map(|(name, line)| vec![name, line]).collect()
        }
        _ => vec![row.clone()],
    });
    lines.collect()
}

/// The words of a text in lines that are as long as they may be; a word that is longer stays whole.
fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The columns that fit, in their order, each with the most that it may take, and the heads of the others.
fn choose<'a, const N: usize>(
    heads: &[&'a str; N],
    rows: &[[String; N]],
    first: &[&str],
    width: Option<usize>,
) -> (Vec<(usize, usize)>, Vec<&'a str>) {
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let rank = |column: &usize| first.iter().position(|head| *head == heads[*column]);
    let mut ranked: Vec<usize> = (0..N).collect();
    ranked.sort_by_key(|column| rank(column).unwrap_or(first.len()));
    let mut left = width.unwrap_or(usize::MAX);
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for column in ranked {
        let (gap, needs) = (if kept.is_empty() { 0 } else { GAP }, widest(column));
        let room = left.saturating_sub(gap);
        // Only the last column is text that can be cut.
        let takes = if needs <= room || kept.is_empty() {
            needs
        } else if column + 1 == N && room >= CUT {
            room
        } else {
            left_out.push(column);
            continue;
        };
        left = room.saturating_sub(takes);
        kept.push((column, takes));
    }
    kept.sort_unstable();
    left_out.sort_unstable();
    (kept, left_out.into_iter().map(|column| heads[column]).collect())
}

/// The text, or as much of it as fits, with a sign that there is more.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        let mut longer = shown.clone();
        longer.push(c);
        if longer.width() + 1 > most {
            break;
        }
        shown = longer;
    }
    format!("{}…", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: [&str; 4] = ["ID", "NAME", "SIZE", "DESCRIPTION"];

    fn rows() -> Vec<[String; 4]> {
        let row = ["ds_0123456789", "cats", "12345", "all that a camera saw in a year"];
        vec![HEADS.map(str::to_owned), row.map(str::to_owned)]
    }

    fn chosen(width: Option<usize>) -> (Vec<(usize, usize)>, Vec<&'static str>) {
        choose(&HEADS, &rows(), &["ID", "NAME", "DESCRIPTION"], width)
    }

    #[test]
    fn what_matters_least_is_left_out_and_text_is_cut() {
        let all = vec![(0, 13), (1, 4), (2, 5), (3, 31)];
        assert_eq!(chosen(None), (all.clone(), vec![]));
        assert_eq!(chosen(Some(59)), (all, vec![]));
        assert_eq!(chosen(Some(58)), (vec![(0, 13), (1, 4), (3, 31)], vec!["SIZE"]));
        assert_eq!(chosen(Some(40)), (vec![(0, 13), (1, 4), (3, 19)], vec!["SIZE"]));
        assert_eq!(chosen(Some(30)), (vec![(0, 13), (1, 4), (2, 5)], vec!["DESCRIPTION"]));
        let narrow = (vec![(0, 13)], vec!["NAME", "SIZE", "DESCRIPTION"]);
        assert_eq!(chosen(Some(10)), narrow, "an id is whole");
    }

    #[test]
    fn what_is_too_long_goes_on_below_itself() {
        let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let rows = [row("scopes", "datasets:read datasets:write jobs:read"), row("id", "ds_1")];
        assert_eq!(wrapped_to(&rows, None), rows);
        assert_eq!(wrapped_to(&rows, Some(46)), rows);
        let narrow = [
            row("scopes", "datasets:read"),
            row("", "datasets:write"),
            row("", "jobs:read"),
            row("id", "ds_1"),
        ];
        assert_eq!(wrapped_to(&rows, Some(30)), narrow);
        assert_eq!(wrapped_to(&rows, Some(20)), rows, "there is no room to wrap in");
    }

    #[test]
    fn a_cut_says_so_and_takes_no_more_than_it_may() {
        for (text, most, shown) in [
            ("all that a camera saw", 21, "all that a camera saw"),
            ("all that a camera saw", 10, "all that…"),
            ("日本語のデータ", 7, "日本語…"),
            ("日本語のデータ", 6, "日本…"),
        ] {
            assert_eq!(cut(text, most), shown);
            assert!(cut(text, most).width() <= most);
        }
    }
}
