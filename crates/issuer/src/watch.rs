//! The issuer's end of one follower's feed: does what the feed's logic says, as fast as the follower takes it.
//!
//! Invariant: the list's sequence is read after the probe that it answers. Nothing is made before the follower can take it, so a slow
//! one costs no more than one batch.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, stream};
use hallpass_contract::auth::{WatchRequest, WatchResponse};
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_revocation::List;
use hallpass_revocation::feed::{Batch, Position, Publisher, Step};
use tokio::sync::watch;

use crate::error::Error;
use crate::wire;

/// How many entries one message carries at most.
const BATCH: usize = 1000;

/// What the follower gets: what it lacks, what is new, and the answers to its probes, until it ends its stream.
pub(crate) fn feed(
    list: Arc<List>,
    requests: Incoming<WatchRequest>,
) -> Reply<WatchResponse, Error> {
    let publisher = Publisher::new(list.epoch());
    let changes = list.changes();
    let feed = Feed { list, requests, publisher, changes };
    Box::pin(stream::unfold(Some(feed), |feed| async move {
        let mut feed = feed?;
        match feed.next().await {
            Ok(response) => Some((Ok(response?), Some(feed))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

struct Feed {
    list: Arc<List>,
    requests: Incoming<WatchRequest>,
    publisher: Publisher,
    changes: watch::Receiver<u64>,
}

impl Feed {
    /// The next message; `None` once the follower has ended its stream.
    async fn next(&mut self) -> Result<Option<WatchResponse>, Error> {
        loop {
            // A probe that has come is read before anything is sent: busy times must not keep it waiting.
            if let Some(request) = self.requests.next().now_or_never()
                && !self.probed(request)?
            {
                return Ok(None);
            }
            match self.publisher.step(self.list.sequence()) {
                Step::Answer(answer) => return Ok(Some(wire::answer(answer))),
                Step::Read { after, snapshot } => {
                    let batch = read(&self.list, after, snapshot).await?;
                    self.publisher.sent(&batch);
                    return Ok(Some(wire::entries(batch)));
                }
                Step::Wait => {
                    if !self.wait().await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Waits for a probe or for the list to change; false once the follower has ended its stream.
    async fn wait(&mut self) -> Result<bool, Error> {
        tokio::select! {
            request = self.requests.next() => self.probed(request),
            // The sender lives as long as the list, which is held here.
            _ = self.changes.changed() => Ok(true),
        }
    }

    fn probed(
        &mut self,
        request: Option<Result<WatchRequest, tonic::Status>>,
    ) -> Result<bool, Error> {
        let Some(request) = request else { return Ok(false) };
        let probe = wire::probe(request.map_err(Error::Follower)?);
        self.publisher.probed(probe, self.list.sequence());
        Ok(true)
    }
}

/// Reads the disk where no call waits for it.
async fn read(list: &Arc<List>, after: u64, snapshot: bool) -> Result<Batch, Error> {
    let list = Arc::clone(list);
    let read = move || {
        if snapshot {
            return list.snapshot(after, BATCH);
        }
        list.since(Position { epoch: list.epoch(), sequence: after }, BATCH)
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(|_| Error::TaskLost)??)
}
