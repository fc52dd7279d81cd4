//! What `data.yaml` or `classes.txt` says: the classes by number, and perhaps the splits.
//!
//! Invariant: every number from 0 up to the last has one name, and no two have the same.

use std::io::{self, Read};

use super::yaml::{Node, Value, Wrong, parse};
use crate::bounds::LONGEST_DESCRIPTION;
use crate::classes::class_name;
use crate::lines::Lines;
use crate::shape::File;
use crate::source::{MARK, NOT_UTF8, Source, no_text, unreadable};
use crate::{Bounds, FilePath, Problem, Refusal, Split, shown};

/// A description.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) path: FilePath,
    /// By number: the name and its line.
    pub(super) names: Vec<(String, u64)>,
    /// Where each split is: what stands there and its line.
    pub(super) splits: Vec<(Split, String, u64)>,
    /// The folder that the splits count from.
    pub(super) root: Option<String>,
    /// So many numbers follow a box, if the labels are poses.
    pub(super) pose: Option<u32>,
    /// What a person may want to know.
    pub(super) notes: Vec<Problem>,
}

/// Reads `data.yaml`.
pub(super) fn read_yaml(
    file: &File,
    bounds: Bounds,
    source: &mut Source<'_>,
) -> Result<Description, Refusal> {
    let tree = read_tree(file, source)?;
    let wrong = |(line, text): Wrong| Refusal::from(Problem::at(&file.path, line, text));
    let mut notes = Vec::new();
    let mut names = names(&tree, bounds).map_err(wrong)?;
    if names.is_none() {
        names = numbered(&tree, bounds).map_err(wrong)?;
        let text =
            "has no \"names\": the classes are called class_0 and so on, as Ultralytics calls them";
        notes.push(Problem::of(&file.path, text));
    }
    let Some(names) = names else {
        let text =
            "has no \"names\": the list of the classes' names, in the order of their numbers";
        return Err(Problem::of(&file.path, text).into());
    };
    check_count(&tree, names.len()).map_err(wrong)?;
    check_doubles(&names).map_err(wrong)?;
    Ok(Description {
        path: file.path.clone(),
        names,
        splits: splits(&tree).map_err(wrong)?,
        root: tree.get("path").map_err(wrong)?.and_then(Node::text).map(str::to_owned),
        pose: pose(&tree).map_err(wrong)?,
        notes,
    })
}

/// Whether a file is YAML that has names for classes, or their number and splits.
pub(super) fn has_names(file: &File, source: &mut Source<'_>) -> Result<bool, Refusal> {
    match read_tree(file, source) {
        Ok(tree) => {
            let has = |key| !matches!(tree.get(key), Ok(None));
            Ok(has("names") || (has("nc") && (has("train") || has("val"))))
        }
        Err(Refusal::Problems(_)) => Ok(false),
        Err(unreadable @ Refusal::Unreadable { .. }) => Err(unreadable),
    }
}

/// Reads `classes.txt` or `obj.names`: a name on each line.
pub(super) fn read_text(
    file: &File,
    bounds: Bounds,
    source: &mut Source<'_>,
) -> Result<Description, Refusal> {
    let path = file.path.clone();
    let mut lines = Lines::new(source.open_up_to(file, LONGEST_DESCRIPTION)?);
    let mut names = Vec::new();
    let mut blank = None;
    while let Some((line, text)) = lines.next().map_err(|error| unreadable(&path, error))? {
        if text.trim().is_empty() {
            // Blank lines at the end are no classes.
            blank = blank.or(Some(line));
            continue;
        }
        let name = match blank {
            Some(blank) => Err((blank, "a class has a blank name".to_owned())),
            None => checked(text, line, names.len(), bounds),
        };
        names.push((name.map_err(|(line, text)| Problem::at(&path, line, text))?, line));
    }
    check_doubles(&names).map_err(|(line, text)| Problem::at(&path, line, text))?;
    if names.is_empty() {
        return Err(Problem::of(&path, "names no classes").into());
    }
    Ok(Description { path, names, splits: Vec::new(), root: None, pose: None, notes: Vec::new() })
}

fn read_tree(file: &File, source: &mut Source<'_>) -> Result<Node, Refusal> {
    let mut bytes = Vec::new();
    let mut reader = source.open_up_to(file, LONGEST_DESCRIPTION)?.take(LONGEST_DESCRIPTION);
    let read: io::Result<usize> = reader.read_to_end(&mut bytes);
    read.map_err(|error| unreadable(&file.path, error))?;
    if let Some(told) = no_text(&bytes) {
        return Err(Problem::at(&file.path, 1, told).into());
    }
    let text = std::str::from_utf8(bytes.strip_prefix(MARK).unwrap_or(&bytes));
    let Ok(text) = text else {
        let valid = text.map_or_else(|error| error.valid_up_to(), str::len);
        return Err(Problem::at(&file.path, line_of(&bytes, valid), NOT_UTF8).into());
    };
    parse(text).map_err(|(line, text)| Problem::at(&file.path, line, text).into())
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    let before = bytes.iter().take(at).filter(|byte| **byte == b'\n').count();
    before as u64 + 1
}

fn names(tree: &Node, bounds: Bounds) -> Result<Option<Vec<(String, u64)>>, Wrong> {
    let Some(node) = tree.get("names")? else { return Ok(None) };
    let mut names = Vec::new();
    let mut take = |name: &Node| {
        let text = match &name.value {
            Value::Text(text) => text.as_str(),
            Value::Null => "",
            _ => return Err((name.line, "the name of a class is a text".to_owned())),
        };
        names.push((checked(text, name.line, names.len(), bounds)?, name.line));
        Ok(())
    };
    match &node.value {
        Value::List(list) => list.iter().try_for_each(&mut take)?,
        Value::Mapping(entries) => {
            for (name, _) in in_order(entries)? {
                take(name)?;
            }
        }
        _ => return Err((node.line, "\"names\" is a list, or a mapping by number".to_owned())),
    }
    if names.is_empty() {
        return Err((node.line, "\"names\" names no classes".to_owned()));
    }
    Ok(Some(names))
}

/// The names that classes have where only their number is given.
fn numbered(tree: &Node, bounds: Bounds) -> Result<Option<Vec<(String, u64)>>, Wrong> {
    let Some(node) = tree.get("nc")? else { return Ok(None) };
    let Some(count) = node.text().and_then(|text| text.parse().ok()) else { return Ok(None) };
    if count == 0 || count > bounds.max_classes {
        return Ok(None);
    }
    Ok(Some((0..count).map(|number| (format!("class_{number}"), node.line)).collect()))
}

/// The names of a mapping from numbers, which have to go from 0 up without a gap.
fn in_order(entries: &[(Node, Node)]) -> Result<Vec<(&Node, usize)>, Wrong> {
    let mut names = Vec::new();
    for (key, name) in entries {
        let number = key.text().and_then(|text| text.parse().ok());
        let number = number
            .ok_or_else(|| (key.line, "the number of a class is a whole number".to_owned()))?;
        names.push((name, number));
    }
    names.sort_by_key(|(_, number)| *number);
    for (expected, (name, number)) in names.iter().enumerate() {
        if *number != expected {
            let text = if *number < expected {
                format!("class {number} is there twice")
            } else {
                format!(
                    "class {number} is there, but class {expected} is not: name each number from 0 on"
                )
            };
            return Err((name.line, text));
        }
    }
    Ok(names)
}

fn checked(text: &str, line: u64, count: usize, bounds: Bounds) -> Result<String, Wrong> {
    if count >= bounds.max_classes {
        let most = bounds.max_classes;
        return Err((line, format!("holds more classes than are allowed: {most}")));
    }
    class_name(text).map_err(|text| (line, text))
}

fn check_doubles(names: &[(String, u64)]) -> Result<(), Wrong> {
    let mut sorted: Vec<_> =
        (0..).zip(names).map(|(number, (name, line))| (name, number, *line)).collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        if let [(one, first, _), (other, second, line)] = pair
            && one == other
        {
            let (first, second): (u32, u32) = (*first, *second);
            return Err((
                *line,
                format!("class {second} is called {}, as class {first} is", shown(one)),
            ));
        }
    }
    Ok(())
}

fn check_count(tree: &Node, names: usize) -> Result<(), Wrong> {
    let Some(count) = tree.get("nc")? else { return Ok(()) };
    if count.value == Value::Null || count.text().and_then(|text| text.parse().ok()) == Some(names)
    {
        return Ok(());
    }
    let said = count.text().map_or_else(|| "no number".to_owned(), shown);
    Err((count.line, format!("\"nc\" is {said}, but there are {names} names")))
}

/// So many folders and lists may make up the splits.
const MOST_PLACES: usize = 100;

fn splits(tree: &Node) -> Result<Vec<(Split, String, u64)>, Wrong> {
    let mut splits = Vec::new();
    for (key, split) in [
        ("train", Split::Train),
        ("val", Split::Val),
        ("valid", Split::Val),
        ("validation", Split::Val),
        ("test", Split::Test),
    ] {
        let Some(node) = tree.get(key)? else { continue };
        let places = match &node.value {
            Value::List(list) => list.as_slice(),
            Value::Null => &[],
            Value::Text(_) => std::slice::from_ref(node),
            Value::Mapping(_) => {
                return Err((node.line, format!("\"{key}\" is a folder or a list of folders")));
            }
        };
        for place in places {
            let text = place.text().filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| {
                (place.line, format!("\"{key}\" is a folder or a list of folders"))
            })?;
            if splits.len() >= MOST_PLACES {
                return Err((
                    place.line,
                    format!("names more places than are allowed: {MOST_PLACES}"),
                ));
            }
            splits.push((split, text.to_owned(), place.line));
        }
    }
    Ok(splits)
}

/// From `kpt_shape: [points, numbers of each]`.
fn pose(tree: &Node) -> Result<Option<u32>, Wrong> {
    let Some(node) = tree.get("kpt_shape")? else { return Ok(None) };
    let wrong =
        || (node.line, "\"kpt_shape\" is a list of two numbers, the second 2 or 3".to_owned());
    let Value::List(list) = &node.value else { return Err(wrong()) };
    let numbers: Vec<u32> =
        list.iter().filter_map(|one| one.text().and_then(|text| text.parse().ok())).collect();
    match (list.len(), numbers.as_slice()) {
        (2, [points @ 1..=1000, each @ 2..=3]) => Ok(Some(points * each)),
        _ => Err(wrong()),
    }
}
