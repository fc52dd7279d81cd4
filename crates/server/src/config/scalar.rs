//! A text, or what is written without quotation marks and meant as one.

use serde::Deserialize;

/// A text, a number or a boolean.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, true or false")]
pub(super) enum Scalar {
    /// In quotation marks.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// Without a fraction.
    Whole(i64),
    /// With a fraction or an exponent.
    Number(f64),
}

impl Scalar {
    /// As it is written.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Flag(flag) => flag.to_string(),
            Self::Whole(number) => number.to_string(),
            // `1.0` stays that.
            Self::Number(number) => format!("{number:?}"),
        }
    }
}
