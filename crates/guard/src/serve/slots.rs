//! Slots for the calls under way: a limit for all together, and a share of it for each token root, each user and each
//! address.
//!
//! Invariant: no root, no user and no address can take all slots, and some are left for those who may revoke anything.
//! Nothing here waits. A call with a verified token counts for its root and its user, wherever it comes from: the peer of
//! a service is another service, which carries everybody. A call without a token counts for its address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_policy::{Denial, Rule};

use crate::serve::holder::{Holder, POOLS};

/// What a caller without a slot is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The share of a token's agents in what the token may have, in percent.
const AGENTS: u8 = 50;

const HEALTH: &str = "grpc.health.v1.Health";

/// How many calls and streams may be under way. The shares are percentages, and never less than one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotLimits {
    /// Calls and streams with a token. The calls that a stale node serves have as many for themselves, and so have their
    /// streams.
    pub calls: usize,
    /// More of them, for holders of the scope `revocations:admin` who find no other slot.
    pub reserved: usize,
    /// Unary calls that need no token. Health's checks have no total.
    pub anonymous_calls: usize,
    /// Streams that need no token, such as reflection's.
    pub anonymous_streams: usize,
    /// Streams that watch health.
    pub health_watchers: usize,
    /// The share of one token and all that was minted from it.
    pub per_token: u8,
    /// The share of one user, whatever their tokens; of a background token's job owner, its job, or its service.
    pub per_user: u8,
    /// The share of one address (for IPv6 a network of 64 bits) in what needs no token.
    pub per_address: u8,
}

impl SlotLimits {
    /// No limit.
    pub const NONE: Self = Self {
        calls: usize::MAX,
        reserved: usize::MAX,
        anonymous_calls: usize::MAX,
        anonymous_streams: usize::MAX,
        health_watchers: usize::MAX,
        per_token: 100,
        per_user: 100,
        per_address: 100,
    };
}

/// The pools that are shared by those who show a token.
#[derive(Debug, Clone, Copy)]
enum Pool {
    Calls,
    /// For unary calls that a stale node serves, such as revoking.
    Vital,
    /// For streams of that kind, such as the feed.
    VitalStreams,
    /// For holders of `revocations:admin`.
    Reserved,
}

/// The pools that are shared by those who show none.
#[derive(Debug, Clone, Copy)]
enum Anonymous {
    Calls,
    Streams,
    Watchers,
    Checks,
}

/// The slots of one server.
#[derive(Debug)]
pub(super) struct Slots {
    held: [Total; POOLS],
    anonymous: [ByAddress; 4],
    per_token: u8,
    per_user: u8,
}

#[derive(Debug)]
struct Total {
    most: usize,
    taken: AtomicUsize,
}

#[derive(Debug)]
struct ByAddress {
    most: usize,
    of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those who hold at least one: no more entries than slots.
    each: HashMap<IpAddr, usize>,
}

/// A call's slot; dropped, it is free.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Holder(Arc<Holder>, Pool),
    Address(Option<IpAddr>, Anonymous),
}

impl Slots {
    pub(super) fn new(limits: &SlotLimits) -> Arc<Self> {
        let total = |most| Total { most, taken: AtomicUsize::new(0) };
        let share = |most| share(most, limits.per_address);
        let by_address = |most| ByAddress { most, of_one: share(most), taken: Mutex::default() };
        let checks = ByAddress { most: usize::MAX, ..by_address(limits.anonymous_calls) };
        Arc::new(Self {
            held: [limits.calls, limits.calls, limits.calls, limits.reserved].map(total),
            anonymous: [
                by_address(limits.anonymous_calls),
                by_address(limits.anonymous_streams),
                by_address(limits.health_watchers),
                checks,
            ],
            per_token: limits.per_token,
            per_user: limits.per_user,
        })
    }

    /// A slot for a call of someone who shows no token.
    pub(super) fn anonymous(
        self: &Arc<Self>,
        rule: &Rule,
        address: Option<IpAddr>,
    ) -> Result<Slot, Denial> {
        let pool = match (rule.service == HEALTH, rule.streams()) {
            (true, true) => Anonymous::Watchers,
            (true, false) => Anonymous::Checks,
            (false, true) => Anonymous::Streams,
            (false, false) => Anonymous::Calls,
        };
        if !self.anonymous[pool as usize].take(address) {
            return Err(Denial::TooMany(RETRY_AFTER));
        }
        Ok(Slot { slots: Arc::clone(self), of: Of::Address(address, pool) })
    }

    /// A slot for a call of a verified token. `administers` tells whether it may revoke whatever it names.
    pub(super) fn held(
        self: &Arc<Self>,
        rule: &Rule,
        holder: &Arc<Holder>,
        administers: impl FnOnce() -> bool,
    ) -> Result<Slot, Denial> {
        let pool = match (rule.is_vital(), rule.streams()) {
            (true, true) => Pool::VitalStreams,
            (true, false) => Pool::Vital,
            (false, _) => Pool::Calls,
        };
        let pool = if self.take(holder, pool) {
            pool
        } else if administers() && self.take(holder, Pool::Reserved) {
            Pool::Reserved
        } else {
            return Err(Denial::TooMany(RETRY_AFTER));
        };
        Ok(Slot { slots: Arc::clone(self), of: Of::Holder(Arc::clone(holder), pool) })
    }

    /// A slot for a call that revokes, in place of one of the same holder's that was ended for it and gives its own back soon.
    pub(super) fn in_place_of_another(self: &Arc<Self>, holder: &Arc<Holder>) -> Slot {
        let pool = Pool::Vital;
        for taken in self.taken_of(holder, pool) {
            taken.fetch_add(1, Ordering::Relaxed);
        }
        Slot { slots: Arc::clone(self), of: Of::Holder(Arc::clone(holder), pool) }
    }

    /// Whether it is not for its own share that a call of the holder that revokes finds no slot.
    pub(super) fn has_own_room(&self, holder: &Holder) -> bool {
        let steps = self.taken_of(holder, Pool::Vital).zip(self.most_of(holder, Pool::Vital));
        // All but the last, which is everybody's.
        let own = 2 + usize::from(holder.agents.is_some());
        steps.take(own).all(|(taken, most)| taken.load(Ordering::Relaxed) < most)
    }

    /// The holder's own share first: who has used it up touches nothing that is shared.
    fn take(&self, holder: &Holder, pool: Pool) -> bool {
        let steps = self.taken_of(holder, pool).zip(self.most_of(holder, pool));
        for (done, (taken, most)) in steps.enumerate() {
            if taken.fetch_add(1, Ordering::Relaxed) >= most {
                self.taken_of(holder, pool).take(done + 1).for_each(put_back);
                return false;
            }
        }
        true
    }

    /// How much of each there may be, in the order of [`Self::taken_of`].
    fn most_of(&self, holder: &Holder, pool: Pool) -> impl Iterator<Item = usize> {
        let all = self.held[pool as usize].most;
        let of_root = share(all, self.per_token);
        let of_agents = holder.agents.is_some().then(|| share(of_root, AGENTS));
        of_agents.into_iter().chain([of_root, share(all, self.per_user), all])
    }

    /// What a call of a holder counts in, the narrowest first.
    fn taken_of<'a>(
        &'a self,
        holder: &'a Holder,
        pool: Pool,
    ) -> impl Iterator<Item = &'a AtomicUsize> {
        let pool = pool as usize;
        let counters = holder.agents.iter().chain([&holder.root, &holder.user]);
        counters.map(move |counters| &counters.slots[pool]).chain([&self.held[pool].taken])
    }
}

impl ByAddress {
    fn take(&self, address: Option<IpAddr>) -> bool {
        let mut taken = self.taken();
        let of_one = address.and_then(|address| taken.each.get(&address)).copied();
        if taken.all >= self.most || of_one.unwrap_or(0) >= self.of_one {
            return false;
        }
        taken.all += 1;
        if let Some(address) = address {
            *taken.each.entry(address).or_default() += 1;
        }
        true
    }

    fn give_back(&self, address: Option<IpAddr>) {
        let mut taken = self.taken();
        taken.all = taken.all.saturating_sub(1);
        let Some(address) = address else { return };
        if let Some(held) = taken.each.get_mut(&address) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                taken.each.remove(&address);
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        match &self.of {
            Of::Holder(holder, pool) => {
                self.slots.taken_of(holder, *pool).for_each(put_back);
            }
            Of::Address(address, pool) => {
                self.slots.anonymous[*pool as usize].give_back(*address);
            }
        }
    }
}

fn put_back(taken: &AtomicUsize) {
    taken.fetch_sub(1, Ordering::Relaxed);
}

/// So many hundredths of a limit, and at least one.
const fn share(most: usize, percent: u8) -> usize {
    let percent = percent as usize;
    let part = most / 100 * percent + most % 100 * percent / 100;
    if part == 0 { 1 } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_and_at_least_one() {
        let rows = [(4096, 25, 1024), (64, 50, 32), (1, 25, 1), (3, 50, 1), (199, 100, 199)];
        for (most, percent, expected) in rows {
            assert_eq!(share(most, percent), expected, "{percent} % of {most}");
        }
        assert_eq!(share(usize::MAX, 100), usize::MAX);
    }
}
