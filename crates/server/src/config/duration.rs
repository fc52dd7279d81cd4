//! Spans of time as people write them: "250ms", "30s", "5m", "1h".

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::scalar::Scalar;

pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    // A bare number has no unit: what is said of it is the same.
    let text = Scalar::deserialize(from)?.into_text();
    let span = parse(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "{text:?} is no span of time: expected a number and a unit (ms, s, m or h), such as \"30s\""
        ))
    })?;
    if span > LONGEST {
        return Err(de::Error::custom(format!("{text:?} is too long: at most 87600h, ten years")));
    }
    Ok(span)
}

/// Instants that are further away cannot be computed with everywhere.
const LONGEST: Duration = Duration::from_hours(87_600);

/// As [`read`], of a setting that may be absent.
pub(crate) fn read_some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    read(from).map(Some)
}

/// As [`read`], and more than nothing.
pub(crate) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let read = read(from)?;
    if read.is_zero() { Err(de::Error::custom("the time must be more than 0")) } else { Ok(read) }
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().ok()?;
    let (seconds, millis) = match unit {
        "ms" => (0, count),
        "s" => (count, 0),
        "m" => (count.checked_mul(60)?, 0),
        "h" => (count.checked_mul(3600)?, 0),
        _ => return None,
    };
    Some(Duration::from_secs(seconds) + Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        let rows = [
            ("250ms", Some(Duration::from_millis(250))),
            ("30s", Some(Duration::from_secs(30))),
            ("5m", Some(Duration::from_mins(5))),
            ("1h", Some(Duration::from_hours(1))),
            ("30", None),
            ("s", None),
            ("", None),
            ("1.5s", None),
            ("-1s", None),
            ("1d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
