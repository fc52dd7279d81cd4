//! The claims that several processes share: a key-value bucket in which making a key is the claim.
//!
//! Invariant: of all calls that claim one token, in whatever process, exactly one is told that it has it. A key is only ever made
//! where there is none: what was removed by hand is not made again as long as its mark is there, a bucket gives nobody a token that
//! is older than itself, and none that had ended by the server's clock, which forgets claims by time.

use async_nats::jetstream::message::PublishMessage;
use hallpass_revocation::{Claim, ClaimStore, Claiming, ClaimsError};
use hallpass_token::{Fingerprint, SKEW, UnixTime};

use crate::connection::Mesh;
use crate::error::StreamError;
use crate::messages::CLOCK_AHEAD;
use crate::stream::{Kept, Told};

/// The claims of all processes of one mesh. Clones share the connection.
#[derive(Debug, Clone)]
pub struct SharedClaims {
    mesh: Mesh,
}

impl SharedClaims {
    /// In this mesh's bucket, which is made when it is first needed.
    pub const fn new(mesh: Mesh) -> Self {
        Self { mesh }
    }

    async fn make(&self, claim: Claim, now: UnixTime) -> Result<bool, StreamError> {
        let kept = Kept::claims(&self.mesh).await?;
        if older_than(kept.ensure(&self.mesh).await?, claim) {
            return Ok(false);
        }
        let key = self.key(claim.token);
        let decision = claim.decision.to_be_bytes().to_vec();
        let ends = claim.expires_at.plus(SKEW).plus(SKEW).since(now);
        let message = PublishMessage::build()
            .expected_stream(kept.name())
            .expected_last_subject_sequence(0)
            .ttl(ends.max(SKEW) + CLOCK_AHEAD)
            .payload(decision.clone().into());
        let sent = self.mesh.context().send_publish(key.clone(), message).await;
        let made = match sent {
            Ok(sent) => sent.await.is_ok(),
            Err(_) => false,
        };
        // A claim whose answer was lost knows itself again by its decision.
        let Some(holder) = kept.newest_at(&key).await? else {
            return Err(StreamError::Unanswered("take the claim"));
        };
        // By then the server may have dropped an earlier claim: this node's own clock may have been set back.
        let ended = holder.at >= claim.expires_at.plus(SKEW);
        // The bucket in which the key was made is the one that was looked at.
        let holds = made || holder.payload == decision;
        Ok(holds && !ended && !older_than(kept.told().await?, claim))
    }

    async fn is_made(&self, token: Fingerprint) -> Result<bool, StreamError> {
        let kept = Kept::claims(&self.mesh).await?;
        kept.ensure(&self.mesh).await?;
        Ok(kept.newest(&self.key(token)).await?.is_some())
    }

    fn key(&self, token: Fingerprint) -> String {
        format!("$KV.{}-claims.{token}", self.mesh.prefix())
    }
}

impl ClaimStore for SharedClaims {
    fn claim(&self, claim: Claim, now: UnixTime) -> Claiming<'_> {
        Box::pin(async move { self.make(claim, now).await.map_err(|error| shared(&error)) })
    }

    fn is_claimed(&self, token: Fingerprint) -> Claiming<'_> {
        Box::pin(async move { self.is_made(token).await.map_err(|error| shared(&error)) })
    }
}

/// Whether the token was there before the bucket: it may have been claimed in one that is lost. The server's clock and the issuer's
/// may differ by the skew.
fn older_than(told: Told, claim: Claim) -> bool {
    const NANOS: u64 = 1_000_000_000;
    claim.issued_at < UnixTime::from_secs(told.epoch.div_ceil(NANOS)).plus(SKEW)
}

fn shared(error: &StreamError) -> ClaimsError {
    ClaimsError::Shared(error.to_string())
}
