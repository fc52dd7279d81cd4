//! Instants between tokens, which count whole seconds, and messages, which may hold fractions.

use hallpass_token::UnixTime;
use prost_types::Timestamp;

/// The second that a timestamp lies in; `None` before 1970 and for one that is not valid.
pub(crate) fn floor(time: &Timestamp) -> Option<UnixTime> {
    let valid = (0..1_000_000_000).contains(&time.nanos);
    u64::try_from(time.seconds).ok().filter(|_| valid).map(UnixTime::from_secs)
}

/// The first second that is not before a timestamp.
pub(crate) fn ceil(time: &Timestamp) -> Option<UnixTime> {
    let started = u64::from(time.nanos > 0);
    floor(time).map(|second| UnixTime::from_secs(second.as_secs().saturating_add(started)))
}

/// An instant as a message holds it.
pub(crate) fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp { seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), nanos: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_go_the_safe_way() {
        let time = |seconds, nanos| Timestamp { seconds, nanos };
        let table = [
            (time(5, 0), Some(5), Some(5)),
            (time(5, 1), Some(5), Some(6)),
            (time(0, 0), Some(0), Some(0)),
            (time(-1, 0), None, None),
            (time(5, -1), None, None),
            (time(5, 1_000_000_000), None, None),
        ];
        for (given, down, up) in table {
            assert_eq!(floor(&given).map(UnixTime::as_secs), down, "{given:?}");
            assert_eq!(ceil(&given).map(UnixTime::as_secs), up, "{given:?}");
        }
    }
}
