//! Who may use a dataset: said by its owner, effective with the next call, and on record.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wire::{
    GrantPermissionRequest, ListPermissionsRequest, RevokePermissionRequest, SetVisibilityRequest,
    TransferOwnershipRequest,
};

use super::callers::{Mint, Who};
use super::world::World;

struct Owned {
    world: World,
    mint: Mint,
    id: String,
}

impl Owned {
    /// A private dataset of alice's.
    async fn new() -> Self {
        let world = World::new().await;
        let id = world.sample_of("alice").await.dataset_id;
        Self { world, mint: Mint::new(), id }
    }

    async fn role(&self, user: &str) -> i32 {
        let request =
            wire::CheckPermissionRequest { dataset_id: self.id.clone(), ..Default::default() };
        let caller = self.mint.caller(&self.world, &user.into());
        caller.datasets().check_permission(request).await.unwrap().into_inner().role
    }

    async fn get(&self, user: &str) -> Result<wire::Dataset, Code> {
        let request = wire::GetDatasetRequest { dataset_id: self.id.clone() };
        let caller = self.mint.caller(&self.world, &user.into());
        let answer = caller.datasets().get_dataset(request).await;
        answer.map(|got| got.into_inner().dataset.unwrap()).map_err(|status| status.code())
    }

    async fn grant(&self, by: &str, to: &str, role: i32, etag: &str) -> Result<String, Status> {
        let share = Some(wire::Share { subject: to.into(), role });
        let request =
            GrantPermissionRequest { dataset_id: self.id.clone(), share, etag: etag.into() };
        let caller = self.mint.caller(&self.world, &by.into());
        let answer = caller.permissions().grant_permission(request).await?;
        Ok(answer.into_inner().dataset.unwrap().etag)
    }

    async fn revoke(&self, by: &str, subject: &str, etag: &str) -> Result<String, Status> {
        let request = RevokePermissionRequest {
            dataset_id: self.id.clone(),
            subject: subject.into(),
            etag: etag.into(),
        };
        let caller = self.mint.caller(&self.world, &by.into());
        let answer = caller.permissions().revoke_permission(request).await?;
        Ok(answer.into_inner().dataset.unwrap().etag)
    }

    async fn show(&self, by: &str, visibility: i32, etag: &str) -> Result<wire::Dataset, Status> {
        let dataset_id = self.id.clone();
        let request = SetVisibilityRequest { dataset_id, visibility, etag: etag.into() };
        let caller = self.mint.caller(&self.world, &by.into());
        let answer = caller.permissions().set_visibility(request).await?;
        Ok(answer.into_inner().dataset.unwrap())
    }

    async fn transfer(&self, by: &str, to: &str, former: i32, etag: &str) -> Result<(), Status> {
        let request = TransferOwnershipRequest {
            dataset_id: self.id.clone(),
            new_owner: to.into(),
            former_owner_role: former,
            etag: etag.into(),
        };
        let caller = self.mint.caller(&self.world, &by.into());
        caller.permissions().transfer_ownership(request).await.map(|_| ())
    }

    async fn permissions(
        &self,
        by: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<wire::ListPermissionsResponse, Status> {
        let request = ListPermissionsRequest {
            dataset_id: self.id.clone(),
            page_size,
            page_token: page_token.into(),
        };
        let caller = self.mint.caller(&self.world, &by.into());
        Ok(caller.permissions().list_permissions(request).await?.into_inner())
    }
}

fn violation(status: &Status) -> (Code, String, String) {
    let details = status.get_error_details();
    let violation = details.bad_request().unwrap().field_violations[0].clone();
    (status.code(), violation.field, violation.description)
}

#[tokio::test]
async fn each_change_counts_from_the_next_call_on() {
    let owned = Owned::new().await;
    assert_eq!((owned.role("bob").await, owned.get("bob").await), (0, Err(Code::PermissionDenied)));
    owned.grant("alice", "bob", 1, "").await.unwrap();
    assert!(owned.role("bob").await == 1 && owned.get("bob").await.is_ok());
    owned.grant("alice", "bob", 2, "").await.unwrap();
    assert_eq!(owned.role("bob").await, 2);
    owned.revoke("alice", "bob", "").await.unwrap();
    assert_eq!((owned.role("bob").await, owned.get("bob").await), (0, Err(Code::PermissionDenied)));
    owned.show("alice", 2, "").await.unwrap();
    assert!(owned.role("carol").await == 1 && owned.get("carol").await.is_ok());
    owned.show("alice", 1, "").await.unwrap();
    assert_eq!(owned.get("carol").await, Err(Code::PermissionDenied));
    for (former, role) in [(0, 0), (1, 1), (2, 2)] {
        let owned = Owned::new().await;
        owned.grant("alice", "bob", 2, "").await.unwrap();
        owned.transfer("alice", "bob", former, "").await.unwrap();
        assert_eq!((owned.role("alice").await, owned.role("bob").await), (role, 3));
        let refused = owned.grant("alice", "carol", 1, "").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let told = owned.permissions("bob", 0, "").await.unwrap();
        let parts: Vec<_> = told.shares.iter().map(|share| share.subject.as_str()).collect();
        assert_eq!(told.owner, "bob");
        assert_eq!(
            parts,
            if former == 0 { &[][..] } else { &["alice"] },
            "the new owner's row stays"
        );
    }
}

#[tokio::test]
async fn each_change_gives_a_new_etag_and_no_change_gives_none() {
    let owned = Owned::new().await;
    let first = owned.get("alice").await.unwrap();
    owned.world.advance(10);
    let mut etags = vec![first.etag.clone()];
    etags.push(owned.grant("alice", "bob", 1, &first.etag).await.unwrap());
    let touched = owned.get("alice").await.unwrap();
    assert_eq!(touched.update_time.unwrap().seconds, first.update_time.unwrap().seconds + 10);
    assert_eq!(touched.create_time, first.create_time);
    etags.push(owned.grant("alice", "bob", 2, &etags[1]).await.unwrap());
    etags.push(owned.revoke("alice", "bob", &etags[2]).await.unwrap());
    etags.push(owned.show("alice", 2, &etags[3]).await.unwrap().etag);
    for (at, etag) in etags.iter().enumerate() {
        assert!(!etags[..at].contains(etag), "{etags:?}");
    }
    let last = etags.last().unwrap();
    assert_eq!(owned.revoke("alice", "nobody", "").await.unwrap(), *last);
    assert_eq!(owned.show("alice", 2, "").await.unwrap().etag, *last);
    let stale = &etags[0];
    let refusals = [
        owned.grant("alice", "bob", 1, stale).await.err(),
        owned.revoke("alice", "nobody", stale).await.err(),
        owned.show("alice", 1, stale).await.err(),
        owned.transfer("alice", "bob", 0, stale).await.err(),
    ];
    for refusal in refusals {
        let refusal = refusal.unwrap();
        let reason = refusal.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((refusal.code(), reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }
    assert_eq!(owned.get("alice").await.unwrap().etag, *last, "a refused change changed something");
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_would_be_right() {
    let owned = Owned::new().await;
    let (long, control) = ("x".repeat(257), "a\0");
    let table = [
        (owned.grant("alice", "alice", 1, "").await.err(), "share.subject", "TransferOwnership"),
        (owned.grant("alice", "bob", 3, "").await.err(), "share.role", "TransferOwnership"),
        (owned.grant("alice", "bob", 0, "").await.err(), "share.role", "viewer or editor"),
        (owned.grant("alice", "bob", 77, "").await.err(), "share.role", "viewer or editor"),
        (owned.grant("alice", "", 1, "").await.err(), "share.subject", "1 to 256 bytes"),
        (owned.grant("alice", control, 1, "").await.err(), "share.subject", "control"),
        (owned.revoke("alice", "alice", "").await.err(), "subject", "TransferOwnership"),
        (owned.revoke("alice", &long, "").await.err(), "subject", "1 to 256 bytes"),
        (owned.show("alice", 0, "").await.err(), "visibility", "private or public"),
        (owned.show("alice", 9, "").await.err(), "visibility", "private or public"),
        (owned.transfer("alice", "alice", 0, "").await.err(), "new_owner", "another user"),
        (owned.transfer("alice", "", 0, "").await.err(), "new_owner", "1 to 256 bytes"),
        (owned.transfer("alice", "bob", 3, "").await.err(), "former_owner_role", "viewer, editor"),
        (owned.transfer("alice", "bob", -1, "").await.err(), "former_owner_role", "viewer, editor"),
    ];
    for (refusal, field, right) in table {
        let (code, named, said) = violation(&refusal.unwrap());
        assert_eq!((code, named.as_str()), (Code::InvalidArgument, field), "{said}");
        assert!(said.contains(right), "{said}");
    }
    assert_eq!(owned.role("alice").await, 3);
}

/// Editors, viewers, strangers and readers of what is public learn nothing and change nothing.
#[tokio::test]
async fn owners_alone_are_told_and_obeyed() {
    let owned = Owned::new().await;
    owned.grant("alice", "ed", 2, "").await.unwrap();
    owned.grant("alice", "vi", 1, "").await.unwrap();
    owned.show("alice", 2, "").await.unwrap();
    for user in ["ed", "vi", "stranger"] {
        let refusals = [
            owned.permissions(user, 0, "").await.err(),
            owned.grant(user, user, 2, "").await.err(),
            owned.revoke(user, user, "").await.err(),
            owned.show(user, 1, "").await.err(),
            owned.transfer(user, user, 0, "").await.err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.unwrap().code(), Code::PermissionDenied, "{user}");
        }
    }
    let bound = Who::Bound("alice".into(), "dataset", owned.id.clone());
    let request = ListPermissionsRequest { dataset_id: owned.id.clone(), ..Default::default() };
    let caller = owned.mint.caller(&owned.world, &bound);
    assert!(caller.permissions().list_permissions(request).await.is_ok());
}

#[tokio::test]
async fn pages_of_parts_are_sorted_and_fit_together() {
    let owned = Owned::new().await;
    let mut users: Vec<_> = (0..7).map(|n| format!("user {}", n * 5 % 7)).collect();
    users.extend(["Zoe".to_owned(), "\u{e9}mile".to_owned(), "a".to_owned()]);
    for user in &users {
        owned.grant("alice", user, 1, "").await.unwrap();
    }
    users.sort();
    for size in [1, 3, 9, 10, 11] {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = owned.permissions("alice", size, &token).await.unwrap();
            assert_eq!((page.owner.as_str(), page.visibility), ("alice", 1));
            assert!(!page.shares.is_empty() && i32::try_from(page.shares.len()).unwrap() <= size);
            seen.extend(page.shares.into_iter().map(|share| share.subject));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, users, "pages of {size}");
    }
    let token = owned.permissions("alice", 1, "").await.unwrap().next_page_token;
    let other = owned.world.sample_of("alice").await.dataset_id;
    let elsewhere = Owned { id: other, ..owned };
    for token in [token.as_str(), "x"] {
        let refused = elsewhere.permissions("alice", 1, token).await.unwrap_err();
        assert_eq!(violation(&refused).1, "page_token");
    }
}

/// The proof is older than the transfer: what it proved is asked again where the change is made.
#[tokio::test]
async fn a_proof_that_has_become_untrue_changes_nothing() {
    use hallpass_contract::can::{DeleteDataset, ShareDataset, WriteDataset};
    let owned = Owned::new().await;
    let (world, alice) = (&owned.world, owned.world.user("alice"));
    let share = world.may::<ShareDataset>(&alice, &owned.id).await.unwrap();
    let write = world.may::<WriteDataset>(&alice, &owned.id).await.unwrap();
    let delete = world.may::<DeleteDataset>(&alice, &owned.id).await.unwrap();
    owned.transfer("alice", "bob", 0, "").await.unwrap();
    let datasets = &world.labeler.datasets;
    let part = crate::model::dataset::Share {
        subject: "eve".into(),
        role: crate::model::access::Role::Viewer,
    };
    let page = crate::page::request(0, String::new()).unwrap();
    let refusals = [
        datasets.grant(&share, &part, "").await.err(),
        datasets.permissions(&share, page).await.err(),
        datasets.update(&write, Some("mine"), None, "").await.err(),
        datasets.delete(&delete, "").await.err(),
    ];
    for refusal in refusals {
        assert_eq!(Status::from(refusal.unwrap()).code(), Code::PermissionDenied);
    }
    assert_eq!(owned.role("eve").await, 0);
    assert_eq!(owned.get("bob").await.unwrap().display_name, "Shapes");
}

/// A request that made a dataset answers with it no more once it is another's.
#[tokio::test]
async fn an_old_request_shows_nothing_of_what_was_given_away() {
    let world = World::new().await;
    let mut start = super::world::start("a");
    start.request_id = "a9b8c7d6-0000-4000-8000-123456789abc".into();
    let files = [super::world::image("cat/1.png")];
    let made = world.upload(&world.user("alice"), start.clone(), &files).await.unwrap();
    let owned = Owned { world, mint: Mint::new(), id: made.dataset_id.clone() };
    owned.transfer("alice", "bob", 0, "").await.unwrap();
    let again = owned.world.upload(&owned.world.user("alice"), start, &files).await.unwrap();
    assert_ne!(again.dataset_id, made.dataset_id);
}
