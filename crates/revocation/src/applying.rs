//! Batches of a feed on their way to a follower's disk.
//!
//! Invariant: they arrive in the order in which they came, one at a time, and none that has set out is given up half way.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;

use crate::feed::{Batch, Position};
use crate::{List, WriteError};

type Applied = Result<Option<Position>, WriteError>;

/// The batches that one connection has brought.
pub struct Applying<'a> {
    list: &'a List,
    waiting: VecDeque<Batch>,
    under_way: Option<Pin<Box<dyn Future<Output = Applied> + Send + 'a>>>,
}

impl<'a> Applying<'a> {
    /// None yet.
    pub const fn new(list: &'a List) -> Self {
        Self { list, waiting: VecDeque::new(), under_way: None }
    }

    /// One more.
    pub fn push(&mut self, batch: Batch) {
        self.waiting.push_back(batch);
    }

    /// How many have not set out.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Waits until the next one is durable and in the index, and returns its [`Batch::reaches`]; for ever if there is none. May be
    /// dropped and called again: nothing is lost.
    pub async fn next(&mut self) -> Applied {
        self.start();
        let Some(under_way) = &mut self.under_way else { return pending().await };
        let applied = under_way.await;
        self.under_way = None;
        applied
    }

    /// Lets the one that has set out arrive; the others are dropped. `None` if none had.
    pub async fn finish(self) -> Option<Applied> {
        match self.under_way {
            Some(under_way) => Some(under_way.await),
            None => None,
        }
    }

    fn start(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        if let Some(batch) = self.waiting.pop_front() {
            let list = self.list;
            self.under_way = Some(Box::pin(async move {
                let reached = batch.reaches();
                list.apply(batch).await.map(|()| reached)
            }));
        }
    }
}

impl std::fmt::Debug for Applying<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Applying").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
