//! How long a token lives, as people write it: `30d`, `24h`, `3600s`, `30m`, `4w`.

use std::str::FromStr;
use std::time::Duration;

/// The longest life that can be asked for: a hundred years.
const LONGEST_SECS: u64 = 100 * 365 * 24 * 60 * 60;

/// How long a token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// So long.
    For(Duration),
    /// For ever: without `exp`.
    Never,
}

/// The text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a duration; right: a whole number above zero and one of s, m, h, d, w, such as 30d, 24h or 3600s, at most 100 \
     years; or never"
)]
pub(crate) struct NotALife;

impl FromStr for Life {
    type Err = NotALife;

    fn from_str(text: &str) -> Result<Self, NotALife> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let unit = text.chars().next_back().ok_or(NotALife)?;
        let secs_each = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            'w' => 7 * 24 * 60 * 60,
            _ => return Err(NotALife),
        };
        let number = &text[..text.len() - 1];
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotALife);
        }
        let number: u64 = number.parse().map_err(|_| NotALife)?;
        match number.checked_mul(secs_each) {
            Some(secs @ 1..=LONGEST_SECS) => Ok(Self::For(Duration::from_secs(secs))),
            _ => Err(NotALife),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("1s", 1),
            ("3600s", 3_600),
            ("30m", 1_800),
            ("24h", 86_400),
            ("7d", 604_800),
            ("30d", 2_592_000),
            ("4w", 2_419_200),
            ("007d", 604_800),
            ("36500d", LONGEST_SECS),
        ];
        for (text, secs) in cases {
            assert_eq!(text.parse(), Ok(Life::For(Duration::from_secs(secs))), "{text}");
        }
        assert_eq!("never".parse(), Ok(Life::Never));
    }

    #[test]
    fn what_is_no_duration() {
        let cases = [
            "",
            "s",
            "30",
            "30x",
            "-1d",
            "+1d",
            "1.5h",
            "1h30m",
            " 1h",
            "1h ",
            "1 h",
            "0s",
            "0w",
            "30D",
            "1é",
            "é",
            "٣s",
            "36501d",
            "99999999999999999999d",
            "18446744073709551615w",
            "Never",
            "0x10s",
            "1_000s",
        ];
        for text in cases {
            assert_eq!(text.parse::<Life>(), Err(NotALife), "{text:?}");
        }
    }
}
