//! A queue of queues, each of which is served in its turn, so that who waits for little does not wait for those who wait
//! for much.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A queue that others can be nested in.
pub(super) trait Lane<T>: Default {
    /// Which of the nested queues.
    type Path: Copy;

    /// Puts one at the end of its queue.
    fn push(&mut self, path: Self::Path, item: T);

    /// Takes the first one of the queue whose turn it is.
    fn pop(&mut self) -> Option<T>;

    /// Takes the last one of the longest queue.
    fn shed(&mut self) -> Option<T>;

    /// Takes out of its queue whom this finds.
    fn remove(&mut self, path: Self::Path, is: impl Fn(&T) -> bool) -> Option<T>;

    /// How many there are.
    fn len(&self) -> usize;
}

impl<T> Lane<T> for VecDeque<T> {
    type Path = ();

    fn push(&mut self, (): (), item: T) {
        self.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn shed(&mut self) -> Option<T> {
        self.pop_back()
    }

    fn remove(&mut self, (): (), is: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.iter().position(is)?;
        VecDeque::remove(self, at)
    }

    fn len(&self) -> usize {
        VecDeque::len(self)
    }
}

/// Queues by key.
#[derive(Debug)]
pub(super) struct Fair<K, L> {
    /// The keys of all queues, the next one first.
    order: VecDeque<K>,
    lanes: HashMap<K, L>,
    len: usize,
}

impl<K, L> Default for Fair<K, L> {
    fn default() -> Self {
        Self { order: VecDeque::new(), lanes: HashMap::new(), len: 0 }
    }
}

impl<T, K: Copy + Eq + Hash, L: Lane<T>> Lane<T> for Fair<K, L> {
    type Path = (K, L::Path);

    fn push(&mut self, (key, path): Self::Path, item: T) {
        let Self { order, lanes, len } = self;
        let lane = lanes.entry(key).or_insert_with(|| {
            order.push_back(key);
            L::default()
        });
        lane.push(path, item);
        *len += 1;
    }

    fn pop(&mut self) -> Option<T> {
        let key = *self.order.front()?;
        self.order.rotate_left(1);
        self.take(key, L::pop)
    }

    fn shed(&mut self) -> Option<T> {
        let longest = self.lanes.iter().max_by_key(|(_, lane)| lane.len());
        let (key, _) = longest?;
        self.take(*key, L::shed)
    }

    fn remove(&mut self, (key, path): Self::Path, is: impl Fn(&T) -> bool) -> Option<T> {
        self.take(key, |lane| lane.remove(path, is))
    }

    fn len(&self) -> usize {
        self.len
    }
}

impl<K: Copy + Eq + Hash, L> Fair<K, L> {
    /// Takes one of a queue, and the queue with its last one.
    fn take<T>(&mut self, key: K, take: impl FnOnce(&mut L) -> Option<T>) -> Option<T>
    where
        L: Lane<T>,
    {
        let lane = self.lanes.get_mut(&key)?;
        let taken = take(lane)?;
        self.len -= 1;
        if lane.len() == 0 {
            self.lanes.remove(&key);
            self.order.retain(|other| *other != key);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Queue = Fair<char, Fair<u8, VecDeque<u32>>>;

    fn queue(of: &[(char, u8, u32)]) -> Queue {
        let mut queue = Queue::default();
        for (address, connection, item) in of {
            queue.push((*address, (*connection, ())), *item);
        }
        queue
    }

    #[test]
    fn each_address_has_its_turn_and_in_it_each_connection() {
        let mut queue = queue(&[
            ('a', 1, 1),
            ('a', 1, 2),
            ('a', 1, 3),
            ('a', 2, 4),
            ('b', 1, 5),
            ('a', 1, 6),
            ('b', 1, 7),
        ]);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [1, 5, 4, 7, 2, 3, 6]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn the_last_one_of_the_longest_queue_is_shed() {
        let mut queue = queue(&[('a', 1, 1), ('b', 1, 2), ('b', 2, 3), ('b', 2, 4)]);
        assert_eq!(queue.shed(), Some(4));
        assert_eq!(queue.remove(('b', (2, ())), |item| *item == 3), Some(3));
        assert_eq!(queue.len(), 2);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), None]);
    }
}
