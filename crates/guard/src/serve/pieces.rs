//! What a stream hands to the transport: a piece at a time, the next one when that is sent.
//!
//! Invariant: of a stream's data the transport holds one piece of at most [`PIECE`] bytes, and it is known whether it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tonic::codegen::Bytes;

/// The longest piece, in bytes.
pub(super) const PIECE: usize = 64 << 10;

/// Data on its way to the transport.
#[derive(Default)]
pub(super) struct Pieces {
    rest: Bytes,
    transport: Arc<Transport>,
}

/// What the transport has.
#[derive(Default)]
struct Transport {
    holds: AtomicBool,
    waiting: AtomicWaker,
}

impl Pieces {
    /// Takes data in, all earlier pieces of which have been handed over.
    pub(super) fn fill(&mut self, data: Bytes) {
        self.rest = data;
    }

    /// Forgets what has not been handed over.
    pub(super) fn clear(&mut self) {
        self.rest = Bytes::new();
    }

    /// The next piece to hand over; none while there is no data. A piece counts as sent once the transport drops it.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = self.rest.split_to(self.rest.len().min(PIECE));
        self.transport.holds.store(true, Ordering::SeqCst);
        let transport = Arc::clone(&self.transport);
        Some(Bytes::from_owner(Piece { bytes, transport }))
    }

    /// Ready once the transport holds nothing.
    pub(super) fn poll_sent(&self, cx: &Context<'_>) -> Poll<()> {
        // Registered first and looked at after.
        self.transport.waiting.register(cx.waker());
        if self.transport.holds.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Whether everything is handed over and sent.
    pub(super) fn are_all_sent(&self) -> bool {
        self.rest.is_empty() && !self.transport.holds.load(Ordering::SeqCst)
    }
}

/// A piece as the transport has it.
struct Piece {
    bytes: Bytes,
    transport: Arc<Transport>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.transport.holds.store(false, Ordering::SeqCst);
        self.transport.waiting.wake();
    }
}
