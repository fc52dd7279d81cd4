//! The issuer: a log whose entries are acknowledged once they are durable, and one publisher a connection.

use hallpass_revocation::Entry;
use hallpass_revocation::feed::{Batch, Probe, Publisher, Step};
use hallpass_token::{Fingerprint, UnixTime};

use crate::chance::Chance;
use crate::link::{Link, Response};

/// Small, so that runs and snapshots have several pages.
const PAGE: usize = 3;

pub(crate) struct Issuer {
    epoch: u64,
    durable: Vec<Entry>,
    /// Entries under way, with the instant at which they will be durable.
    under_way: Vec<(u64, Entry)>,
    publisher: Option<Publisher>,
    /// The snapshot under way, in an order of its own: only with its last page does its sequence count.
    snapshot: Vec<Entry>,
    /// What was acknowledged, and when.
    pub(crate) acknowledged: Vec<(u64, Entry)>,
    made: u64,
}

impl Issuer {
    pub(crate) const fn new() -> Self {
        Self {
            epoch: 1,
            durable: Vec::new(),
            under_way: Vec::new(),
            publisher: None,
            snapshot: Vec::new(),
            acknowledged: Vec::new(),
            made: 0,
        }
    }

    pub(crate) fn connect(&mut self) {
        self.publisher = Some(Publisher::new(self.epoch));
    }

    /// Revokes a token that ends soon or has just ended.
    pub(crate) fn revoke(&mut self, durable_at: u64, until: UnixTime) {
        self.made += 1;
        let print = Fingerprint::token("issuer", &self.made.to_string());
        let behind = self.under_way.last().map_or(0, |(at, _)| *at);
        self.under_way.push((durable_at.max(behind), Entry::exact(print, Some(until))));
    }

    /// Loses what was not durable.
    pub(crate) fn restart(&mut self) {
        self.under_way.clear();
        self.publisher = None;
    }

    /// Comes back with another store that holds the same entries in another order.
    pub(crate) fn restart_with_another_store(&mut self, chance: &mut Chance) {
        self.restart();
        self.epoch += 1;
        shuffle(&mut self.durable, chance);
    }

    pub(crate) fn settle(&mut self, now: u64) {
        let ready = self.under_way.iter().take_while(|(at, _)| *at <= now).count();
        for (_, entry) in self.under_way.drain(..ready) {
            self.durable.push(entry);
            self.acknowledged.push((now, entry));
        }
    }

    /// Takes the probes that came and sends what the publisher says, a few messages at a time.
    pub(crate) fn serve(&mut self, link: &mut Link, now: u64, chance: &mut Chance, calm: bool) {
        let sequence = self.durable.len() as u64;
        let Some(mut publisher) = self.publisher.take() else { return };
        while let Some(probe) = link.up.receive(now) {
            let probe: Probe = probe;
            publisher.probed(probe, sequence);
        }
        for _ in 0..2 {
            let response = match publisher.step(sequence) {
                Step::Wait => break,
                Step::Answer(answer) => Response::Answer(answer),
                Step::Read { after, snapshot } => {
                    let batch = if snapshot { self.page(after, chance) } else { self.read(after) };
                    publisher.sent(&batch);
                    Response::Batch(batch)
                }
            };
            link.down.send(response, now + chance.delay(calm));
        }
        self.publisher = Some(publisher);
    }

    fn read(&self, after: u64) -> Batch {
        let from = usize::try_from(after).unwrap_or_default();
        let entries: Vec<Entry> = self.durable[from..].iter().take(PAGE).copied().collect();
        let sequence = (from + entries.len()) as u64;
        Batch { epoch: self.epoch, snapshot: false, last: false, sequence, entries }
    }

    fn page(&mut self, after: u64, chance: &mut Chance) -> Batch {
        let from = usize::try_from(after).unwrap_or_default();
        if from == 0 {
            self.snapshot.clone_from(&self.durable);
            shuffle(&mut self.snapshot, chance);
        }
        let entries: Vec<Entry> = self.snapshot[from..].iter().take(PAGE).copied().collect();
        let end = from + entries.len();
        let last = end == self.snapshot.len();
        Batch { epoch: self.epoch, snapshot: true, last, sequence: end as u64, entries }
    }
}

fn shuffle(entries: &mut [Entry], chance: &mut Chance) {
    for place in (1..entries.len()).rev() {
        let other = usize::try_from(chance.below(place as u64 + 1)).unwrap_or_default();
        entries.swap(place, other);
    }
}
