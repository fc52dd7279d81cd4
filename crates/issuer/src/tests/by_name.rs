//! What an operator may name, and what becomes of it.

use std::time::Duration;

use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{
    RevocationService, RevocationTarget, RevokeRequest, ServiceBefore, SubjectBefore, TokenName,
};
use hallpass_revocation::Entry;
use hallpass_token::{Fingerprint, SKEW, UnixTime};
use prost_types::Timestamp;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::world::{ADMIN, ALICE, BOB, NOW, World};
use crate::instant::timestamp;

#[tokio::test]
async fn each_target_becomes_its_entry() {
    let table = [
        (token("users", "1"), Entry::exact(Fingerprint::token("users", "1"), None)),
        (Target::SessionId("s".to_owned()), Entry::exact(Fingerprint::session("s"), None)),
        (Target::KeyId("users".to_owned()), Entry::exact(Fingerprint::key("users"), None)),
        (
            Target::TokenFingerprint(Fingerprint::signed_part(b"a.b").to_string()),
            Entry::exact(Fingerprint::signed_part(b"a.b"), None),
        ),
        (
            subject("users", "alice", None),
            Entry::cutoff(Fingerprint::subject("users", "alice"), NOW.plus(SKEW), None),
        ),
        (
            subject("users", "alice", Some(Timestamp { seconds: 5, nanos: 9 })),
            Entry::cutoff(Fingerprint::subject("users", "alice"), UnixTime::from_parts(5, 1), None),
        ),
        (service("p", None), Entry::cutoff(Fingerprint::service("p"), NOW.plus(SKEW), None)),
    ];
    for (target, expected) in table {
        let world = World::new();
        assert_eq!(revoke(&world, Some(target.clone()), None).await.unwrap(), 1);
        let found = world.list.lookup(expected.fingerprint).unwrap();
        assert_eq!(found[0].entry, expected, "{target:?}");
        assert_eq!(found[0].note.as_ref().unwrap().by, "root");
    }
}

#[tokio::test]
async fn a_cut_off_subject_is_out_and_others_are_not() {
    let world = World::new();
    let (alice, bob) = (world.mint(&ALICE), world.mint(&BOB));
    revoke(&world, Some(subject("users", "alice", None)), None).await.unwrap();
    assert!(world.list.index().is_revoked(&world.verified(&alice)));
    assert!(!world.list.index().is_revoked(&world.verified(&bob)));
    world.clock.advance(SKEW + Duration::from_secs(1));
    let again = world.mint(&ALICE);
    assert!(!world.list.index().is_revoked(&world.verified(&again)));
}

#[tokio::test]
async fn an_end_is_kept_for_twice_the_skew_more() {
    let world = World::new();
    let end = Timestamp { nanos: 1, ..timestamp(NOW) };
    revoke(&world, Some(Target::KeyId("k".to_owned())), Some(end)).await.unwrap();
    let found = world.list.lookup(Fingerprint::key("k")).unwrap();
    assert_eq!(found[0].entry.until, Some(NOW.plus(Duration::from_secs(1)).plus(2 * SKEW)));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let key = || Some(Target::KeyId("k".to_owned()));
    let soon = timestamp(NOW.plus(SKEW + Duration::from_secs(1)));
    let broken = Timestamp { seconds: 5, nanos: -1 };
    let table = [
        (None, None, "target"),
        (Some(token("", "1")), None, "target.token.issuer"),
        (Some(token("users", "")), None, "target.token.token_id"),
        (Some(Target::SessionId(String::new())), None, "target.session_id"),
        (Some(Target::KeyId("k".repeat(4097))), None, "target.key_id"),
        (Some(Target::TokenFingerprint("a.b".to_owned())), None, "target.token_fingerprint"),
        (Some(subject("", "alice", None)), None, "target.subject.issuer"),
        (Some(subject("users", "", None)), None, "target.subject.subject"),
        (Some(subject("users", "a", Some(soon))), None, "target.subject.issued_before"),
        (Some(service("", None)), None, "target.service.service"),
        (Some(service("p", Some(broken))), None, "target.service.issued_before"),
        (key(), Some(timestamp(NOW)), "expire_time"),
        (key(), Some(timestamp(at(5))), "expire_time"),
        (key(), Some(broken), "expire_time"),
    ];
    for (target, end, field) in table {
        let world = World::new();
        let refused = revoke(&world, target, end).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
        assert_eq!(world.list.sequence(), 0);
    }
}

async fn revoke(
    world: &World,
    target: Option<Target>,
    expire_time: Option<Timestamp>,
) -> Result<u64, Status> {
    let permit = world.permit(&world.mint(&ADMIN), "RevocationService/Revoke");
    let target = target.map(|target| RevocationTarget { target: Some(target) });
    let request = RevokeRequest { target, expire_time, reason: "leaked".to_owned() };
    Ok(world.revocations.revoke(permit, request).await?.sequence)
}

fn token(issuer: &str, id: &str) -> Target {
    Target::Token(TokenName { issuer: issuer.to_owned(), token_id: id.to_owned() })
}

fn subject(issuer: &str, subject: &str, issued_before: Option<Timestamp>) -> Target {
    let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
    Target::Subject(SubjectBefore { issuer, subject, issued_before })
}

fn service(service: &str, issued_before: Option<Timestamp>) -> Target {
    Target::Service(ServiceBefore { service: service.to_owned(), issued_before })
}

const fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}
