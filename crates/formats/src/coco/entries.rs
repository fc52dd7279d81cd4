//! The entries of COCO's lists, as they stand in the file.
//!
//! Promise: an entry takes little memory, however long its lists are; what is of no use here is not kept. No value makes an entry
//! unreadable: what is wrong with it is said by whoever needs it.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::shown;

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
            Self::Text(text) => f.write_str(&shown(text)),
        }
    }
}

/// An entry of "images".
#[derive(Deserialize)]
pub(super) struct Image {
    #[serde(default)]
    pub(super) id: Loose,
    #[serde(default)]
    pub(super) file_name: Loose,
    /// Where LVIS says which file it is.
    #[serde(default)]
    pub(super) coco_url: Loose,
    #[serde(default)]
    pub(super) width: Loose,
    #[serde(default)]
    pub(super) height: Loose,
}

/// An entry of "categories".
#[derive(Deserialize)]
pub(super) struct Category {
    #[serde(default)]
    pub(super) id: Loose,
    #[serde(default)]
    pub(super) name: Loose,
}

/// An entry of "annotations".
#[derive(Deserialize)]
pub(super) struct Annotation {
    #[serde(default)]
    pub(super) id: Loose,
    #[serde(default)]
    pub(super) image_id: Loose,
    #[serde(default)]
    pub(super) category_id: Loose,
    #[serde(default)]
    pub(super) bbox: Loose,
    /// An annotation with a caption has no category.
    #[serde(default)]
    pub(super) caption: Option<IgnoredAny>,
    /// An annotation of a panoptic file.
    #[serde(default)]
    pub(super) segments_info: Option<IgnoredAny>,
}

/// A value of whatever type.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Loose {
    #[default]
    Absent,
    Null,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(Box<str>),
    List(Numbers),
    Object,
}

/// A list of numbers, of which the first four are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    pub(super) first: [f64; 4],
    pub(super) count: u64,
}

/// The most bytes of a text that is an id.
const LONGEST_ID: usize = 64;

impl Loose {
    /// The id that a value is. Numbers may be written as 1.0, and as texts: tools do both, and mix them.
    pub(super) fn id(&self) -> Result<Id, String> {
        match self {
            Self::Whole(number) => Ok(Id::Number(*number)),
            Self::Number(number) => whole(*number).map(Id::Number).ok_or_else(|| self.no_id()),
            Self::Text(text) if text.len() <= LONGEST_ID => Ok(match text.parse::<i64>() {
                Ok(number) => Id::Number(number),
                Err(_) => Id::Text(text.clone()),
            }),
            _ => Err(self.no_id()),
        }
    }

    fn no_id(&self) -> String {
        format!(
            "{}, where a whole number or a text of at most {LONGEST_ID} bytes belongs",
            self.said()
        )
    }

    /// A number, also as text.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// A text, also of a number.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_string()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(is) => Some(is.to_string()),
            _ => None,
        }
    }

    pub(super) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// The value, for people, as what is wrong with it.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Absent => "is not there".to_owned(),
            Self::Null => "is null".to_owned(),
            Self::Bool(is) => format!("is {is}"),
            Self::Whole(number) => format!("is {number}"),
            Self::Number(number) => format!("is {number}"),
            Self::Text(text) => format!("is the text {}", shown(text)),
            Self::List(_) => "is a list".to_owned(),
            Self::Object => "is an object".to_owned(),
        }
    }
}

/// A number without a fraction.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small")]
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Loose, E> {
        Ok(Loose::Bool(is))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Loose, E> {
        // One that is too big for a number can still be told apart as a text.
        Ok(i64::try_from(number)
            .map_or_else(|_| Loose::Text(number.to_string().into()), Loose::Whole))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
        let mut numbers = Numbers { first: [0.0; 4], count: 0 };
        while let Some(value) = list.next_element::<Self::Value>()? {
            let place =
                usize::try_from(numbers.count).ok().and_then(|at| numbers.first.get_mut(at));
            if let Some(place) = place {
                *place = value.number().unwrap_or(f64::NAN);
            }
            numbers.count += 1;
        }
        Ok(Loose::List(numbers))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Object)
    }
}

/// An entry of a list, which should be an object.
pub(super) enum Entry<T> {
    Object(T),
    Other(Loose),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor(PhantomData))
    }
}

struct EntryVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntryVisitor<T> {
    type Value = Entry<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Entry::Object)
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Entry<T>, E> {
        LooseVisitor.visit_bool(is).map(Entry::Other)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Entry<T>, E> {
        LooseVisitor.visit_i64(number).map(Entry::Other)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Entry<T>, E> {
        LooseVisitor.visit_u64(number).map(Entry::Other)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Entry<T>, E> {
        LooseVisitor.visit_f64(number).map(Entry::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Entry<T>, E> {
        LooseVisitor.visit_str(text).map(Entry::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Entry<T>, E> {
        LooseVisitor.visit_unit().map(Entry::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Entry<T>, A::Error> {
        LooseVisitor.visit_seq(list).map(Entry::Other)
    }
}
