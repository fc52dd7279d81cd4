//! Which answers pass by themselves, and how long to wait before asking again.
//!
//! Invariant: bounded: after some tries without any progress the last answer stands.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// So often in a row without progress.
const TRIES: usize = 8;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The waits between tries.
pub(super) struct Patience {
    /// Whether there will be another token when the one at hand ends.
    is_renewed: bool,
    waits: ExponentialBackoff,
}

impl Patience {
    /// Nothing has been tried yet.
    pub(super) fn new(is_renewed: bool) -> Self {
        Self { is_renewed, waits: waits() }
    }

    /// There was progress: what went wrong before is forgotten.
    pub(super) fn is_rewarded(&mut self) {
        self.waits = waits();
    }

    /// How long to wait before trying again; `None` where that is of no use, or was not for too often.
    pub(super) fn wait(&mut self, status: &Status) -> Option<Duration> {
        if !self.passes(status) {
            return None;
        }
        let told = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
        self.waits.next().map(|wait| told.map_or(wait, |told| told.min(LONGEST_WAIT).max(wait)))
    }

    fn passes(&self, status: &Status) -> bool {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        match (status.code(), reason) {
            // What comes without a reason is a connection's end as the transport tells it.
            (_, Some("UPLOAD_INTERRUPTED" | "UPLOAD_BUSY"))
            | (Code::Unavailable | Code::DeadlineExceeded, _)
            | (Code::Unknown | Code::Internal | Code::Cancelled, None) => true,
            (_, Some("TOKEN_EXPIRED")) => self.is_renewed,
            (Code::ResourceExhausted, _) => details.retry_info().is_some(),
            _ => false,
        }
    }
}

fn waits() -> ExponentialBackoff {
    let waits = ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_max_delay(LONGEST_WAIT);
    waits.with_max_times(TRIES).build()
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn status(code: Code, reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "hallpass", []);
        Status::with_error_details(code, "said", details)
    }

    #[test]
    fn what_passes_by_itself_is_tried_again_and_not_for_ever() {
        let mut patience = Patience::new(false);
        let interrupted = status(Code::Aborted, "UPLOAD_INTERRUPTED");
        for _ in 0..TRIES {
            assert!(patience.wait(&interrupted).is_some());
        }
        assert!(patience.wait(&interrupted).is_none());
        patience.is_rewarded();
        assert!(patience.wait(&Status::unavailable("gone")).is_some());
        assert!(patience.wait(&Status::unknown("h2: reset")).is_some());
        assert!(patience.wait(&status(Code::Aborted, "UPLOAD_BUSY")).is_some());
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        for status in [
            status(Code::InvalidArgument, "FILE_REFUSED"),
            status(Code::Unauthenticated, "TOKEN_EXPIRED"),
            status(Code::Unauthenticated, "TOKEN_REVOKED"),
            status(Code::Internal, "INTERNAL"),
            status(Code::ResourceExhausted, "TOO_MANY_FILES"),
        ] {
            assert!(Patience::new(false).wait(&status).is_none(), "{status:?}");
        }
        let ended = status(Code::Unauthenticated, "TOKEN_EXPIRED");
        assert!(Patience::new(true).wait(&ended).is_some(), "there will be another token");
    }
}
