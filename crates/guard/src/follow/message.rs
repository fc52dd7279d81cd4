//! Between the feed's messages and its logic.

use hallpass_contract::auth::watch_response::Event;
use hallpass_contract::auth::{self, EntryBatch, ProbeAnswer, WatchRequest, WatchResponse};
use hallpass_revocation::Entry;
use hallpass_revocation::feed::{Answer, Batch, Probe};
use hallpass_token::{Fingerprint, UnixTime};

/// What an issuer said.
pub(super) enum News {
    Entries(Batch),
    Answer(Answer),
}

/// The message was none that an issuer sends.
#[derive(Debug)]
pub(super) struct Malformed;

pub(super) fn probe(probe: Probe) -> WatchRequest {
    let (epoch, sequence) = probe.position.map_or((0, 0), |at| (at.epoch, at.sequence));
    WatchRequest { probe: probe.number, epoch, sequence }
}

pub(super) fn news(response: WatchResponse) -> Result<News, Malformed> {
    match response.event.ok_or(Malformed)? {
        Event::Entries(entries) => Ok(News::Entries(batch(&entries)?)),
        Event::Answer(ProbeAnswer { probe, epoch, sequence }) => {
            Ok(News::Answer(Answer { probe, epoch, sequence }))
        }
    }
}

fn batch(batch: &EntryBatch) -> Result<Batch, Malformed> {
    Ok(Batch {
        epoch: batch.epoch,
        snapshot: batch.snapshot,
        last: batch.last,
        sequence: batch.sequence,
        entries: batch.entries.iter().map(entry).collect::<Result<_, _>>()?,
    })
}

fn entry(entry: &auth::Entry) -> Result<Entry, Malformed> {
    let fingerprint = <[u8; 16]>::try_from(&entry.fingerprint[..]).map_err(|_| Malformed)?;
    let issued_before = |secs| UnixTime::from_parts(secs, entry.issued_before_micros);
    Ok(Entry {
        fingerprint: Fingerprint::from_bytes(fingerprint),
        issued_before: entry.issued_before.map(issued_before),
        until: entry.until.map(UnixTime::from_secs),
    })
}
