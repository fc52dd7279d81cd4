//! A session that one Platform opened is one at every Platform, through the faults of the server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use hallpass_guard::Clock;
use hallpass_nats::{Mesh, SharedSessions};
use hallpass_revocation::{
    Absent, BeginError, Handle, NewSession, Options, SessionLimits, Sessions, WriteError,
};
use hallpass_token::{Fingerprint, UnixTime};
use secrecy::ExposeSecret as _;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::server::{Server, until};

const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

/// A Platform's sessions. It stops with this value.
pub(crate) struct Platform {
    sessions: Sessions,
    _stop: DropGuard,
}

impl Platform {
    pub(crate) fn start(folder: &Path, mesh: Mesh) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let options = Options::new([7; 8], now());
        let sessions =
            Sessions::open(folder, &options, SessionLimits::default(), Arc::default()).unwrap();
        let shared = SharedSessions::new(mesh, sessions.clone(), Clock::system());
        let stop = CancellationToken::new();
        tokio::spawn(shared.run(stop.clone()));
        Self { sessions, _stop: stop.drop_guard() }
    }

    pub(crate) async fn open(&self, number: u8) -> Result<Handle, BeginError> {
        let handle = Handle::new(&[number; 32]);
        let holder = Fingerprint::subject("users.test", "alice");
        let id = format!("ses_{number}");
        let new = NewSession {
            id,
            holder,
            user: holder,
            token: TOKEN,
            token_ends: None,
            about: Vec::new(),
        };
        self.sessions.begin(&handle, new, now()).await.map(|_| handle)
    }

    pub(crate) async fn until_it_knows(&self, handle: &Handle) {
        let known = async || self.sessions.find(handle.expose(), now()).is_ok();
        until("the session is known", known).await;
    }
}

fn now() -> UnixTime {
    Clock::system().now()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_opened_the_other_knows_and_what_one_saw_used_is_used() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let a = Platform::start(&folder.path().join("a"), server.mesh().await);
    let b = Platform::start(&folder.path().join("b"), server.mesh().await);
    let handle = a.open(1).await.unwrap();
    b.until_it_knows(&handle).await;
    let found = b.sessions.find(handle.expose(), now()).unwrap();
    assert_eq!(found.id(), "ses_1");
    assert_eq!(found.token(handle.expose()).unwrap().expose_secret(), TOKEN);
    assert!(found.token(Handle::new(&[2; 32]).expose()).is_none());
    assert_eq!(b.sessions.find("hps_of-nobody", now()).unwrap_err(), Absent::Unknown);
    // Used at one, it is not idle at the other.
    let later = now().plus(Duration::from_mins(14));
    b.sessions.find(handle.expose(), later).unwrap();
    b.sessions.sweep(later).await.unwrap();
    let used = async || {
        let end = later.plus(Duration::from_mins(14));
        a.sessions.find(handle.expose(), end).is_ok()
    };
    until("the use is known", used).await;
    // One that comes later reads everything.
    let c = Platform::start(&folder.path().join("c"), server.mesh().await);
    c.until_it_knows(&handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_bucket_is_filled_again_and_ends_no_session() {
    let Some(mut server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let a = Platform::start(&folder.path().join("a"), server.mesh().await);
    let b = Platform::start(&folder.path().join("b"), server.mesh().await);
    let first = a.open(1).await.unwrap();
    b.until_it_knows(&first).await;
    server.operator().await.delete_stream("KV_hallpass-sessions").await.unwrap();
    let late = Platform::start(&folder.path().join("late"), server.mesh().await);
    late.until_it_knows(&first).await;
    b.until_it_knows(&first).await;
    server.kill();
    let refused = a.open(2).await;
    assert!(matches!(refused, Err(BeginError::Write(WriteError::NotCarried))), "{refused:?}");
    server.run().await;
    until("sessions are opened again", async || a.open(3).await.is_ok()).await;
    b.until_it_knows(&Handle::new(&[3; 32])).await;
    late.until_it_knows(&Handle::new(&[3; 32])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_holds_neither_handle_nor_token() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let a = Platform::start(&folder.path().join("a"), server.mesh().await);
    let handle = a.open(1).await.unwrap();
    let bucket = server.operator().await.get_stream("KV_hallpass-sessions").await.unwrap();
    let consumer = async_nats::jetstream::consumer::pull::OrderedConfig::default();
    let consumer = bucket.create_consumer(consumer).await.unwrap();
    let message = consumer.messages().await.unwrap().next().await.unwrap().unwrap();
    let text = std::str::from_utf8(&message.payload).unwrap();
    assert!(text.contains("ses_1"), "{text}");
    for secret in [&handle.expose()[4..], TOKEN, TOKEN.split('.').nth(1).unwrap()] {
        assert!(!text.contains(secret) && !message.subject.contains(secret), "{text}");
    }
}
