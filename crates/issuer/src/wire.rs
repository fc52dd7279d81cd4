//! The feed's messages and what they mean to its logic.

use hallpass_contract::auth::watch_response::Event;
use hallpass_contract::auth::{self, EntryBatch, ProbeAnswer, WatchRequest, WatchResponse};
use hallpass_revocation::Entry;
use hallpass_revocation::feed::{Answer, Batch, Position, Probe};
use hallpass_token::UnixTime;
use tonic::codegen::Bytes;

/// What a follower says.
pub(crate) fn probe(request: WatchRequest) -> Probe {
    let WatchRequest { probe, epoch, sequence } = request;
    let position = (epoch != 0).then_some(Position { epoch, sequence });
    Probe { number: probe, position }
}

/// A run of entries, to be sent.
pub(crate) fn entries(batch: Batch) -> WatchResponse {
    let Batch { epoch, snapshot, last, sequence, entries } = batch;
    let entries = entries.into_iter().map(entry).collect();
    of(Event::Entries(EntryBatch { epoch, snapshot, last, sequence, entries }))
}

/// An answer, to be sent.
pub(crate) fn answer(answer: Answer) -> WatchResponse {
    let Answer { probe, epoch, sequence } = answer;
    of(Event::Answer(ProbeAnswer { probe, epoch, sequence }))
}

fn entry(entry: Entry) -> auth::Entry {
    auth::Entry {
        fingerprint: Bytes::copy_from_slice(&entry.fingerprint.to_bytes()),
        issued_before: entry.issued_before.map(UnixTime::as_secs),
        issued_before_micros: entry.issued_before.map_or(0, UnixTime::subsec_micros),
        until: entry.until.map(UnixTime::as_secs),
    }
}

const fn of(event: Event) -> WatchResponse {
    WatchResponse { event: Some(event) }
}
