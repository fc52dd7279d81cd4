//! Reads tables of labels in JSON: a list, a mapping or lines of entries, each about one image.
//!
//! Promise: one entry is in memory at a time. Each wrong entry is told with its line, and the others are read on.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::labels::{member, of_value};
use super::{Record, columns, split_of, take};
use crate::json::{Position, Tool, Watched, refusal};
use crate::kind::is_image;
use crate::places::{Places, TRIED};
use crate::shape::File;
use crate::source::Source;
use crate::survey::Survey;
use crate::{Problem, Refusal, Split};

/// Reads a file.
pub(super) fn read<'a>(
    survey: &mut Survey<'a>,
    file: &'a File,
    tool: Tool,
    places: &Places<'a>,
    source: &mut Source<'_>,
) -> Result<(), Refusal> {
    let mut names = Vec::new();
    each(file, tool, source, &mut |_, entry| {
        names.extend(entry.image(tool).ok().map(str::to_owned));
        names.len() < TRIED
    })?;
    let (base, _) = places.choose(&file.path, || names.iter().map(String::as_str));
    let whole = Split::of_words(file.path.stem());
    let (mut any, mut only_predicted) = (false, 0_u64);
    each(file, tool, source, &mut |line, entry| {
        any = true;
        only_predicted += u64::from(entry.is_only_predicted(tool));
        let taken = entry.record(tool, whole).and_then(|(image, classes, split)| {
            take(survey, &base, &Record { image, classes: &classes, split })
        });
        if let Err(text) = taken {
            survey.problems.add(Problem::at(&file.path, line, text));
        }
        !survey.problems.is_full()
    })?;
    if only_predicted > 0 {
        let text = format!(
            "has {only_predicted} tasks with predictions and no annotation: predictions are not read, accept them as annotations first"
        );
        survey.notes.add(Problem::of(&file.path, text));
    }
    if any { Ok(()) } else { Err(Problem::of(&file.path, "has no entry").into()) }
}

/// Takes the line of an entry, its image and its members.
type TakeMembers<'t> = dyn FnMut(u64, &str, &Map<String, Value>) + 't;

/// Goes through the entries of a file that are objects and name an image: its line, the image, the members.
pub(super) fn members(
    file: &File,
    tool: Tool,
    source: &mut Source<'_>,
    take: &mut TakeMembers<'_>,
) -> Result<(), Refusal> {
    each(file, tool, source, &mut |line, entry| {
        let own = match (tool, entry.value) {
            (Tool::LabelStudio, task) => task.get("data").and_then(Value::as_object),
            (_, value) => value.as_object(),
        };
        if let (Ok(image), Some(members)) = (entry.image(tool), own) {
            take(line, image, members);
        }
        true
    })
}

/// What is said of an image.
struct Entry<'e> {
    /// The name under which it stands in a mapping.
    key: Option<&'e str>,
    value: &'e Value,
    /// `FiftyOne`'s classes by number.
    classes: &'e [String],
}

impl Entry<'_> {
    /// The image, its classes and its split.
    fn record(
        &self,
        tool: Tool,
        whole: Option<Split>,
    ) -> Result<(&str, Vec<String>, Option<Split>), String> {
        let image = self.image(tool)?;
        let classes = match (tool, self.value) {
            (Tool::LabelStudio, value) => of_label_studio(value)?,
            (Tool::FiftyOne, value) => self.numbered(of_value(value)?),
            (Tool::ByImage, value) => of_value(value)?,
            (Tool::Lines | Tool::Records, Value::Object(members)) => {
                of_value(member(members).or_else(|| nothing(members)).ok_or(NO_LABEL)?)?
            }
            (Tool::Lines | Tool::Records, _) => return Err("is no object".to_owned()),
        };
        Ok((image, classes, self.split(whole)?))
    }

    /// Whether a task of Label Studio has predictions alone.
    fn is_only_predicted(&self, tool: Tool) -> bool {
        let has = |name: &str| {
            self.value.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
        };
        tool == Tool::LabelStudio
            && has("predictions")
            && !has("annotations")
            && !has("completions")
    }

    fn image(&self, tool: Tool) -> Result<&str, String> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let members = match (tool, self.value) {
            (Tool::LabelStudio, Value::Object(task)) => task.get("data").and_then(Value::as_object),
            (_, Value::Object(members)) => Some(members),
            _ => None,
        };
        members.and_then(image_of).ok_or_else(|| "names no image".to_owned())
    }

    fn split(&self, whole: Option<Split>) -> Result<Option<Split>, String> {
        let Value::Object(members) = self.value else { return Ok(whole) };
        let named = members.iter().find(|(name, value)| {
            columns::split(&[name.as_str()]).is_ok_and(|found| found.is_some()) && value.is_string()
        });
        split_of(named.and_then(|(_, value)| value.as_str()).unwrap_or_default(), whole)
    }

    /// Numbers stand for the classes that the file lists.
    fn numbered(&self, classes: Vec<String>) -> Vec<String> {
        let name = |class: String| match class.parse::<usize>() {
            Ok(number) => self.classes.get(number).cloned().unwrap_or(class),
            Err(_) => class,
        };
        classes.into_iter().map(name).collect()
    }
}

/// What is said of an entry without a class.
const NO_LABEL: &str = "has no label: add a member \"label\"";

/// Label Studio leaves the member out where an annotation says that nothing is there.
fn nothing(members: &Map<String, Value>) -> Option<&'static Value> {
    members.contains_key("annotation_id").then_some(&Value::Null)
}

/// The member that names the image: by its own name, else the one that ends like an image's name.
fn image_of(members: &Map<String, Value>) -> Option<&str> {
    let header: Vec<&str> = members.keys().map(String::as_str).collect();
    let named = columns::image(&header).ok().flatten();
    let named = named.and_then(|at| members.get(header[at])).and_then(Value::as_str);
    named.or_else(|| members.values().filter_map(Value::as_str).find(|text| is_image(text)))
}

/// The classes of a task of Label Studio: of the choices and regions of every annotation that was not cancelled.
fn of_label_studio(task: &Value) -> Result<Vec<String>, String> {
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned();
    let annotations = list(task, "annotations").or_else(|| list(task, "completions"));
    let mut classes = Vec::new();
    for annotation in annotations.unwrap_or_default() {
        if annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        for region in list(&annotation, "result").unwrap_or_default() {
            let Some(value) = region.get("value").and_then(Value::as_object) else { continue };
            for (name, of) in value {
                if name == "choices" || name.ends_with("labels") || name == "taxonomy" {
                    classes.extend(of_value(of)?);
                }
            }
        }
    }
    Ok(classes)
}

/// Takes an entry and its line; says whether to go on.
type Take<'t> = dyn FnMut(u64, &Entry<'_>) -> bool + 't;

/// Goes through the entries of a file.
fn each(
    file: &File,
    tool: Tool,
    source: &mut Source<'_>,
    take: &mut Take<'_>,
) -> Result<(), Refusal> {
    let position = Position::default();
    let depth = match tool {
        Tool::Lines => 1,
        Tool::Records | Tool::LabelStudio | Tool::ByImage => 2,
        Tool::FiftyOne => 3,
    };
    let reader = Watched::new(source.open(file)?, &position, depth);
    let mut json = serde_json::Deserializer::from_reader(reader);
    let mut walk = Walk { tool, position: &position, take, ended: false, classes: Vec::new() };
    let walked = match tool {
        Tool::Lines => walk.lines(json),
        _ => (&mut walk).deserialize(&mut json).and_then(|()| json.end()),
    };
    match walked {
        Err(_) if walk.ended => Ok(()),
        walked => walked.map_err(|error| refusal(&file.path, error)),
    }
}

struct Walk<'w, 't> {
    tool: Tool,
    position: &'w Position,
    take: &'w mut Take<'t>,
    /// Whether the taker has enough.
    ended: bool,
    classes: Vec<String>,
}

impl Walk<'_, '_> {
    fn lines<R: std::io::Read>(
        &mut self,
        json: serde_json::Deserializer<serde_json::de::IoRead<R>>,
    ) -> Result<(), serde_json::Error> {
        for value in json.into_iter::<Value>() {
            self.entry(None, &value?)?;
        }
        Ok(())
    }

    fn entry<E: Error>(&mut self, key: Option<&str>, value: &Value) -> Result<(), E> {
        let line = match value {
            Value::Object(_) | Value::Array(_) => self.position.entry_line(),
            _ => self.position.line(),
        };
        if (self.take)(line, &Entry { key, value, classes: &self.classes }) {
            return Ok(());
        }
        self.ended = true;
        Err(E::custom("enough was taken"))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object of labels")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            self.entry(None, &value)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match (self.tool, key.as_str()) {
                (Tool::FiftyOne, "labels") => map.next_value_seed(Labels(&mut *self))?,
                (Tool::FiftyOne, "classes") => {
                    self.classes = map.next_value::<Option<Vec<String>>>()?.unwrap_or_default();
                }
                (Tool::FiftyOne, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
                (_, key) => {
                    let value = map.next_value::<Value>()?;
                    self.entry(Some(key), &value)?;
                }
            }
        }
        Ok(())
    }
}

/// `FiftyOne`'s mapping from images to labels.
struct Labels<'l, 'w, 't>(&'l mut Walk<'w, 't>);

impl<'de> DeserializeSeed<'de> for Labels<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value::<Value>()?;
            self.0.entry(Some(&key), &value)?;
        }
        Ok(())
    }
}
