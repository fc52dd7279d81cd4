//! The entries of COCO's lists, as they stand in the file.
//!
//! Promise: an entry takes little memory, however long its lists are; what is of no use here is not kept.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Unexpected, Visitor};

/// The id of an image, a category or an annotation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Number(i64),
    Text(Box<str>),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&crate::shown(text)),
        }
    }
}

/// An entry of "images".
#[derive(Deserialize)]
#[serde(expecting = "an image with \"id\" and \"file_name\"")]
pub(super) struct Image {
    pub(super) id: Id,
    pub(super) file_name: String,
    #[serde(default)]
    pub(super) width: Option<f64>,
    #[serde(default)]
    pub(super) height: Option<f64>,
}

/// An entry of "categories".
#[derive(Deserialize)]
#[serde(expecting = "a category with \"id\" and \"name\"")]
pub(super) struct Category {
    pub(super) id: Id,
    pub(super) name: String,
}

/// An entry of "annotations".
#[derive(Deserialize)]
#[serde(expecting = "an annotation with \"image_id\" and \"category_id\"")]
pub(super) struct Annotation {
    #[serde(default)]
    pub(super) id: Option<Id>,
    pub(super) image_id: Id,
    #[serde(default)]
    pub(super) category_id: Option<Id>,
    #[serde(default)]
    pub(super) bbox: Option<Numbers>,
    /// An annotation with a caption has no category.
    #[serde(default)]
    pub(super) caption: Option<IgnoredAny>,
}

/// A list of numbers, of which the first four are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    pub(super) first: [f64; 4],
    pub(super) count: u64,
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a short text")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Id, E> {
        Ok(Id::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
        let known = i64::try_from(number).map(Id::Number);
        known.map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        const LONGEST: usize = 64;
        if text.len() > LONGEST {
            return Err(E::invalid_length(text.len(), &self));
        }
        Ok(Id::Text(text.into()))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NumbersVisitor)
    }
}

struct NumbersVisitor;

impl<'de> Visitor<'de> for NumbersVisitor {
    type Value = Numbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
        let mut numbers = Numbers { first: [0.0; 4], count: 0 };
        while let Some(number) = list.next_element::<f64>()? {
            let place =
                usize::try_from(numbers.count).ok().and_then(|at| numbers.first.get_mut(at));
            if let Some(place) = place {
                *place = number;
            }
            numbers.count += 1;
        }
        Ok(numbers)
    }
}
