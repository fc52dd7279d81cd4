//! A desk for action tokens that remembers in memory what was claimed, and can be out of order.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hallpass_token::{Fingerprint, Verified};
use hallpass_trial::policy::{Action, ActionDesk, Claimed, DecisionId, Outcome, Unknown};

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryDesk(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    claimed: Mutex<HashMap<Fingerprint, DecisionId>>,
    noted: Mutex<Vec<(&'static str, Outcome)>>,
    broken: AtomicBool,
}

impl MemoryDesk {
    pub(crate) fn claims(&self) -> usize {
        self.0.claimed.lock().unwrap().len()
    }

    pub(crate) fn noted(&self) -> Vec<(&'static str, Outcome)> {
        self.0.noted.lock().unwrap().clone()
    }

    pub(crate) fn break_down(&self) {
        self.0.broken.store(true, Ordering::SeqCst);
    }
}

impl ActionDesk for MemoryDesk {
    fn claim<'a>(
        &'a self,
        token: &'a Verified,
        decision: DecisionId,
    ) -> Pin<Box<dyn Future<Output = Result<Claimed, Unknown>> + Send + 'a>> {
        Box::pin(async move {
            if self.0.broken.load(Ordering::SeqCst) {
                return Err(Unknown("the disk"));
            }
            let mut claimed = self.0.claimed.lock().unwrap();
            let holder = *claimed.entry(token.fingerprint()).or_insert(decision);
            Ok(if holder == decision { Claimed::Now } else { Claimed::Before })
        })
    }

    fn note(&self, action: &'static Action, _: &Verified, outcome: Outcome) {
        self.0.noted.lock().unwrap().push((action.audience, outcome));
    }
}
