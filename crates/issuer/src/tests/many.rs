//! Many revocations in one call, and the list as an operator reads it.

use futures_util::{StreamExt as _, stream};
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{
    GetRevocationRequest, ListRevocationsRequest, Revocation, RevocationService, RevocationTarget,
    RevokeManyRequest, RevokeManyResponse,
};
use tonic::{Code, Status};

use super::world::{ADMIN, NOW, World};
use crate::instant::timestamp;

#[tokio::test]
async fn ten_thousand_share_their_syncs_and_the_last_answer_is_the_last_request() {
    let world = World::new();
    let before = world.list.stats().syncs;
    let answers = revoke(&world, (1..=10_000).map(key).collect()).await;
    let last = answers.last().unwrap().as_ref().unwrap();
    assert_eq!(last.number, 10_000);
    assert_eq!((world.list.sequence(), world.list.index().usage().exact), (10_000, 10_000));
    let syncs = world.list.stats().syncs - before;
    assert!(syncs < 2_000, "{syncs} syncs");
}

#[tokio::test]
async fn who_was_cut_off_goes_on_after_the_last_answer_and_repeats_do_no_harm() {
    let world = World::new();
    revoke(&world, (1..=5).map(key).collect()).await;
    let answers = revoke(&world, (4..=8).map(key).collect()).await;
    let last = answers.last().unwrap().as_ref().unwrap();
    assert_eq!(last.number, 8);
    assert_eq!(world.list.sequence(), 8, "nothing stands there twice");
}

#[tokio::test]
async fn a_wrong_request_ends_the_call_and_those_before_it_stand() {
    let nothing = RevokeManyRequest { number: 3, ..RevokeManyRequest::default() };
    let table =
        [(vec![key(1), key(2), nothing, key(4)], "target"), (vec![key(2), key(1)], "number")];
    for (requests, field) in table {
        let world = World::new();
        let answers = revoke(&world, requests).await;
        let refused = answers.last().unwrap().as_ref().unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{refused}");
        assert!(world.list.index().contains(hallpass_token::Fingerprint::key("2")), "{field}");
        assert!(!world.list.index().contains(hallpass_token::Fingerprint::key("4")), "{field}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_with_reason_author_and_instants() {
    let world = World::new();
    revoke(&world, (1..=5).map(key).collect()).await;
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let page = list(&world, 2, &token).await.unwrap();
        assert!(page.0.len() <= 2);
        found.extend(page.0);
        token = page.1;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let first = &found[0];
    assert_eq!((first.reason.as_str(), first.revoked_by.as_str()), ("left", "root"));
    assert_eq!(first.create_time, Some(timestamp(NOW)));
    assert_eq!((&first.drop_time, &first.issued_before, first.everything), (&None, &None, false));
    for (size, token, field) in [(-1, "", "page_size"), (0, "x", "page_token")] {
        let refused = list(&world, size, token).await.unwrap_err();
        assert!(refused.message().starts_with(field), "{refused}");
    }
}

#[tokio::test]
async fn what_is_revoked_is_looked_up_by_name() {
    let world = World::new();
    revoke(&world, vec![key(1)]).await;
    let found = look_up(&world, "1").await.unwrap();
    assert_eq!((found.sequence, found.reason.as_str()), (1, "left"));
    assert_eq!(&found.fingerprint[..], &hallpass_token::Fingerprint::key("1").to_bytes());
    assert_eq!(look_up(&world, "2").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(look_up(&world, "").await.unwrap_err().code(), Code::InvalidArgument);
}

fn key(number: u64) -> RevokeManyRequest {
    let target = Some(RevocationTarget { target: Some(Target::KeyId(number.to_string())) });
    RevokeManyRequest { number, target, expire_time: None, reason: "left".to_owned() }
}

async fn revoke(
    world: &World,
    requests: Vec<RevokeManyRequest>,
) -> Vec<Result<RevokeManyResponse, Status>> {
    let permit = world.permit(&world.mint(&ADMIN), "RevocationService/RevokeMany");
    let requests = Box::pin(stream::iter(requests.into_iter().map(Ok)));
    let answers = world.revocations.revoke_many(permit, requests).await.unwrap();
    answers.map(|answer| answer.map_err(Status::from)).collect().await
}

async fn list(
    world: &World,
    page_size: i32,
    token: &str,
) -> Result<(Vec<Revocation>, String), Status> {
    let permit = world.permit(&world.mint(&ADMIN), "RevocationService/ListRevocations");
    let request = ListRevocationsRequest { page_size, page_token: token.to_owned() };
    let page = world.revocations.list_revocations(permit, request).await?;
    Ok((page.revocations, page.next_page_token))
}

async fn look_up(world: &World, kid: &str) -> Result<Revocation, Status> {
    let permit = world.permit(&world.mint(&ADMIN), "RevocationService/GetRevocation");
    let target = Some(RevocationTarget { target: Some(Target::KeyId(kid.to_owned())) });
    let found = world.revocations.get_revocation(permit, GetRevocationRequest { target }).await?;
    Ok(found.revocation.unwrap())
}
