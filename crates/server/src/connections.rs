//! How many connections there may be, in all and from one address, and who has to go when there are too many.
//!
//! Invariants: never more are open than were claimed of the process's descriptors; a connection with a call under way whose token
//! has verified is not closed for a new one; any other is, so that nobody keeps others out without a token.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_guard::network;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::Limits;
use crate::activity::{Activity, Patience};
use crate::descriptors::{Claim, TooFewDescriptors};
use crate::proxies::Proxies;

/// How long a new connection waits for one that was closed for it.
const FOR_A_SEAT: Duration = Duration::from_secs(1);

/// How often refused connections are logged.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The most that one address has by default; a quarter of all where that is less, but 16 at least.
const PER_ADDRESS: u64 = 128;

/// The connections of one server.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) patience: Patience,
    per_address: usize,
    proxies: Proxies,
    seats: Arc<Semaphore>,
    open: Mutex<Open>,
    refused: Mutex<Refused>,
    _claim: Claim,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// By their age, the oldest first.
    all: BTreeMap<u64, (Option<IpAddr>, Arc<Activity>)>,
    of_network: HashMap<IpAddr, usize>,
}

#[derive(Debug, Default)]
struct Refused {
    count: u64,
    logged: Option<Instant>,
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    number: u64,
    activity: Arc<Activity>,
    of: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Result<Arc<Self>, TooFewDescriptors> {
        let number = |of: NonZeroU32| u64::from(of.get());
        let claim = Claim::take(limits.connections.map(number))?;
        let count = usize::try_from(claim.count()).unwrap_or(usize::MAX);
        let shared = PER_ADDRESS.min((claim.count() / 4).max(16));
        let per_address = limits.connections_per_address.map_or(shared, number);
        let patience = Patience { first_call: limits.first_call_within, idle: limits.idle };
        Ok(Arc::new(Self {
            patience,
            per_address: usize::try_from(per_address).unwrap_or(usize::MAX),
            proxies: limits.trusted_proxies.clone(),
            seats: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            open: Mutex::default(),
            refused: Mutex::default(),
            _claim: claim,
        }))
    }

    /// A seat for a connection that has just come; `None` if there is none and nobody has to make room.
    pub(crate) async fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Seat> {
        let network = (!self.proxies.trust(from)).then(|| network(from));
        let seat = self.seated(network).await;
        if seat.is_none() {
            self.note_refused(from);
        }
        seat
    }

    async fn seated(self: &Arc<Self>, network: Option<IpAddr>) -> Option<Seat> {
        if network.is_some_and(|network| self.open().has_all(network, self.per_address))
            && !self.open().dismiss(network)
        {
            return None;
        }
        let free = Arc::clone(&self.seats).try_acquire_owned();
        let permit = if let Ok(permit) = free { permit } else { self.vacated().await? };
        let (number, activity) = self.open().enter(network);
        Some(Seat { number, activity, of: Arc::clone(self), _permit: permit })
    }

    /// The seat of a connection that is closed for this one.
    async fn vacated(&self) -> Option<OwnedSemaphorePermit> {
        if !self.open().dismiss(None) {
            return None;
        }
        timeout(FOR_A_SEAT, Arc::clone(&self.seats).acquire_owned()).await.ok()?.ok()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_refused(&self, from: IpAddr) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.count += 1;
        let now = Instant::now();
        if refused.logged.is_none_or(|at| now.duration_since(at) >= LOG_EVERY) {
            tracing::warn!(latest = %from, count = refused.count, "too many connections: refused");
            *refused = Refused { count: 0, logged: Some(now) };
        }
    }
}

impl Open {
    fn has_all(&self, network: IpAddr, per_address: usize) -> bool {
        self.of_network.get(&network).is_some_and(|count| *count >= per_address)
    }

    fn enter(&mut self, network: Option<IpAddr>) -> (u64, Arc<Activity>) {
        let (number, activity) = (self.next, Activity::new());
        self.next += 1;
        self.all.insert(number, (network, Arc::clone(&activity)));
        if let Some(network) = network {
            *self.of_network.entry(network).or_default() += 1;
        }
        (number, activity)
    }

    /// Has the connection closed that is missed the least, of one network or of all. Whether there was one.
    fn dismiss(&self, network: Option<IpAddr>) -> bool {
        let of_network = self.all.values().filter(|(of, _)| network.is_none() || *of == network);
        let worth = of_network.filter_map(|(_, activity)| Some((activity.worth()?, activity)));
        let least = worth.min_by_key(|(worth, _)| *worth);
        if let Some((_, activity)) = least {
            activity.dismiss();
        }
        least.is_some()
    }

    fn leave(&mut self, number: u64) {
        let Some((Some(network), _)) = self.all.remove(&number) else { return };
        if let Some(count) = self.of_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.of_network.remove(&network);
            }
        }
    }
}

impl Seat {
    pub(crate) const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.of.open().leave(self.number);
    }
}
