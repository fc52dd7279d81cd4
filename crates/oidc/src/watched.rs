//! One issuer under watch: asked now and then, and when a token cannot be verified with the keys that are known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_guard::{Clock, Keys};
use hallpass_token::{LeftOut, OutsideIssuer, OutsideKeys};
use tokio::sync::Notify;

use crate::fetch::Source;
use crate::schedule::Schedule;

/// An issuer, its way, and what is known of it.
#[derive(Debug)]
pub(crate) struct Watched {
    issuer: Arc<OutsideIssuer>,
    source: Source,
    keys: Keys,
    clock: Clock,
    schedule: Mutex<Schedule>,
    /// What was last said of keys that are not used, so that it is said once.
    left_out: Mutex<Vec<LeftOut>>,
    sought: Notify,
}

impl Watched {
    pub(crate) fn new(
        issuer: Arc<OutsideIssuer>,
        source: Source,
        schedule: Schedule,
        keys: Keys,
        clock: Clock,
    ) -> Self {
        keys.set_outside(&OutsideKeys::none(Arc::clone(&issuer)));
        let (schedule, left_out, sought) = (Mutex::new(schedule), Mutex::default(), Notify::new());
        Self { issuer, source, keys, clock, schedule, left_out, sought }
    }

    pub(crate) fn name(&self) -> &str {
        &self.issuer.issuer
    }

    pub(crate) fn age(&self) -> Option<Duration> {
        self.schedule().age(self.clock.boot())
    }

    /// Whether there are keys.
    pub(crate) fn is_known(&self) -> bool {
        self.keys.ring().outside(self.name()).is_some_and(|keys| keys.kids().len() > 0)
    }

    /// A token names a key that is not known, or has a signature that is not its key's, as after an issuer was set up again: has the issuer
    /// asked, unless it was lately. Whether it is being asked now.
    pub(crate) fn seek(&self) -> bool {
        let mut schedule = self.schedule();
        if schedule.seek(self.clock.boot()) {
            self.sought.notify_one();
        }
        schedule.is_under_way()
    }

    /// Asks it for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let wait = self.schedule().wait(self.clock.boot());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.sought.notified() => {}
            }
            self.fetch().await;
        }
    }

    /// Asks it once.
    pub(crate) async fn fetch(&self) {
        self.schedule().begun(self.clock.boot());
        let answer = match self.source.jwks().await {
            Ok(answer) => answer,
            Err(error) => return self.go_on_without(&error.to_string()),
        };
        // A set may have thousands of keys, each of which is checked: calls do not wait for that.
        let issuer = Arc::clone(&self.issuer);
        let read =
            tokio::task::spawn_blocking(move || match OutsideKeys::read(&issuer, &answer.bytes) {
                Ok((keys, left_out)) => Ok((keys, left_out, answer.fresh_for)),
                Err(error) => Err(answer.unusable(&error).to_string()),
            });
        match read.await {
            Ok(Ok((keys, left_out, fresh_for))) => self.take(&keys, left_out, fresh_for),
            Ok(Err(problem)) => self.go_on_without(&problem),
            Err(error) => self.go_on_without(&error.to_string()),
        }
    }

    fn take(&self, keys: &OutsideKeys, left_out: Vec<LeftOut>, fresh_for: Option<Duration>) {
        let changed = !self.current().is_some_and(|known| known.are_same(keys));
        if changed {
            self.keys.set_outside(keys);
            let kids: Vec<_> = keys.kids().collect();
            tracing::info!(issuer = self.name(), ?kids, "an outside issuer's keys have changed");
        }
        self.schedule().fetched(self.clock.boot(), fresh_for);
        self.tell(left_out);
        if changed && !self.is_known() {
            tracing::error!(
                issuer = self.name(),
                "the outside issuer has no key that can be used: its tokens are refused"
            );
        }
    }

    fn go_on_without(&self, problem: &str) {
        let failures = self.schedule().failed();
        tracing::warn!(
            issuer = self.name(),
            problem,
            failures,
            "an outside issuer's keys cannot be fetched"
        );
        let outlived = self.schedule().is_outlived(self.clock.boot());
        if outlived && self.is_known() {
            self.keys.set_outside(&OutsideKeys::none(Arc::clone(&self.issuer)));
            tracing::error!(
                issuer = self.name(),
                "an outside issuer's keys are too old to count: its tokens are refused"
            );
        }
    }

    fn tell(&self, left_out: Vec<LeftOut>) {
        let mut told = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        for left in left_out.iter().filter(|left| !told.contains(left)) {
            if left.leaked {
                tracing::error!(issuer = self.name(), key = %left, "an outside issuer gives a secret away: this key is not used");
            } else {
                tracing::warn!(issuer = self.name(), key = %left, "an outside issuer's key is not used");
            }
        }
        *told = left_out;
    }

    fn current(&self) -> Option<OutsideKeys> {
        self.keys.ring().outside(self.name()).cloned()
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
