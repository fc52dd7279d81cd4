//! Instants between tokens and messages. Both may hold fractions; what ends, ends with a whole second.

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

/// The instant of a timestamp, to the microsecond that is not before it.
pub(crate) fn exact(time: &Timestamp) -> Option<UnixTime> {
    let second = floor(time)?;
    let micros = u32::try_from(time.nanos).ok()?.div_ceil(1_000);
    Some(UnixTime::from_parts(second.as_secs(), micros))
}

/// An instant as a message holds it.
pub(crate) fn timestamp(time: UnixTime) -> Timestamp {
    let nanos = i32::try_from(time.subsec_micros() * 1_000).unwrap_or_default();
    Timestamp { seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), nanos }
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
