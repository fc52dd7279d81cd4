//! The cache of verified tokens: it saves the verification and changes no decision.

use std::time::Duration;

use hallpass_revocation::{Entry, List, Note, Options};
use hallpass_token::{Fingerprint, Grants, KeyRing, KeyState, NewToken, SKEW, TokenType, UnixTime};

use tonic_types::StatusExt as _;

use crate::fixture::{ISSUER, Mesh, NOW, id, user, with};

const READ: &str = "/t.Platform/Read";

#[tokio::test]
async fn a_token_is_verified_once() {
    let mesh = Mesh::start();
    let token = mesh.user_token();
    for _ in 0..3 {
        assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    }
    assert_eq!(mesh.guard.counts().verifications, 1);
}

#[tokio::test]
async fn what_was_refused_is_verified_again() {
    let mesh = Mesh::start();
    for _ in 0..3 {
        assert_eq!(mesh.call(READ, "abc").await.reason(), "TOKEN_INVALID");
    }
    assert_eq!(mesh.guard.counts().verifications, 3);
}

#[tokio::test]
async fn a_revocation_counts_from_the_next_call_on() {
    let mesh = Mesh::start();
    let new = with(user("ann"), |new| new.session = Some("s-1".to_owned()));
    for revoked in [Fingerprint::token(ISSUER, "another"), Fingerprint::session("s-1")] {
        let token = mesh.mint("users", &new);
        assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
        mesh.revoke(revoked);
        let expected = if revoked == Fingerprint::session("s-1") { "TOKEN_REVOKED" } else { "OK" };
        assert_eq!(mesh.call(READ, &token).await.reason(), expected);
    }
}

#[tokio::test]
async fn a_new_ring_counts_from_the_next_call_on() {
    let mesh = Mesh::start();
    let token = mesh.user_token();
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    mesh.reload_with("users", KeyState::Retired);
    assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_INVALID");
    mesh.keys.reload(KeyRing::new(mesh.all.clone()).unwrap());
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
}

#[tokio::test]
async fn an_expired_token_is_refused_and_not_verified_again() {
    let mesh = Mesh::start();
    let life = Duration::from_mins(1);
    let token = mesh.mint("users", &with(user("ann"), |new| new.life = Some(life)));
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    mesh.clock.advance(life + SKEW);
    for _ in 0..2 {
        assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_EXPIRED");
    }
    assert_eq!(mesh.guard.counts().verifications, 1);
}

/// The entry was dropped because its token had ended; by a clock that is set back the token has not.
#[tokio::test]
async fn a_revoked_token_stays_refused_when_the_clock_is_set_back_after_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let list = List::open(folder.path(), &Options::new([7; 8], NOW)).unwrap();
    let mesh = Mesh::over(list.index());
    let life = Duration::from_mins(1);
    let new = with(user("ann"), |new| new.life = Some(life));
    let (token, other) = (mesh.mint("users", &new), mesh.user_token());
    let until = NOW.plus(life + SKEW + SKEW);
    let entry = Entry::exact(Fingerprint::token(ISSUER, new.id.as_str()), Some(until));
    let note = Note { reason: String::new(), by: String::new(), at: NOW };
    list.revoke(entry, note).await.unwrap();
    assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_REVOKED");
    mesh.clock.advance(life + SKEW + SKEW);
    assert_eq!(list.sweep(until).await, Ok(1));
    mesh.clock.step_back(life + SKEW);
    assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_EXPIRED");
    assert_eq!(mesh.call(READ, &other).await.reason(), "OK", "what has not ended is let through");
}

/// A cut-off that allows for clocks that are ahead refuses new logins for a while: they are told for how long.
#[tokio::test]
async fn a_login_that_a_cutoff_still_refuses_is_told_when_to_try_again() {
    let mesh = Mesh::start();
    let token = mesh.user_token();
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    let cutoff = Entry::cutoff(Fingerprint::subject(ISSUER, "ann"), NOW.plus(SKEW), None);
    mesh.index.insert(&[cutoff]);
    for (after, wait) in [(0, Some(31)), (30, Some(1)), (31, None)] {
        let mesh_now = NOW.plus(Duration::from_secs(after));
        mesh.clock.advance(mesh_now.since(mesh.clock.now()));
        let refused = mesh.call(READ, &token).await;
        assert_eq!(refused.reason(), "TOKEN_REVOKED", "after {after} s");
        let retry = refused.status().get_error_details().retry_info().and_then(|it| it.retry_delay);
        assert_eq!(retry, wait.map(Duration::from_secs), "after {after} s");
    }
    assert_eq!(mesh.call(READ, &mesh.user_token()).await.reason(), "OK");
}

/// Labeler's ring has none of the keys of other systems' users, and their cut-offs reach it all the same.
#[tokio::test]
async fn a_users_cut_off_reaches_a_service_that_does_not_know_the_users_key() {
    let mesh = Mesh::start();
    let parent = mesh.keys.ring().verify(&mesh.user_token(), mesh.clock.now()).unwrap();
    let mut new = NewToken::child_of(&parent, TokenType::Service, id(), &["labeler:read"]).unwrap();
    new.service = Some("platform".to_owned());
    new.audience = vec!["labeler".to_owned()];
    new.scopes = ["labeler:read"].into_iter().collect();
    let token = mesh.mint("platform-1", &new);
    let known = mesh.all.iter().filter(|key| key.kid() != "users").cloned();
    mesh.keys.reload(KeyRing::new(known.collect()).unwrap());
    assert_eq!(mesh.call("/t.Labeler/Read", &token).await.reason(), "OK");
    for (issuer, expected) in [("another", "OK"), (ISSUER, "TOKEN_REVOKED")] {
        let subject = Fingerprint::subject(issuer, "ann");
        mesh.index.insert(&[Entry::cutoff(subject, UnixTime::from_secs(u64::MAX >> 1), None)]);
        mesh.changes.send_modify(|sequence| *sequence += 1);
        assert_eq!(mesh.call("/t.Labeler/Read", &token).await.reason(), expected);
    }
}

/// Tokens of some 6 KB, each of which is some 60 KB when it is unfolded: a MiB holds the first by the dozen, the second not.
#[tokio::test]
async fn what_is_remembered_weighs_what_it_is_and_not_what_was_sent() {
    const TOKENS: u64 = 40;
    let mesh = Mesh::remembering(1 << 20);
    let name = |number: u32| format!("{}{number:03}", "a-long-name-of-a-bucket-".repeat(2));
    let buckets: Vec<_> = (0..500).map(name).collect();
    let grants = Grants::of(&buckets, &["s3:GetObject".to_owned()], None).unwrap();
    let token = || mesh.mint("users", &with(user("ann"), |new| new.grants = Some(grants.clone())));
    let tokens: Vec<_> = (0..TOKENS).map(|_| token()).collect();
    for token in tokens.iter().chain(&tokens) {
        assert!(token.len() < 8_000, "{}", token.len());
        assert_eq!(mesh.call(READ, token).await.reason(), "OK");
    }
    let again = mesh.guard.counts().verifications - TOKENS;
    assert!(again > TOKENS / 2, "only {again} of {TOKENS} had to be verified again");
}

/// One user's tokens, however many, displace none of another's.
#[tokio::test]
async fn one_users_many_tokens_displace_their_own() {
    let mesh = Mesh::remembering(256 << 10);
    let ann = mesh.user_token();
    assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
    for _ in 0..1000 {
        let token = mesh.mint("users", &user("mallory"));
        for _ in 0..3 {
            assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
        }
    }
    assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
    assert_eq!(mesh.guard.counts().verifications, 1001);
}
