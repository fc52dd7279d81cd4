//! What travels: entries, and an issuer's word that its whole list is there.
//!
//! Invariant: neither a name nor a reason travels, and what cannot be read is no entry.

use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use hallpass_revocation::Entry;
use hallpass_token::UnixTime;

use crate::connection::Mesh;

/// The subjects of one mesh's revocations.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    entries: String,
    wholes: String,
}

/// A message of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News<'a> {
    /// An entry.
    Entry(Entry),
    /// This issuer's whole list had been carried.
    Whole(&'a str),
    /// The server's word that something is gone, which changes nothing here.
    Marker,
}

impl Subjects {
    pub(crate) fn of(mesh: &Mesh) -> Self {
        Self::beginning(mesh.prefix())
    }

    fn beginning(prefix: &str) -> Self {
        let of = |kind: &str| format!("{prefix}.revocations.{kind}.");
        Self { entries: of("entry"), wholes: of("whole") }
    }

    /// An entry's own subject: the same entry again takes its place, another one for the same thing does not.
    pub(crate) fn entry(&self, Entry { fingerprint, issued_before, until }: &Entry) -> String {
        let end = |instant: &Option<UnixTime>| {
            instant
                .map_or_else(|| "never".to_owned(), |instant| instant.to_string().replace('.', "-"))
        };
        format!("{}{fingerprint}.{}.{}", self.entries, end(issued_before), end(until))
    }

    /// Where this issuer's entry goes: as any, but a mark in the place of its earlier one, for it never ends by itself.
    pub(crate) fn of_issuer(&self, issuer: &str, entry: &Entry) -> String {
        match entry.as_forgotten() {
            Some(_) => format!("{}{}.mark.{issuer}", self.entries, entry.fingerprint),
            None => self.entry(entry),
        }
    }

    /// Where an issuer says how far it has carried its list.
    pub(crate) fn whole(&self, issuer: &str) -> String {
        format!("{}{issuer}", self.wholes)
    }

    /// Reads a message; `None` if no issuer can have written it.
    pub(crate) fn read<'a>(&self, message: &'a async_nats::Message) -> Option<News<'a>> {
        if is_marker(message) {
            return Some(News::Marker);
        }
        let subject = message.subject.as_str();
        if let Some(issuer) = subject.strip_prefix(&self.wholes) {
            return Some(News::Whole(issuer));
        }
        subject.strip_prefix(&self.entries)?;
        Entry::from_bytes(&message.payload).map(News::Entry)
    }
}

/// Whether it is the server's word that something is gone, not what an issuer has said.
pub(crate) fn is_marker(message: &async_nats::Message) -> bool {
    let header = |name: &str| message.headers.as_ref().is_some_and(|all| all.get(name).is_some());
    header("Nats-Marker-Reason") || header("KV-Operation")
}

/// By how much this process's clock may be ahead of the server's. Whatever ends on the server by itself stays for so much longer: by a
/// clock that is ahead it would end too soon.
pub(crate) const CLOCK_AHEAD: Duration = Duration::from_hours(1);

/// An entry to be kept by the server until its end; `None` if that has come.
pub(crate) fn of_entry(stream: &str, entry: &Entry, now: UnixTime) -> Option<PublishMessage> {
    let message = PublishMessage::build().expected_stream(stream).payload(entry.to_bytes().into());
    let until = entry.until.map(|until| until.plus(CLOCK_AHEAD));
    match until {
        None => Some(message),
        Some(until) if until <= now => None,
        Some(until) => Some(message.ttl(until.since(now).max(Duration::from_secs(1)))),
    }
}

/// How far an issuer has carried which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) list: u64,
    pub(crate) sequence: u64,
}

impl Carried {
    pub(crate) fn to_message(self, stream: &str) -> PublishMessage {
        let payload = [self.list.to_be_bytes(), self.sequence.to_be_bytes()].concat();
        PublishMessage::build().expected_stream(stream).payload(payload.into())
    }

    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let (list, sequence) = payload.split_first_chunk()?;
        let sequence = sequence.try_into().ok()?;
        Some(Self { list: u64::from_be_bytes(*list), sequence: u64::from_be_bytes(sequence) })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use hallpass_revocation::Forgotten;
    use hallpass_token::Fingerprint;

    use super::*;

    fn message(subject: &str, payload: Vec<u8>, marked: bool) -> async_nats::Message {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Marker-Reason", "Purge");
        async_nats::Message {
            subject: subject.into(),
            reply: None,
            payload: payload.into(),
            headers: marked.then_some(headers),
            status: None,
            description: None,
            length: 0,
        }
    }

    fn entry(until: Option<u64>) -> Entry {
        Entry::exact(Fingerprint::from_bytes([7; 16]), until.map(UnixTime::from_secs))
    }

    #[test]
    fn an_entry_is_read_back_and_nothing_else_is_one() {
        let subjects = Subjects::beginning("mesh");
        let subject = subjects.entry(&entry(Some(9)));
        let bytes = entry(Some(9)).to_bytes();
        let sent = message(&subject, bytes.clone(), false);
        assert_eq!(subjects.read(&sent), Some(News::Entry(entry(Some(9)))));
        assert_eq!(subjects.read(&message(&subject, bytes[1..].to_vec(), false)), None);
        assert_eq!(
            subjects.read(&message("other.revocations.entry.1", bytes.clone(), false)),
            None
        );
        assert_eq!(subjects.read(&message(&subject, bytes, true)), Some(News::Marker));
        let whole = message(&subjects.whole("platform"), Vec::new(), false);
        assert_eq!(subjects.read(&whole), Some(News::Whole("platform")));
    }

    #[test]
    fn different_entries_for_one_thing_do_not_replace_each_other() {
        let subjects = Subjects::beginning("mesh");
        assert_ne!(subjects.entry(&entry(Some(9))), subjects.entry(&entry(Some(10))));
        assert_ne!(subjects.entry(&entry(None)), subjects.entry(&entry(Some(10))));
    }

    #[test]
    fn an_issuers_mark_takes_the_place_of_its_earlier_one_and_no_other_issuers() {
        let subjects = Subjects::beginning("mesh");
        let mark = |upto, since| {
            let [upto, since] = [upto, since].map(UnixTime::from_secs);
            Entry::forgotten(Forgotten { upto, since })
        };
        let at = |issuer: &str, entry: &Entry| subjects.of_issuer(issuer, entry);
        assert_eq!(at("a", &mark(5, 0)), at("a", &mark(9, 0)));
        assert_ne!(at("a", &mark(5, 0)), at("b", &mark(5, 0)));
        assert_ne!(at("a", &mark(5, 0)), at("a", &mark(5, 3)));
        assert_eq!(at("a", &entry(Some(9))), subjects.entry(&entry(Some(9))));
        let sent = message(&at("a", &mark(5, 0)), mark(5, 0).to_bytes(), false);
        assert_eq!(subjects.read(&sent), Some(News::Entry(mark(5, 0))));
    }

    #[test]
    fn an_entry_ends_by_itself_and_one_that_has_ended_is_not_sent() {
        let ttl = |until, now| {
            let message = of_entry("s", &entry(until), UnixTime::from_secs(now))?;
            let sent = message.outbound_message("x").headers.unwrap();
            Some(sent.get("Nats-TTL").map(|ttl| ttl.as_str().to_owned()))
        };
        // The clock by which it ends may be an hour ahead of the server's.
        assert_eq!(ttl(Some(100), 40), Some(Some("3660".to_owned())));
        assert_eq!(ttl(Some(100), 3699), Some(Some("1".to_owned())));
        assert_eq!(ttl(Some(100), 3700), None);
        assert_eq!(ttl(None, 100), Some(None));
    }

    #[test]
    fn how_far_a_list_was_carried_is_read_back() {
        let carried = Carried { list: 7, sequence: u64::MAX };
        let payload = carried.to_message("s").outbound_message("x").payload;
        assert_eq!(Carried::read(&payload), Some(carried));
        assert_eq!(Carried::read(&payload[1..]), None);
        assert_eq!(Carried::read(b""), None);
    }
}
