//! Limits the lines that refusals write into the log: for each reason and each caller, and for strangers in all. The rest is counted, and the
//! counts are logged once a minute.
//!
//! Invariant: whoever is refused, and however often, writes a bounded number of lines a minute, and no refusal is lost from the counts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use hallpass_token::{Fingerprint, Verified};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::serve::limits;
use crate::{Clock, Pace};

/// Lines a minute for each reason and each address of strangers.
const OF_AN_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Lines a minute for each reason of all strangers.
const OF_STRANGERS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Lines a minute for each reason and each caller whose token verified.
const OF_A_CALLER: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

/// How often the counts are logged.
const COUNTED_FOR: Duration = Duration::from_mins(1);

/// What the counts of lines of the record begin with; refusals' reasons have no spaces.
const RECORD: &str = "record: ";

/// How many reasons are told apart in the counts; the rest count as `OTHER`.
const REASONS: usize = 64;

/// Whose call a line is about.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// Of someone at this address who has shown no token that verified.
    Stranger(Option<IpAddr>),
    /// Of this user, or of whoever holds a token without a user.
    Caller(Fingerprint),
}

/// The limit at work.
#[derive(Debug)]
pub(super) struct LogLimit {
    addresses: Pace<Fingerprint>,
    strangers: Pace<Fingerprint>,
    callers: Pace<Fingerprint>,
    unlisted: Mutex<Unlisted>,
}

#[derive(Debug, Default)]
struct Unlisted {
    by_reason: BTreeMap<Box<str>, Counts>,
    /// Whether a task waits to log them.
    to_be_logged: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    strangers: u64,
    callers: u64,
}

impl LogLimit {
    pub(super) fn new(clock: &Clock) -> Arc<Self> {
        let pace = |times| Pace::a_minute(times, clock.clone());
        Arc::new(Self {
            addresses: pace(OF_AN_ADDRESS),
            strangers: pace(OF_STRANGERS),
            callers: pace(OF_A_CALLER),
            unlisted: Mutex::default(),
        })
    }

    /// Whether a refusal for this reason is to be logged; otherwise it is counted. It is that of a token's holder, or of a stranger.
    pub(super) fn lists(
        self: &Arc<Self>,
        reason: &str,
        token: Option<&Verified>,
        address: Option<IpAddr>,
    ) -> bool {
        let caller = |token| Whose::Caller(limits::name(token));
        self.allows(reason, token.map_or(Whose::Stranger(address), caller))
    }

    /// Whether a call of this RPC that was done is to be recorded by a line of its own; otherwise it is counted. What is changed by it has its line
    /// from the handler in any case.
    pub(super) fn records(self: &Arc<Self>, path: &'static str, token: Option<&Verified>) -> bool {
        self.lists(path, token, None)
    }

    /// Whether a handler's line of the record is to be written; otherwise it is counted. What it is about has lines of its own.
    pub(super) fn notes(
        self: &Arc<Self>,
        line: &str,
        about: Option<Fingerprint>,
        token: Option<&Verified>,
    ) -> bool {
        let line = format!("{RECORD}{line}");
        let Some(caller) = token.map(limits::name) else {
            return self.allows(&line, Whose::Stranger(None));
        };
        let caller = match about {
            Some(about) => Fingerprint::subject(&caller.to_string(), &about.to_string()),
            None => caller,
        };
        self.allows(&line, Whose::Caller(caller))
    }

    fn allows(self: &Arc<Self>, reason: &str, whose: Whose) -> bool {
        let allowed = match whose {
            Whose::Stranger(address) => {
                let address = address.map_or_else(String::new, |address| address.to_string());
                self.addresses.step(&Fingerprint::subject(reason, &address)).is_ok()
                    && self.strangers.step(&Fingerprint::service(reason)).is_ok()
            }
            Whose::Caller(caller) => {
                self.callers.step(&Fingerprint::subject(reason, &caller.to_string())).is_ok()
            }
        };
        if !allowed {
            self.count(reason, whose);
        }
        allowed
    }

    #[cold]
    fn count(self: &Arc<Self>, reason: &str, whose: Whose) {
        let mut unlisted = self.unlisted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = unlisted.by_reason.contains_key(reason);
        let told_apart = known || unlisted.by_reason.len() < REASONS;
        let reason = if told_apart { reason } else { "OTHER" };
        let counts = unlisted.by_reason.entry(reason.into()).or_default();
        match whose {
            Whose::Stranger(_) => counts.strangers += 1,
            Whose::Caller(_) => counts.callers += 1,
        }
        if !unlisted.to_be_logged
            && let Ok(runtime) = Handle::try_current()
        {
            unlisted.to_be_logged = true;
            runtime.spawn(log_soon(Arc::downgrade(self)));
        }
    }

    fn log_counts(&self) {
        let unlisted = {
            let mut unlisted = self.unlisted.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *unlisted)
        };
        for (reason, Counts { strangers, callers }) in unlisted.by_reason {
            if let Some(line) = reason.strip_prefix(RECORD) {
                tracing::info!(target: "hallpass::audit", line, strangers, callers, "lines not listed");
                continue;
            }
            if reason.starts_with('/') {
                let rpc = reason;
                tracing::info!(target: "hallpass::audit", %rpc, callers, "calls done, not listed");
                continue;
            }
            tracing::info!(
                target: "hallpass::decision",
                %reason,
                strangers,
                callers,
                "refused, not listed",
            );
        }
    }
}

async fn log_soon(limit: Weak<LogLimit>) {
    sleep(COUNTED_FOR).await;
    if let Some(limit) = limit.upgrade() {
        limit.log_counts();
    }
}

/// What was counted until the process ends is logged, too.
impl Drop for LogLimit {
    fn drop(&mut self) {
        self.log_counts();
    }
}

#[cfg(test)]
mod tests {
    use hallpass_token::UnixTime;

    use super::*;

    fn limit() -> (Arc<LogLimit>, Clock) {
        let clock = Clock::manual(UnixTime::from_secs(1_000));
        (LogLimit::new(&clock), clock)
    }

    fn lines(limit: &Arc<LogLimit>, reason: &str, whose: Whose) -> usize {
        (0..1000).filter(|_| limit.allows(reason, whose)).count()
    }

    #[test]
    fn each_reason_and_each_address_has_its_lines() {
        let (limit, clock) = limit();
        let address = |last| Whose::Stranger(Some(IpAddr::from([192, 0, 2, last])));
        assert_eq!(lines(&limit, "TOKEN_MISSING", address(1)), 10);
        assert_eq!(lines(&limit, "TOKEN_INVALID", address(1)), 10);
        assert_eq!(lines(&limit, "TOKEN_MISSING", address(2)), 10);
        clock.advance(Duration::from_secs(6));
        assert_eq!(lines(&limit, "TOKEN_MISSING", address(1)), 1);
        let counted = limit.unlisted.lock().map(|it| it.by_reason["TOKEN_MISSING"].strangers);
        assert_eq!(counted.unwrap_or_default(), 3 * 1000 - 21);
    }

    #[test]
    fn strangers_with_many_addresses_have_no_more_lines_in_all() {
        let (limit, _) = limit();
        let address = |number: u32| Whose::Stranger(Some(IpAddr::from(number.to_be_bytes())));
        let lines = (0..100_000).filter(|number| limit.allows("TOKEN_MISSING", address(*number)));
        assert_eq!(lines.count(), 60);
        let caller = Whose::Caller(Fingerprint::subject("users", "ann"));
        assert!(
            limit.allows("TOKEN_MISSING", caller),
            "whose token verified has lines of their own"
        );
    }

    #[test]
    fn calls_that_are_done_write_a_bounded_number_of_lines_too() {
        const PATH: &str = "/hallpass.auth.v1.DiagnosticsService/GetCaller";
        let (limit, _) = limit();
        let caller = Whose::Caller(Fingerprint::subject("users", "mallory"));
        assert_eq!(lines(&limit, PATH, caller), 60);
        let counted = limit.unlisted.lock().map(|it| it.by_reason[PATH].callers);
        assert_eq!(counted.unwrap_or_default(), 940);
    }

    #[test]
    fn one_caller_takes_no_lines_from_another() {
        let (limit, _) = limit();
        let caller = |name| Whose::Caller(Fingerprint::subject("users", name));
        assert_eq!(lines(&limit, "SCOPE_MISSING", caller("mallory")), 60);
        assert_eq!(lines(&limit, "SCOPE_MISSING", caller("ann")), 60);
    }

    #[test]
    fn reasons_that_handlers_make_up_take_no_more_room() {
        let (limit, _) = limit();
        let caller = Whose::Caller(Fingerprint::subject("users", "mallory"));
        for number in 0..100 {
            let reason = number.to_string();
            let listed = (0..61).filter(|_| limit.allows(&reason, caller)).count();
            assert_eq!(listed, 60);
        }
        let reasons = limit.unlisted.lock().map(|it| it.by_reason.len());
        assert_eq!(reasons.unwrap_or_default(), REASONS + 1);
    }
}
