//! Instants as people read them.

use std::cmp::Ordering;
use std::time::Duration;

use hallpass_token::UnixTime;

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The instant as RFC 3339 has it, such as `2026-11-23T00:08:58Z`; `None` beyond the year 9999.
pub(crate) fn rfc3339(instant: UnixTime) -> Option<String> {
    let secs = instant.as_secs();
    if secs > LAST {
        return None;
    }
    let (year, month, day) = date_of(secs / DAY);
    let (hour, minute, second) = (secs % DAY / HOUR, secs % HOUR / MINUTE, secs % MINUTE);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// A timestamp of the contract; empty where there is none, or where it is no instant after 1970.
pub(crate) fn of_timestamp(timestamp: Option<prost_types::Timestamp>) -> String {
    timestamp
        .and_then(|timestamp| u64::try_from(timestamp.seconds).ok())
        .and_then(|secs| rfc3339(UnixTime::from_secs(secs)))
        .unwrap_or_default()
}

/// How far away the instant is: `in 5m 3s`, `2h ago`, `now`.
pub(crate) fn relative(instant: UnixTime, now: UnixTime) -> String {
    match instant.cmp(&now) {
        Ordering::Greater => format!("in {}", length(instant.since(now))),
        Ordering::Less => format!("{} ago", length(now.since(instant))),
        Ordering::Equal => "now".to_owned(),
    }
}

/// A duration in its two largest units: `1h 5m`.
pub(crate) fn length(duration: Duration) -> String {
    let secs = duration.as_secs();
    let units = [
        (secs / DAY, 'd'),
        (secs % DAY / HOUR, 'h'),
        (secs % HOUR / MINUTE, 'm'),
        (secs % MINUTE, 's'),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
    let shown = units[first..].iter().take(2);
    let shown = shown.enumerate().filter(|(place, (count, _))| *place == 0 || *count > 0);
    shown.map(|(_, (count, unit))| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Counted in eras of 400 years that begin in
/// March, so that the leap day is the last of its year.
fn date_of(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let day = day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let cases = [
            (0, Some("1970-01-01T00:00:00Z")),
            (951_782_399, Some("2000-02-28T23:59:59Z")),
            (951_782_400, Some("2000-02-29T00:00:00Z")),
            (1_234_567_890, Some("2009-02-13T23:31:30Z")),
            (4_107_542_400, Some("2100-03-01T00:00:00Z")),
            (LAST, Some("9999-12-31T23:59:59Z")),
            (LAST + 1, None),
            (u64::MAX, None),
        ];
        for (secs, text) in cases {
            assert_eq!(rfc3339(UnixTime::from_secs(secs)).as_deref(), text, "{secs}");
        }
    }

    #[test]
    fn distances() {
        let cases = [
            (1_000, 1_000, "now"),
            (1_000, 999, "in 1s"),
            (1_000, 1_060, "1m ago"),
            (4_603, 1_000, "in 1h"),
            (1_000 + 90_000, 1_000, "in 1d 1h"),
            (1_000, 1_000 + 3_660, "1h 1m ago"),
        ];
        for (instant, now, text) in cases {
            let (instant, now) = (UnixTime::from_secs(instant), UnixTime::from_secs(now));
            assert_eq!(relative(instant, now), text);
        }
        assert!(relative(UnixTime::from_secs(u64::MAX), UnixTime::from_secs(0)).starts_with("in "));
    }
}
