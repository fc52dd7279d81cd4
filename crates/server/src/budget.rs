//! A budget of the bytes that calls hold: what has come of requests, and what was answered and is not sent yet.
//!
//! Invariants: those who show no token hold at most half, and so does one user with many tokens; no caller holds more than its share but for the piece that reached it; whoever has room is woken as soon as
//! there is; bytes are given back exactly once.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use hallpass_token::Fingerprint;

use crate::Limits;
use crate::machine_memory::machine_memory;

/// The part of the machine's memory that is the budget by default.
const PART: u64 = 4;
/// Callers are looked up under this many locks.
const SHARDS: usize = 16;

/// The default budget, which all servers of this process have together.
static SHARED: Mutex<Weak<Pool>> = Mutex::new(Weak::new());

/// Who holds bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// All tokens that descend from one; of its agents' all, for themselves.
    Root(Fingerprint),
    /// A token whose holder revokes: nothing else counts in there.
    Revoking(Fingerprint),
    /// All that one user has, whatever the tokens.
    User(Fingerprint),
    /// Those who show no token, by their address.
    Address(Option<IpAddr>),
}

/// The budget of one server.
#[derive(Debug)]
pub(crate) struct Budget {
    total: Arc<Pool>,
    strangers: Arc<Pool>,
    per_caller: usize,
    per_user: usize,
    hasher: RandomState,
    callers: [Mutex<Callers>; SHARDS],
}

#[derive(Debug, Default)]
struct Callers {
    pools: HashMap<Holder, Weak<Pool>>,
    /// At how many those without bytes are removed.
    sweep_at: usize,
}

/// A number of bytes that may be held at a time.
#[derive(Debug)]
pub(crate) struct Pool {
    limit: usize,
    used: AtomicUsize,
    waiting: Mutex<BTreeMap<u64, Waker>>,
}

/// One call's part in its caller's budget and in all.
#[derive(Debug)]
pub(crate) struct Account {
    caller: Arc<Pool>,
    /// That of its user, or of all who show no token.
    crowd: Option<Arc<Pool>>,
    total: Arc<Pool>,
    /// Whether it waits for others' bytes. Calls by which a node becomes fresh, such as revoking, wait for the caller's alone.
    waits_for_all: bool,
    /// What of the request is held.
    request: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        let per_caller = size(limits.memory_per_caller_bytes);
        let total = limits.memory_bytes.map_or_else(shared, |bytes| Pool::new(size(bytes)));
        let callers = std::array::from_fn(|_| Mutex::default());
        let strangers = Pool::new(total.limit / 2);
        let per_user = strangers.limit;
        Self { total, strangers, per_caller, per_user, hasher: RandomState::new(), callers }
    }

    /// An account for one call of a user's, or of someone who shows no token.
    pub(crate) fn account(
        &self,
        holder: Holder,
        user: Option<Fingerprint>,
        waits_for_all: bool,
    ) -> Arc<Account> {
        let caller = self.pool(holder, self.per_caller);
        let crowd = match (holder, user) {
            (Holder::Address(_), _) => Some(Arc::clone(&self.strangers)),
            (_, Some(user)) => Some(self.pool(Holder::User(user), self.per_user)),
            (_, None) => None,
        };
        let total = Arc::clone(&self.total);
        Arc::new(Account { caller, crowd, total, waits_for_all, request: AtomicUsize::new(0) })
    }

    fn pool(&self, holder: Holder, limit: usize) -> Arc<Pool> {
        let shard = usize::try_from(self.hasher.hash_one(holder) % SHARDS as u64).unwrap_or(0);
        lock(&self.callers[shard]).pool(holder, limit)
    }
}

/// A quarter of the memory, for all servers of this process.
fn shared() -> Arc<Pool> {
    let mut shared = lock(&SHARED);
    shared.upgrade().unwrap_or_else(|| {
        let pool = Pool::new(size(machine_memory() / PART));
        *shared = Arc::downgrade(&pool);
        pool
    })
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Callers {
    fn pool(&mut self, holder: Holder, limit: usize) -> Arc<Pool> {
        if let Some(pool) = self.pools.get(&holder).and_then(Weak::upgrade) {
            return pool;
        }
        if self.pools.len() >= self.sweep_at {
            self.pools.retain(|_, pool| pool.strong_count() > 0);
            self.sweep_at = (self.pools.len() * 2).max(256);
        }
        let pool = Pool::new(limit);
        self.pools.insert(holder, Arc::downgrade(&pool));
        pool
    }
}

impl Pool {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0), waiting: Mutex::default() })
    }

    fn has_room(&self) -> bool {
        self.used.load(Ordering::SeqCst) < self.limit
    }

    fn poll_room(&self, who: Waiter, cx: &Context<'_>) -> Poll<()> {
        if self.has_room() {
            return Poll::Ready(());
        }
        // Registered first and looked at after, so that no bytes given back fall between.
        lock(&self.waiting).insert(who.0, cx.waker().clone());
        if self.has_room() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::SeqCst);
    }

    fn give_back(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::SeqCst);
        if before >= self.limit && before - bytes < self.limit {
            for waker in std::mem::take(&mut *lock(&self.waiting)).into_values() {
                waker.wake();
            }
        }
    }
}

impl Account {
    /// Whether the caller holds less than its share.
    pub(crate) fn has_room(&self) -> bool {
        self.caller.has_room()
    }

    /// Ready where there is room for one more piece.
    pub(crate) fn poll_room(&self, who: Waiter, cx: &Context<'_>) -> Poll<()> {
        ready!(self.caller.poll_room(who, cx));
        if !self.waits_for_all {
            return Poll::Ready(());
        }
        if let Some(crowd) = &self.crowd {
            ready!(crowd.poll_room(who, cx));
        }
        self.total.poll_room(who, cx)
    }

    pub(crate) fn take(&self, bytes: usize) {
        self.pools().for_each(|pool| pool.take(bytes));
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.pools().for_each(|pool| pool.give_back(bytes));
    }

    fn pools(&self) -> impl Iterator<Item = &Pool> {
        [Some(&self.caller), self.crowd.as_ref(), Some(&self.total)]
            .into_iter()
            .flatten()
            .map(Arc::as_ref)
    }

    /// Some of the request has come.
    pub(crate) fn take_for_request(&self, bytes: usize) {
        self.request.fetch_add(bytes, Ordering::SeqCst);
        self.take(bytes);
    }

    /// Nothing of the request is held any more.
    pub(crate) fn give_request_back(&self) {
        let bytes = self.request.swap(0, Ordering::SeqCst);
        if bytes > 0 {
            self.give_back(bytes);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.give_request_back();
    }
}

/// One body that may wait for room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiter(u64);

impl Waiter {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures_util::task::{ArcWake, waker};

    use super::*;

    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn budget(per_caller: u64, total: u64) -> Budget {
        let limits = Limits {
            memory_per_caller_bytes: per_caller,
            memory_bytes: Some(total),
            ..Limits::default()
        };
        Budget::new(&limits)
    }

    fn from(last: u8) -> Holder {
        Holder::Root(Fingerprint::from_bytes([last; 16]))
    }

    #[test]
    fn a_caller_waits_for_its_own_bytes_and_all_for_everybodys() {
        let budget = budget(100, 150);
        let cx = Context::from_waker(Waker::noop());
        let room = |account: &Account| account.poll_room(Waiter::new(), &cx).is_ready();
        let (one, same) =
            (budget.account(from(1), None, true), budget.account(from(1), None, true));
        let (two, vital) =
            (budget.account(from(2), None, true), budget.account(from(2), None, false));
        one.take(99);
        assert!(room(&one) && room(&same) && room(&two));
        one.take(1);
        assert!(!room(&one) && !room(&same) && room(&two));
        two.take_for_request(50);
        assert!(!room(&two), "150 are all");
        assert!(room(&vital), "whoever revokes waits for no other caller");
        one.give_back(100);
        assert!(room(&one) && room(&two));
        two.take_for_request(50);
        assert!(!room(&two) && !room(&vital) && room(&one));
        drop(two);
        assert!(room(&vital), "what a call held is given back with it");
    }

    #[test]
    fn those_without_a_token_hold_half_at_most() {
        let budget = budget(100, 150);
        let cx = Context::from_waker(Waker::noop());
        let stranger = budget.account(Holder::Address(Some([192, 0, 2, 1].into())), None, true);
        let another = budget.account(Holder::Address(Some([192, 0, 2, 2].into())), None, true);
        let known = budget.account(from(1), None, true);
        stranger.take(75);
        assert!(another.poll_room(Waiter::new(), &cx).is_pending());
        assert!(known.poll_room(Waiter::new(), &cx).is_ready());
        stranger.give_back(1);
        assert!(another.poll_room(Waiter::new(), &cx).is_ready());
    }

    #[test]
    fn a_user_with_many_tokens_holds_half_at_most() {
        let budget = budget(100, 150);
        let cx = Context::from_waker(Waker::noop());
        let room = |account: &Account| account.poll_room(Waiter::new(), &cx).is_ready();
        let user = Some(Fingerprint::bare_subject("mallory"));
        let (one, two) = (budget.account(from(1), user, true), budget.account(from(2), user, true));
        let another = budget.account(from(3), Some(Fingerprint::bare_subject("alice")), true);
        one.take(40);
        two.take(35);
        assert!(!room(&one) && !room(&two) && room(&another));
        let revokes = budget.account(Holder::Revoking(Fingerprint::bare_subject("1")), user, false);
        assert!(room(&revokes), "whoever revokes waits for none of the user's other calls");
        drop((one, two));
    }

    #[test]
    fn who_waits_is_woken_once_there_is_room() {
        let budget = budget(100, 1000);
        let (one, two) = (budget.account(from(1), None, true), budget.account(from(1), None, true));
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let waker = waker(Arc::clone(&woken));
        one.take(130);
        assert!(two.poll_room(Waiter::new(), &Context::from_waker(&waker)).is_pending());
        one.give_back(30);
        assert_eq!(woken.0.load(Ordering::SeqCst), 0, "100 of 100 are held");
        one.give_back(1);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn callers_without_bytes_are_forgotten() {
        let budget = budget(100, 1000);
        for number in 0..100_000_u32 {
            drop(budget.account(Holder::Address(Some(number.to_be_bytes().into())), None, true));
        }
        let known: usize = budget.callers.iter().map(|shard| lock(shard).pools.len()).sum();
        assert!(known <= SHARDS * 256, "{known}");
    }
}
