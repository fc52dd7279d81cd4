//! The streams on the server: what they have to be like, and what a node asks of them.
//!
//! Invariant: a stream from which something could vanish before its time, or whose content could come from elsewhere, is not used.
//! Every question here is answered by the stream's leader, never by a copy that lags.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, PersistenceMode, RawMessageErrorKind, RetentionPolicy,
    StorageType, Stream,
};
use bytes::Bytes;
use hallpass_token::UnixTime;

use crate::connection::Mesh;
use crate::error::StreamError;

/// How long a process that starts waits for the servers to say what is there.
const LOOK_WITHIN: Duration = Duration::from_secs(1);

/// What the leader says of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// When it was made, in nanoseconds: another stream under the same name has another. Never zero.
    pub(crate) epoch: u64,
    /// The last sequence that it gave.
    pub(crate) last: u64,
}

/// The last message of a subject.
pub(crate) struct Newest {
    pub(crate) payload: Bytes,
    /// When it came, by the server's clock.
    pub(crate) at: UnixTime,
}

/// One of the mesh's streams. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Kept {
    stream: Stream<()>,
    shape: Config,
}

impl Kept {
    /// The revocations: one message an entry, one an issuer that says that its whole list is there.
    pub(crate) async fn revocations(mesh: &Mesh) -> Result<Self, StreamError> {
        let prefix = mesh.prefix();
        let subjects = ["entry", "whole"].map(|kind| format!("{prefix}.revocations.{kind}.>"));
        Self::named(mesh, format!("{prefix}-revocations"), subjects.to_vec()).await
    }

    /// The claims: a key-value bucket, one key a token.
    pub(crate) async fn claims(mesh: &Mesh) -> Result<Self, StreamError> {
        let bucket = format!("{}-claims", mesh.prefix());
        Self::named(mesh, format!("KV_{bucket}"), vec![format!("$KV.{bucket}.>")]).await
    }

    /// The sessions: a key-value bucket, two keys a session.
    pub(crate) async fn sessions(mesh: &Mesh) -> Result<Self, StreamError> {
        let bucket = format!("{}-sessions", mesh.prefix());
        Self::named(mesh, format!("KV_{bucket}"), vec![format!("$KV.{bucket}.>")]).await
    }

    async fn named(mesh: &Mesh, name: String, subjects: Vec<String>) -> Result<Self, StreamError> {
        let shape = shape(name, subjects, mesh.replicas());
        let stream = mesh.context().get_stream_no_info(&shape.name).await;
        let stream = stream.map_err(|_| StreamError::Unanswered("take the stream's name"))?;
        Ok(Self { stream, shape })
    }

    pub(crate) fn name(&self) -> &str {
        &self.shape.name
    }

    pub(crate) const fn stream(&self) -> &Stream<()> {
        &self.stream
    }

    /// Makes the stream if there is none, and says what it is.
    pub(crate) async fn ensure(&self, mesh: &Mesh) -> Result<Told, StreamError> {
        match mesh.context().get_stream(self.name()).await {
            Ok(found) => return self.checked(found.cached_info()),
            Err(error) if is_absent(error.kind()) => {}
            Err(error) => return Err(StreamError::unanswered("say what the stream is", &error)),
        }
        match mesh.context().create_stream(self.shape.clone()).await {
            Ok(made) => {
                tracing::info!(stream = self.name(), "made the stream");
                self.checked(made.cached_info())
            }
            // Another issuer was faster.
            Err(error) if matches!(error.kind(), CreateStreamErrorKind::JetStream(_)) => {
                self.told().await
            }
            Err(error) => Err(StreamError::unanswered("make the stream", &error)),
        }
    }

    /// Asks the leader.
    pub(crate) async fn told(&self) -> Result<Told, StreamError> {
        let info = self.stream.get_info().await;
        let info =
            info.map_err(|error| StreamError::unanswered("say what the stream is", &error))?;
        self.checked(&info)
    }

    /// Whether the stream still has a message after a sequence.
    pub(crate) async fn has_after(&self, sequence: u64) -> Result<bool, StreamError> {
        let found = self.stream.get_first_raw_message_by_subject(">", sequence + 1).await;
        match found {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(false),
            Err(_) => Err(StreamError::Unanswered("look for a message")),
        }
    }

    /// What the last message of a subject says.
    pub(crate) async fn newest(&self, subject: &str) -> Result<Option<Bytes>, StreamError> {
        Ok(self.newest_at(subject).await?.map(|newest| newest.payload))
    }

    /// The last message of a subject, with the server's time when it came.
    pub(crate) async fn newest_at(&self, subject: &str) -> Result<Option<Newest>, StreamError> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => {
                let at = u64::try_from(message.time.unix_timestamp()).unwrap_or_default();
                Ok(Some(Newest { payload: message.payload, at: UnixTime::from_secs(at) }))
            }
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(_) => Err(StreamError::Unanswered("look for a message")),
        }
    }

    fn checked(&self, info: &Info) -> Result<Told, StreamError> {
        if let Some(problem) = problem(&self.shape, &info.config) {
            return Err(StreamError::Misconfigured { stream: self.name().to_owned(), problem });
        }
        let made = info.created.unix_timestamp_nanos();
        let epoch = u64::try_from(made).unwrap_or_default().max(1);
        Ok(Told { epoch, last: info.state.last_sequence })
    }
}

/// Whether what is on the servers already can be used, as far as they answer at once: of a Platform all of it, of another node what it
/// follows. A process that is started against a stream which can lose something ends, and says which.
pub async fn check(mesh: &Mesh, is_issuer: bool) -> Result<(), StreamError> {
    let looked = async {
        look(Kept::revocations(mesh).await?).await?;
        if is_issuer {
            look(Kept::claims(mesh).await?).await?;
            look(Kept::sessions(mesh).await?).await?;
        }
        Ok(())
    };
    // A server that is away, or that has no streams yet, is no reason not to start.
    match tokio::time::timeout(LOOK_WITHIN, looked).await {
        Ok(Err(wrong @ StreamError::Misconfigured { .. })) => Err(wrong),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn look(kept: Kept) -> Result<(), StreamError> {
    match kept.told().await {
        Err(wrong @ StreamError::Misconfigured { .. }) => Err(wrong),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_absent(kind: GetStreamErrorKind) -> bool {
    use async_nats::jetstream::ErrorCode;
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// What a stream is made as. It refuses when it is full: what it has taken it keeps until its time is over.
fn shape(name: String, subjects: Vec<String>, replicas: usize) -> Config {
    Config {
        name,
        subjects,
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: 1,
        max_age: Duration::ZERO,
        num_replicas: replicas,
        allow_message_ttl: true,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

fn problem(wanted: &Config, found: &Config) -> Option<&'static str> {
    let checks = [
        (
            found.subjects == wanted.subjects,
            "its subjects are others; right: those that an issuer makes it with",
        ),
        (found.retention == RetentionPolicy::Limits, "its retention is not limits"),
        (found.storage == StorageType::File, "it is kept in memory; right: in files"),
        (
            found.discard == DiscardPolicy::New,
            "it drops the old when it is full; right: discard new",
        ),
        (
            !found.discard_new_per_subject,
            "it refuses what it has; right: discard_new_per_subject off",
        ),
        (
            found.max_messages <= 0 && found.max_age.is_zero(),
            "it forgets by number or age; right: neither max_msgs nor max_age",
        ),
        (
            found.max_messages_per_subject == 1,
            "it keeps more than one message a subject, or all; right: one",
        ),
        (found.allow_message_ttl, "its messages cannot end by themselves; right: allow_msg_ttl"),
        (
            found.deny_delete && found.deny_purge,
            "it can be emptied; right: deny_delete and deny_purge",
        ),
        (!found.allow_rollup, "a message can replace others; right: allow_rollup_hdrs off"),
        (!found.no_ack, "it acknowledges nothing; right: no_ack off"),
        (
            found.persist_mode.is_none_or(|mode| mode == PersistenceMode::Default),
            "it acknowledges before it stores; right: persist_mode default",
        ),
        (
            found.mirror.is_none() && found.sources.as_ref().is_none_or(Vec::is_empty),
            "it copies another; right: no mirror and no sources",
        ),
        (found.subject_transform.is_none(), "it renames subjects; right: no subject_transform"),
        (!found.sealed, "it is sealed"),
    ];
    checks.into_iter().find_map(|(right, problem)| (!right).then_some(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Config {
        shape("x-revocations".to_owned(), vec!["x.revocations.entry.>".to_owned()], 1)
    }

    #[test]
    fn a_stream_that_could_lose_something_is_not_used() {
        type Spoil = fn(&mut Config);
        let table: [Spoil; 16] = [
            |it| it.subjects.push("other".to_owned()),
            |it| it.retention = RetentionPolicy::WorkQueue,
            |it| it.storage = StorageType::Memory,
            |it| it.discard = DiscardPolicy::Old,
            |it| it.discard_new_per_subject = true,
            |it| it.max_messages = 10,
            |it| it.max_age = Duration::from_mins(1),
            |it| it.max_messages_per_subject = -1,
            |it| it.allow_message_ttl = false,
            |it| it.deny_delete = false,
            |it| it.deny_purge = false,
            |it| it.allow_rollup = true,
            |it| it.no_ack = true,
            |it| it.persist_mode = Some(PersistenceMode::Async),
            |it| it.sources = Some(vec![async_nats::jetstream::stream::Source::default()]),
            |it| it.sealed = true,
        ];
        assert_eq!(problem(&wanted(), &wanted()), None);
        for (at, spoil) in table.into_iter().enumerate() {
            let mut found = wanted();
            spoil(&mut found);
            assert!(problem(&wanted(), &found).is_some(), "row {at}");
        }
    }
}
