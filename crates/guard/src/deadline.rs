//! How long a caller will wait, handed on from call to call: a call made on behalf of another never outlasts it.

use std::cell::Cell;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

const GRPC_TIMEOUT: &str = "grpc-timeout";

tokio::task_local! {
    static CURRENT: Call;
}

/// The call that a task serves.
struct Call {
    deadline: Option<Deadline>,
    entered: Cell<bool>,
}

/// When the caller stops waiting. The server puts it into a request's extensions; the guard makes it the deadline of every call
/// that the handler makes with [`on_behalf`](crate::on_behalf).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

/// The call's deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed;

impl Deadline {
    /// The deadline of the call that the current task serves.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|call| call.deadline).ok().flatten()
    }

    /// Runs a step of a call under its deadline, and says whether its handler was entered in it.
    #[cfg(feature = "serve")]
    pub(crate) fn scope<T>(deadline: Option<Self>, step: impl FnOnce() -> T) -> (T, bool) {
        CURRENT.sync_scope(Call { deadline, entered: Cell::new(false) }, || {
            let done = step();
            (done, CURRENT.with(|call| call.entered.get()))
        })
    }

    /// Notes that the current task's call has its message, and its handler is entered.
    #[cfg(feature = "serve")]
    pub(crate) fn note_entered() {
        // Outside a call, as in tests of adapters, nobody waits for it.
        let _ = CURRENT.try_with(|call| call.entered.set(true));
    }

    /// How long the caller waits, by the metadata of a call.
    pub(crate) fn stated(headers: &HeaderMap) -> Option<Duration> {
        headers.get(GRPC_TIMEOUT).and_then(read)
    }

    /// Writes the remaining time as `grpc-timeout`, unless a shorter one is there.
    pub(crate) fn write(self, headers: &mut HeaderMap, now: Instant) -> Result<(), Passed> {
        let left = self.0.saturating_duration_since(now);
        if left.is_zero() {
            return Err(Passed);
        }
        let stated = Self::stated(headers);
        if stated.is_none_or(|stated| stated > left)
            && let Ok(value) = HeaderValue::from_str(&spell(left))
        {
            headers.insert(GRPC_TIMEOUT, value);
        }
        Ok(())
    }
}

/// At most eight digits and a unit, rounded down (gRPC over HTTP/2, `Timeout`).
fn spell(left: Duration) -> String {
    const MOST: u128 = 99_999_999;
    if left.as_micros() <= MOST {
        return format!("{}u", left.as_micros());
    }
    if left.as_millis() <= MOST {
        return format!("{}m", left.as_millis());
    }
    format!("{}S", u128::from(left.as_secs()).min(MOST))
}

fn read(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_hours(count)),
        "M" => Some(Duration::from_mins(count)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    #[tokio::test]
    async fn the_shorter_of_both_is_sent() {
        let now = Instant::now();
        let deadline = Deadline(now + Duration::from_millis(1_500));
        for (stated, sent) in [
            (None, "1500000u"),
            (Some("1S"), "1S"),
            (Some("2S"), "1500000u"),
            (Some("1H"), "1500000u"),
            (Some("900m"), "900m"),
            (Some("nonsense"), "1500000u"),
            (Some(""), "1500000u"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(stated) = stated {
                headers.insert(GRPC_TIMEOUT, HeaderValue::from_static(stated));
            }
            deadline.write(&mut headers, now).unwrap();
            assert_eq!(headers[GRPC_TIMEOUT], sent, "{stated:?}");
        }
    }

    #[tokio::test]
    async fn a_passed_deadline_sends_nothing() {
        let now = Instant::now();
        assert_eq!(Deadline(now).write(&mut HeaderMap::new(), now), Err(Passed));
    }

    #[test]
    fn long_times_fit_into_eight_digits() {
        for (left, text) in [
            (Duration::from_micros(99_999_999), "99999999u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(u64::MAX), "99999999S"),
        ] {
            assert_eq!(spell(left), text);
        }
    }

    #[cfg(feature = "serve")]
    #[test]
    fn a_handler_knows_its_deadline_and_no_one_elses() {
        let deadline = Deadline(Instant::now());
        let seen = Deadline::scope(Some(deadline), Deadline::current);
        assert_eq!((seen, Deadline::current()), ((Some(deadline), false), None));
        assert_eq!(Deadline::scope(None, Deadline::note_entered), ((), true));
    }
}
