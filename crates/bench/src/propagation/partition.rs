//! A node that is cut off from what it follows, and comes back.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Ended, Feed, Node, Pass, Relay};

/// How often a node is called.
const CALL_EVERY: Duration = Duration::from_millis(5);

/// What one node did. Times are from the cut, where nothing else is said.
#[derive(Debug)]
pub struct Partition {
    /// The first ordinary call that was refused.
    pub refused: Duration,
    /// The end of a stream that was open.
    pub ended: Duration,
    /// From the acknowledgement of a revocation that the node cannot hear of to the end of the last call that its token got through.
    pub deceived: Duration,
    /// From the mending to the end of the first ordinary call that was served.
    pub served: Duration,
    /// The calls that were refused, all of them with `LIST_STALE`.
    pub refusals: usize,
    /// The calls that a stale node serves, made and served all the time.
    pub known: usize,
}

/// Cuts every node off for so long, revokes a token meanwhile, and mends.
pub async fn partition(feed: &Feed, lasts: Duration) -> Vec<Partition> {
    let (good, revoked) = (feed.pass(), feed.pass());
    let mut streams = Vec::new();
    for (_, node) in feed.nodes() {
        assert_eq!((node.call(&good).await, node.call(&revoked).await), (Ok(()), Ok(())));
        streams.push(tokio::spawn(node.open(&good).await));
    }
    let cut = Instant::now();
    feed.nodes().iter().for_each(|(relay, _)| relay.cut());
    feed.issuer().revoke(&revoked.id).await.expect("the issuer is not cut off");
    let acknowledged = Instant::now();
    let nodes = feed.nodes().iter().zip(streams);
    let watched = nodes.map(|((relay, node), stream)| {
        let watch = Watch::new(node, &good, &revoked, acknowledged);
        one(relay, watch, stream, cut, lasts)
    });
    join_all(watched).await
}

async fn one(
    relay: &Relay,
    mut watch: Watch<'_>,
    stream: JoinHandle<Ended>,
    cut: Instant,
    lasts: Duration,
) -> Partition {
    watch.until(|_| cut.elapsed() >= lasts).await;
    let mended = Instant::now();
    relay.mend();
    watch.until(|watch| watch.served > mended).await;
    let ended = stream.await.expect("the stream ends");
    assert_eq!(ended.reason, "LIST_STALE");
    assert_eq!(watch.node.call(watch.revoked).await, Err("TOKEN_REVOKED".to_owned()));
    Partition {
        refused: watch.refused.expect("a node refuses that is cut off").duration_since(cut),
        ended: ended.at.duration_since(cut),
        deceived: watch.deceived.duration_since(watch.acknowledged),
        served: watch.served.duration_since(mended),
        refusals: watch.refusals,
        known: watch.known,
    }
}

/// Calls a node again and again, and notes what it does.
struct Watch<'a> {
    node: &'a Node,
    good: &'a Pass,
    revoked: &'a Pass,
    acknowledged: Instant,
    served: Instant,
    refused: Option<Instant>,
    deceived: Instant,
    refusals: usize,
    known: usize,
}

impl<'a> Watch<'a> {
    fn new(node: &'a Node, good: &'a Pass, revoked: &'a Pass, acknowledged: Instant) -> Self {
        let (served, deceived) = (acknowledged, acknowledged);
        let (refused, refusals, known) = (None, 0, 0);
        Self { node, good, revoked, acknowledged, served, refused, deceived, refusals, known }
    }

    async fn until(&mut self, over: impl Fn(&Self) -> bool) {
        let mut pace = interval(CALL_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !over(self) {
            pace.tick().await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        match self.node.call(self.good).await {
            Ok(()) => self.served = Instant::now(),
            Err(reason) => {
                assert_eq!(reason, "LIST_STALE");
                self.refused.get_or_insert_with(Instant::now);
                self.refusals += 1;
            }
        }
        if self.node.call(self.revoked).await.is_ok() {
            self.deceived = Instant::now();
        }
        assert_eq!(self.node.call_known(self.good).await, Ok(()), "a stale node serves it");
        self.known += 1;
    }
}
