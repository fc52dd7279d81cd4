//! Parses a JSON file of annotations as a stream.
//!
//! Promise: no tree of the file is made; each entry is taken by the document and forgotten.

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::document::{Document, Verdict};
use super::entries::Entry;
use crate::json::{Position, Watched, refusal};
use crate::{Bounds, FilePath, Problem, Problems, Refusal};

/// The depth of an entry: in a list in the object.
const ENTRY: u32 = 3;

/// Parses a whole file. Problems of entries are added; an error ends it.
pub(super) fn parse(
    path: &FilePath,
    reader: impl Read,
    bounds: Bounds,
    problems: &mut Problems,
    notes: &mut Problems,
) -> Result<Document, Refusal> {
    let position = Position::default();
    let mut parsing = Parsing {
        path,
        position: &position,
        document: Document::new(bounds),
        problems,
        seen: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_reader(Watched::new(reader, &position, ENTRY));
    let parsed = json.deserialize_any(&mut parsing).and_then(|()| json.end());
    parsed.map_err(|error| refusal(path, error))?;
    if !parsing.seen.contains(&"images") {
        let text = "has no \"images\", so it is no COCO file: give the list of the images and their file names";
        return Err(Problem::of(path, text).into());
    }
    if let Some((count, line)) = position.not_numbers() {
        let text = format!("NaN or Infinity, which is no JSON, was passed over; {count} in all");
        notes.add(Problem::at(path, line, text));
    }
    Ok(parsing.document)
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

/// How the document takes an entry.
type Take<T> = fn(&mut Document, &T, u64) -> Result<(), Verdict>;

impl Parsing<'_> {
    fn list<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
        &mut self,
        key: &'static str,
        take: Take<T>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if self.seen.contains(&key) {
            return Err(A::Error::custom(format!("\"{key}\" is there twice")));
        }
        self.seen.push(key);
        map.next_value_seed(List { parsing: self, key, take, entry: PhantomData })
    }
}

/// One of its lists.
struct List<'a, 'p, T> {
    parsing: &'a mut Parsing<'p>,
    key: &'static str,
    take: Take<T>,
    entry: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the list \"{}\"", self.key)
    }

    /// A tool that has nothing to list may write null.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { parsing, key, take, .. } = self;
        let Parsing { path, position, document, problems, .. } = parsing;
        while let Some(entry) = list.next_element::<Entry<T>>()? {
            let (line, taken) = match entry {
                Entry::Object(entry) => {
                    let line = position.entry_line();
                    (line, take(document, &entry, line))
                }
                Entry::Other(value) => {
                    let text = format!("an entry of \"{key}\" {}, not an object", value.said());
                    (position.line(), Err(Verdict::Wrong(text)))
                }
            };
            match taken {
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
