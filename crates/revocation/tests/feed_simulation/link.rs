//! One connection: two ordered streams whose messages take their time. A partition holds them; what is held may come late.

use std::collections::VecDeque;

use hallpass_revocation::feed::{Answer, Batch, Probe};

/// What an issuer sends.
pub(crate) enum Response {
    Batch(Batch),
    Answer(Answer),
}

#[derive(Default)]
pub(crate) struct Link {
    pub(crate) up: Stream<Probe>,
    pub(crate) down: Stream<Response>,
}

pub(crate) struct Stream<T>(VecDeque<(u64, T)>);

impl<T> Default for Stream<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Stream<T> {
    /// Sends; what was sent earlier comes earlier.
    pub(crate) fn send(&mut self, message: T, arrives: u64) {
        let behind = self.0.back().map_or(0, |(at, _)| *at);
        self.0.push_back((arrives.max(behind), message));
    }

    /// The next message that has arrived.
    pub(crate) fn receive(&mut self, now: u64) -> Option<T> {
        self.0.pop_front_if(|(at, _)| *at <= now).map(|(_, message)| message)
    }
}
