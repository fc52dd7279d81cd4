//! Keeps the latest of something for each of many, in bounded room.
//!
//! Invariant: nobody's entries push out those of someone who has fewer. When the room is full, the oldest entry of whoever has the most
//! goes, and nobody ever has more than their share.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

/// The entries, by their own key `K`; whose they are says `W`.
pub(super) struct Remembered<K, W, V> {
    room: usize,
    entries: HashMap<K, V>,
    of: HashMap<W, VecDeque<(u64, K)>>,
    /// How many each has and since when: the last one is whoever has most, and of those with as many the one with the oldest.
    by_weight: BTreeSet<(usize, Reverse<u64>, W)>,
    next: u64,
}

impl<K: Copy + Eq + Hash, W: Copy + Eq + Hash + Ord, V> Remembered<K, W, V> {
    /// Room for so many.
    pub(super) fn new(room: usize) -> Self {
        let (entries, of, by_weight) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        Self { room, entries, of, by_weight, next: 0 }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// Keeps one of someone who may have `share`, or replaces the one of this key. Returns the former one.
    pub(super) fn keep(&mut self, key: K, whose: W, share: usize, value: V) -> Option<V> {
        let former = self.entries.insert(key, value);
        if former.is_some() {
            return former;
        }
        self.next += 1;
        let next = self.next;
        self.change(whose, |own| own.push_back((next, key)));
        if self.of.get(&whose).is_some_and(|own| own.len() > share) {
            self.forget_oldest_of(whose);
        }
        if self.entries.len() > self.room
            && let Some(&(.., heaviest)) = self.by_weight.last()
        {
            self.forget_oldest_of(heaviest);
        }
        None
    }

    fn forget_oldest_of(&mut self, whose: W) {
        if let Some((_, key)) = self.change(whose, VecDeque::pop_front) {
            self.entries.remove(&key);
        }
    }

    /// Changes someone's queue, and their weight with it.
    fn change<T>(&mut self, whose: W, change: impl FnOnce(&mut VecDeque<(u64, K)>) -> T) -> T {
        let own = self.of.entry(whose).or_default();
        let weight = |own: &VecDeque<(u64, K)>| {
            own.front().map(|(oldest, _)| (own.len(), Reverse(*oldest), whose))
        };
        if let Some(before) = weight(own) {
            self.by_weight.remove(&before);
        }
        let changed = change(own);
        match weight(own) {
            Some(after) => drop(self.by_weight.insert(after)),
            None => drop(self.of.remove(&whose)),
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_few_keeps_them_whatever_others_do() {
        let mut kept = Remembered::new(100);
        kept.keep(0, "light", 60, ());
        for key in 1..10_000 {
            kept.keep(key, if key % 2 == 0 { "loud" } else { "louder" }, 60, ());
        }
        assert!(kept.get(&0).is_some());
        assert_eq!(kept.entries.len(), 100);
        assert!(kept.get(&9_999).is_some() && kept.get(&9_800).is_none());
    }

    #[test]
    fn nobody_has_more_than_their_share() {
        let mut kept = Remembered::new(100);
        for key in 0..50 {
            kept.keep(key, "one", 10, ());
        }
        assert_eq!(kept.entries.len(), 10);
        assert!(kept.get(&39).is_none() && kept.get(&40).is_some());
    }

    #[test]
    fn of_those_who_have_as_many_the_oldest_goes() {
        let mut kept = Remembered::new(3);
        for key in 0..4 {
            kept.keep(key, key, 10, ());
        }
        assert!(kept.get(&0).is_none());
        assert!((1..4).all(|key| kept.get(&key).is_some()));
        assert_eq!((kept.of.len(), kept.by_weight.len()), (3, 3));
    }

    #[test]
    fn the_same_key_is_replaced() {
        let mut kept = Remembered::new(2);
        assert_eq!(kept.keep(1, "one", 2, "first"), None);
        assert_eq!(kept.keep(1, "one", 2, "second"), Some("first"));
        assert_eq!((kept.get(&1), kept.entries.len()), (Some(&"second"), 1));
    }
}
