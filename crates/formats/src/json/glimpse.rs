//! A first look at a JSON file: enough to tell what wrote it.
//!
//! Promise: bounded memory. Of a list the first entry is seen, of an object the first names; what lies deeper is passed over.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What was seen of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Glimpse {
    Nothing,
    Number,
    Text(String),
    /// A list, with its first entry if it has one.
    List(Option<Box<Self>>),
    Object(Vec<(String, Self)>),
    /// Too deep, or too much.
    Unseen,
}

impl Glimpse {
    /// The value under a name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether it is an object that has all these names.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.get(name).is_some())
    }

    /// The first entry of a list.
    pub(super) fn first(&self) -> Option<&Self> {
        match self {
            Self::List(first) => first.as_deref(),
            _ => None,
        }
    }

    /// Every text in it.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(first) => first.iter().flat_map(|first| first.texts()).collect(),
            Self::Object(entries) => entries
                .iter()
                .flat_map(|(name, value)| [vec![name.as_str()], value.texts()].concat())
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// So deep it looks.
const DEEPEST: u32 = 5;
/// So many names of an object are seen.
const MOST_NAMES: usize = 64;
/// So many values are seen in all.
const MOST_VALUES: u32 = 4096;
/// So many characters of a text.
const LONGEST: usize = 300;

/// Looks at a value.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    depth: u32,
    /// Whether this is the list under "images" or "annotations".
    is_coco_list: bool,
    seen: &'a Cell<u32>,
    /// Set when what was seen decides; then reading ends with an error.
    is_coco: &'a Cell<bool>,
}

impl<'a> Look<'a> {
    pub(super) const fn new(seen: &'a Cell<u32>, is_coco: &'a Cell<bool>) -> Self {
        Self { depth: 0, is_coco_list: false, seen, is_coco }
    }

    const fn deeper(self) -> Self {
        Self { depth: self.depth + 1, is_coco_list: false, ..self }
    }

    fn has_enough(self) -> bool {
        self.seen.set(self.seen.get() + 1);
        self.depth > DEEPEST || self.seen.get() > MOST_VALUES
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = Glimpse;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Glimpse, D::Error> {
        if self.has_enough() {
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            return Ok(Glimpse::Unseen);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = Glimpse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Glimpse, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if entries.len() >= MOST_NAMES {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let is_coco_list = self.depth == 0 && matches!(name.as_str(), "images" | "annotations");
            let value = map.next_value_seed(Self { is_coco_list, ..self.deeper() })?;
            entries.push((shortened(&name), value));
        }
        Ok(Glimpse::Object(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Glimpse, A::Error> {
        let first = list.next_element_seed(self.deeper())?;
        // The first entry decides, and a file of COCO's may be huge.
        if self.is_coco_list && first.as_ref().is_some_and(is_of_coco) {
            self.is_coco.set(true);
            return Err(A::Error::custom("enough was seen"));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Glimpse::List(first.map(Box::new)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Glimpse, E> {
        Ok(Glimpse::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Glimpse, E> {
        Ok(Glimpse::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Glimpse, E> {
        Ok(Glimpse::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Glimpse, E> {
        Ok(Glimpse::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Glimpse, E> {
        Ok(Glimpse::Text(shortened(text)))
    }

    fn visit_unit<E>(self) -> Result<Glimpse, E> {
        Ok(Glimpse::Nothing)
    }
}

fn is_of_coco(first: &Glimpse) -> bool {
    ["file_name", "coco_url", "image_id"].iter().any(|name| first.has(&[name]))
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
