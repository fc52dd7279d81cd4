//! Parses a JSON file of annotations as a stream.
//!
//! Promise: no tree of the file is made; each entry is taken by the document and forgotten.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::document::{Document, Verdict};
use super::watch::{Position, Watched};
use crate::source::unreadable;
use crate::{Bounds, FilePath, Problem, Problems, Refusal};

/// Parses a whole file. Problems of entries are added; an error ends it.
pub(super) fn parse(
    path: &FilePath,
    reader: impl Read,
    bounds: Bounds,
    problems: &mut Problems,
) -> Result<Document, Refusal> {
    let position = Position::default();
    let mut parsing = Parsing {
        path,
        position: &position,
        document: Document::new(bounds),
        problems,
        seen: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_reader(Watched::new(reader, &position));
    let parsed = json.deserialize_any(&mut parsing).and_then(|()| json.end());
    parsed.map_err(|error| refusal(path, error))?;
    if !parsing.seen.contains(&"images") {
        return Err(Problem::of(path, "has no \"images\", so it is no COCO file").into());
    }
    Ok(parsing.document)
}

/// Whether a file is an object that has "images" or "annotations". A file that is no JSON counts, too: its reader says what is wrong.
pub(super) fn seems_coco(path: &FilePath, reader: impl Read) -> Result<bool, Refusal> {
    let position = Position::default();
    let found = Cell::new(false);
    let mut json = serde_json::Deserializer::from_reader(Watched::new(reader, &position));
    match json.deserialize_any(Glance(&found)) {
        Ok(()) => Ok(false),
        Err(_) if found.get() => Ok(true),
        Err(error) => match refusal(path, error) {
            Refusal::Problems(_) => Ok(true),
            unreadable @ Refusal::Unreadable { .. } => Err(unreadable),
        },
    }
}

fn refusal(path: &FilePath, error: serde_json::Error) -> Refusal {
    let line = error.line() as u64;
    match error.classify() {
        Category::Io => unreadable(path, io::Error::from(error)),
        Category::Eof => Problem::at(path, line, "the JSON ends in the middle").into(),
        Category::Syntax | Category::Data => {
            let text = error.to_string();
            let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            Problem::at(path, line, text).into()
        }
    }
}

/// The object at the top.
struct Parsing<'a> {
    path: &'a FilePath,
    position: &'a Position,
    document: Document,
    problems: &'a mut Problems,
    seen: Vec<&'static str>,
}

impl<'de> Visitor<'de> for &mut Parsing<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"images\", \"annotations\" and \"categories\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "images" => self.list("images", Document::image, &mut map)?,
                "categories" => self.list("categories", Document::category, &mut map)?,
                "annotations" => self.list("annotations", Document::annotation, &mut map)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl Parsing<'_> {
    fn list<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
        &mut self,
        key: &'static str,
        take: fn(&mut Document, T, u64) -> Result<(), Verdict>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if self.seen.contains(&key) {
            return Err(A::Error::custom(format!("\"{key}\" is there twice")));
        }
        self.seen.push(key);
        map.next_value_seed(List { parsing: self, take, entry: PhantomData })
    }
}

/// One of its lists.
struct List<'a, 'p, T> {
    parsing: &'a mut Parsing<'p>,
    take: fn(&mut Document, T, u64) -> Result<(), Verdict>,
    entry: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Parsing { path, position, document, problems, .. } = self.parsing;
        while let Some(entry) = list.next_element::<T>()? {
            let line = position.entry_line();
            match (self.take)(document, entry, line) {
                Ok(()) => {}
                Err(Verdict::Wrong(text)) => problems.add(Problem::at(path, line, text)),
                Err(Verdict::Stop(text)) => return Err(A::Error::custom(text)),
            }
            if problems.is_full() {
                return Err(A::Error::custom("too much is wrong"));
            }
        }
        Ok(())
    }
}

/// Looks only for what makes a file one of COCO's, and ends with an error as soon as it has found it.
struct Glance<'a>(&'a Cell<bool>);

impl<'de> Visitor<'de> for Glance<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "images" || key == "annotations" {
                self.0.set(true);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
