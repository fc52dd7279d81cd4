//! One revocation, followed from its acknowledgement to every node.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Feed, Node, Pass};

/// How often each node is called with the token.
const CALL_EVERY: Duration = Duration::from_millis(1);

/// How long everything took.
#[derive(Debug)]
pub struct Revoking {
    /// From the wish to the acknowledgement.
    pub acknowledged: Duration,
    /// From the acknowledgement to the end of the first call that is refused, at each node.
    pub refused: Vec<Duration>,
    /// From the acknowledgement to the end of an open stream at its client, at each node; zero where the stream was faster.
    pub ended: Vec<Duration>,
}

/// Revokes a token that every node lets through, and with which every node has a stream open.
pub async fn revoke(feed: &Feed) -> Revoking {
    let pass = feed.pass();
    let mut streams = Vec::new();
    for (_, node) in feed.nodes() {
        assert_eq!(node.call(&pass).await, Ok(()));
        streams.push(tokio::spawn(node.open(&pass).await));
    }
    let asked = Instant::now();
    feed.issuer().revoke(&pass.id).await.expect("the revocation is acknowledged");
    let at = Instant::now();
    let refused = join_all(feed.nodes().iter().map(|(_, node)| refusal(node, &pass))).await;
    let mut ended = Vec::new();
    for stream in streams {
        let stream = stream.await.expect("the stream ends");
        assert_eq!(stream.reason, "TOKEN_REVOKED");
        ended.push(stream.at.saturating_duration_since(at));
    }
    let refused = refused.into_iter().map(|when| when.duration_since(at)).collect();
    Revoking { acknowledged: at.duration_since(asked), refused, ended }
}

/// When the node refuses the token.
async fn refusal(node: &Node, pass: &Pass) -> Instant {
    let mut pace = interval(CALL_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        if let Err(reason) = node.call(pass).await {
            assert_eq!(reason, "TOKEN_REVOKED");
            return Instant::now();
        }
    }
}
