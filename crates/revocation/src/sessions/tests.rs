#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

fn options() -> Options {
    Options::new([7; 8], NOW)
}

fn open(folder: &Path) -> Sessions {
    Sessions::open(folder, &options(), SessionLimits::default(), Arc::default()).unwrap()
}

fn open_beside(folder: &Path, closed: &Arc<Index>) -> Sessions {
    Sessions::open(folder, &options(), SessionLimits::default(), Arc::clone(closed)).unwrap()
}

fn holder() -> Fingerprint {
    Fingerprint::subject("users.test", "alice")
}

fn new(id: &str, ends: Option<UnixTime>) -> NewSession<'static> {
    let (holder, user) = (holder(), holder());
    NewSession {
        id: id.to_owned(),
        holder,
        user,
        token: TOKEN,
        token_ends: ends,
        about: b"alice".to_vec(),
    }
}

fn after(seconds: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(seconds))
}

#[tokio::test]
async fn a_handle_opens_its_session_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let (handle, other) = (Handle::new(&[1; 32]), Handle::new(&[2; 32]));
    let session = sessions.begin(&handle, new("s-1", None), NOW).await.unwrap();
    assert_eq!((session.id(), session.ends()), ("s-1", after(3_600)));
    let found = sessions.find(handle.expose(), after(1)).unwrap();
    let token = found.token(handle.expose()).unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&token), TOKEN);
    assert!(found.token(other.expose()).is_none(), "another handle opens it");
    assert_eq!(sessions.find(other.expose(), NOW).unwrap_err(), Absent::Unknown);
}

#[tokio::test]
async fn it_ends_with_its_token_with_its_hour_and_when_nobody_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let [short, long] = [[1; 32], [2; 32]].map(|random| Handle::new(&random));
    sessions.begin(&short, new("short", Some(after(60))), NOW).await.unwrap();
    sessions.begin(&long, new("long", Some(after(100_000))), NOW).await.unwrap();
    assert!(sessions.find(short.expose(), after(59)).is_ok());
    assert_eq!(sessions.find(short.expose(), after(60)).unwrap_err(), Absent::Over);
    for at in (0..3_600).step_by(600) {
        assert!(sessions.find(long.expose(), after(at)).is_ok(), "used every ten minutes, at {at}");
    }
    assert_eq!(sessions.find(long.expose(), after(3_600)).unwrap_err(), Absent::Over);
    let idle = Handle::new(&[3; 32]);
    sessions.begin(&idle, new("idle", None), NOW).await.unwrap();
    assert!(sessions.find(idle.expose(), after(899)).is_ok());
    assert_eq!(sessions.find(idle.expose(), after(899 + 900)).unwrap_err(), Absent::Idle);
}

/// A session that ended idle is on the disk until its hour is over.
#[tokio::test]
async fn a_session_that_ended_idle_leaves_a_mark_that_a_clock_set_back_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let handle = Handle::new(&[1; 32]);
    let sessions = open(folder.path());
    sessions.begin(&handle, new("s-1", None), NOW).await.unwrap();
    sessions.sweep(after(899)).await.unwrap();
    assert_eq!(sessions.index().forgotten_upto(), UnixTime::from_secs(0));
    sessions.sweep(after(901)).await.unwrap();
    drop(sessions);
    let sessions = open(folder.path());
    assert_eq!(sessions.index().forgotten_upto(), after(901));
    let judged = after(10).max(sessions.index().forgotten_upto());
    assert_eq!(sessions.find(handle.expose(), judged).unwrap_err(), Absent::Idle);
}

#[tokio::test]
async fn it_survives_a_restart_and_lives_no_longer_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let handle = Handle::new(&[1; 32]);
    let sessions = open(folder.path());
    sessions.begin(&handle, new("s-1", None), NOW).await.unwrap();
    sessions.find(handle.expose(), after(600)).unwrap();
    sessions.sweep(after(600)).await.unwrap();
    sessions.find(handle.expose(), after(700)).unwrap();
    drop(sessions);
    let sessions = open(folder.path());
    let of_alice = sessions.of(holder(), after(800));
    assert_eq!(of_alice.len(), 1);
    let found = &of_alice[0];
    assert_eq!(found.about(), b"alice");
    assert_eq!(
        (found.used(), found.ends()),
        (after(600), after(3_600)),
        "the last use that was noted"
    );
    assert!(found.token(handle.expose()).is_some());
    assert_eq!(sessions.find(handle.expose(), after(600 + 900)).unwrap_err(), Absent::Idle);
}

#[tokio::test]
async fn the_store_holds_neither_handle_nor_token() {
    let folder = tempfile::tempdir().unwrap();
    let handle = Handle::new(&[1; 32]);
    let sessions = open(folder.path());
    sessions.begin(&handle, new("s-1", None), NOW).await.unwrap();
    assert!(!format!("{sessions:?} {handle:?}").contains(&handle.expose()[4..]));
    drop(sessions);
    let (mut files, mut folders) = (0, vec![folder.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            if file.path().is_dir() {
                folders.push(file.path());
                continue;
            }
            let bytes = std::fs::read(file.path()).unwrap();
            files += usize::from(bytes.windows(3).any(|some| some == b"s-1"));
            for secret in [&handle.expose()[4..], TOKEN, TOKEN.split('.').nth(1).unwrap()] {
                let there = bytes.windows(secret.len()).any(|some| some == secret.as_bytes());
                assert!(!there, "{} holds a secret", file.path().display());
            }
        }
    }
    assert!(files > 0, "the record was not found, so nothing was looked at");
}

#[tokio::test]
async fn one_holder_has_a_bounded_number() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    for number in 0..100_u8 {
        let handle = Handle::new(&[number; 32]);
        sessions.begin(&handle, new(&format!("s-{number}"), Some(after(60))), NOW).await.unwrap();
    }
    let handle = Handle::new(&[200; 32]);
    let refused = sessions.begin(&handle, new("one more", None), NOW).await;
    assert!(matches!(refused, Err(BeginError::TooMany(100))), "{refused:?}");
    assert_eq!(sessions.sweep(after(200)).await.unwrap(), 100);
    assert_eq!(sessions.count(), 0);
    sessions.begin(&handle, new("one more", None), after(200)).await.unwrap();
}

#[tokio::test]
async fn what_is_closed_takes_no_place_and_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let closed = Arc::new(Index::default());
    let sessions = open_beside(folder.path(), &closed);
    for number in 0..110_u8 {
        let handle = Handle::new(&[number; 32]);
        let session =
            sessions.begin(&handle, new(&format!("s-{number}"), None), NOW).await.unwrap();
        closed.insert(&[Entry::exact(Fingerprint::session(session.id()), None)]);
        assert_eq!(sessions.of(holder(), NOW).len(), 0);
        assert!(sessions.find(handle.expose(), NOW).is_ok(), "the list refuses it, and says why");
    }
}

#[tokio::test]
async fn the_node_is_not_full_of_what_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let closed = Arc::new(Index::default());
    let sessions = open_beside(folder.path(), &closed);
    let holder = |number: usize| Fingerprint::subject("users.test", &number.to_string());
    let sealed = |id: &str| Sealed::new(&Handle::new(&[1; 32]), id, TOKEN).unwrap();
    let one = |number: usize| {
        let id = format!("s-{number}");
        let sealed = sealed(&id);
        let whose = (holder(number), holder(number));
        Arc::new(Session::new(id, whose, (NOW, after(3_600)), sealed))
    };
    sessions.change(|open| {
        let all =
            (0..AT_MOST).map(|number| (Fingerprint::handle(&number.to_string()), one(number)));
        open.extend(all);
    });
    let handle = Handle::new(&[2; 32]);
    let refused = sessions.begin(&handle, new("one more", None), NOW).await;
    assert!(matches!(refused, Err(BeginError::TooMany(AT_MOST))), "{refused:?}");
    closed.insert(&[Entry::exact(Fingerprint::session("s-7"), None)]);
    sessions.begin(&handle, new("one more", None), NOW).await.unwrap();
    assert_eq!(sessions.count(), AT_MOST);
}

#[tokio::test]
async fn a_hundred_users_do_not_keep_everybody_else_out() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let subject = |name: &str| Fingerprint::subject("users.test", name);
    let sealed = Sealed::new(&Handle::new(&[1; 32]), "s", TOKEN).unwrap();
    let one = |user: usize, number: usize| {
        let (id, user) = (format!("s-{user}-{number}"), subject(&format!("heavy {user}")));
        // An agent's sessions are its user's, too.
        let holder = if number.is_multiple_of(2) { user } else { subject("an agent") };
        let session = Session::new(id, (holder, user), (NOW, after(3_600)), sealed.clone());
        session.used.store(after(number as u64).as_secs(), Ordering::Relaxed);
        Arc::new(session)
    };
    sessions.change(|open| {
        for user in 0..100 {
            for number in 0..100 {
                let session = one(user, number);
                open.insert(Fingerprint::handle(session.id()), session);
            }
        }
    });
    let light = |number: u8| NewSession {
        holder: subject("light"),
        user: subject("light"),
        ..new(&format!("light-{number}"), None)
    };
    for number in 0..90_u8 {
        let handle = Handle::new(&[number; 32]);
        sessions.begin(&handle, light(number), after(1)).await.unwrap();
        let displaced = sessions.take_displaced();
        assert_eq!(displaced.len(), 1);
        assert!(displaced[0].id().ends_with("-0"), "{} was used lately", displaced[0].id());
        assert_eq!(sessions.count(), AT_MOST);
    }
    assert_eq!(sessions.of(subject("light"), after(1)).len(), 90);
    // Who has a hundred has no hundred and first, and displaces nobody.
    let heavy = NewSession { user: subject("heavy 99"), ..new("one more", None) };
    let refused = sessions.begin(&Handle::new(&[200; 32]), heavy, after(1)).await;
    assert!(matches!(refused, Err(BeginError::TooMany(_))), "{refused:?}");
    assert!(sessions.take_displaced().is_empty());
}

#[tokio::test]
async fn agents_leave_their_user_half_of_the_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let mut opened = [0, 0];
    for number in 0..120_u8 {
        let agent =
            Fingerprint::subject("an agent", if number.is_multiple_of(2) { "a" } else { "b" });
        let of_agent = NewSession { holder: agent, ..new(&format!("a-{number}"), None) };
        opened[0] +=
            usize::from(sessions.begin(&Handle::new(&[number; 32]), of_agent, NOW).await.is_ok());
    }
    for number in 120..200_u8 {
        let own = new(&format!("s-{number}"), None);
        opened[1] +=
            usize::from(sessions.begin(&Handle::new(&[number; 32]), own, NOW).await.is_ok());
    }
    assert_eq!(opened, [50, 50]);
}

#[tokio::test]
async fn sessions_that_are_opened_at_once_are_counted_together() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let mut opening = tokio::task::JoinSet::new();
    for number in 0..110_u8 {
        let sessions = sessions.clone();
        opening.spawn(async move {
            let (handle, id) = (Handle::new(&[number; 32]), format!("s-{number}"));
            sessions.begin(&handle, new(&id, None), NOW).await.is_ok()
        });
    }
    let opened = opening.join_all().await;
    assert_eq!(opened.iter().filter(|opened| **opened).count(), 100);
    assert_eq!((sessions.of(holder(), NOW).len(), sessions.count()), (100, 100));
}

#[tokio::test]
async fn a_session_that_is_not_opened_gives_its_place_back() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let token = "x".repeat(30_000);
    for number in 0..3 {
        let long = NewSession { token: &token, ..new("long", None) };
        sessions.begin(&Handle::new(&[number; 32]), long, NOW).await.unwrap_err();
        assert_eq!(sessions.count(), 0);
    }
}

#[tokio::test]
async fn a_token_longer_than_metadata_carries_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    let token = "x".repeat(30_000);
    let long = NewSession { token: &token, ..new("long", None) };
    let refused = sessions.begin(&Handle::new(&[1; 32]), long, NOW).await;
    assert!(matches!(refused, Err(BeginError::TooLong)), "{refused:?}");
}
