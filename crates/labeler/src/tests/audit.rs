//! That no user's permission was asked is on record, and so is every change of who may use a dataset; refusals and tokens are not
//! in it.

use std::io;
use std::sync::{Arc, Mutex};

use hallpass_contract::can::ReadDataset;
use hallpass_contract::labeler as wire;
use tracing_subscriber::fmt::MakeWriter;

use super::callers::{Mint, Who};
use super::world::World;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn audited(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("\"target\":\"hallpass::audit\""));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_worker_is_audited_by_job_and_service_and_a_user_is_not() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let world = World::new().await;
    let id = world.sample_of("alice").await.dataset_id;
    assert!(world.may::<ReadDataset>(&world.user("alice"), &id).await.is_ok());
    assert_eq!(log.audited(), [""; 0]);
    let worker = world.worker(Some(("dataset", &id)));
    // Tests beside this one reach the same event first and have no subscriber; tracing remembers that until told otherwise.
    assert!(world.may::<ReadDataset>(&worker, &id).await.is_ok());
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    assert!(world.may::<ReadDataset>(&worker, &id).await.is_ok());
    let audited = log.audited();
    assert_eq!(audited.len(), 1, "{audited:?}");
    for part in ["\"job_id\":\"job-7\"", "\"service\":\"platform\"", "\"permission\":\"read\"", &id]
    {
        assert!(audited[0].contains(part), "{part} is missing in {}", audited[0]);
    }
    // A JWT's first part in base64url.
    assert!(!audited[0].contains("eyJ"), "a token is in the log");
}

#[tokio::test]
async fn every_change_of_who_may_use_a_dataset_is_audited_and_no_other_call() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let (world, mint) = (World::new().await, Mint::new());
    let id = world.sample_of("alice").await.dataset_id;
    // The first round is for tracing, which remembers of tests beside this one that nobody listens; the second is looked at.
    for _ in 0..2 {
        tracing::callsite::rebuild_interest_cache();
        log.0.lock().unwrap().clear();
        change_all(&world, &mint, &id).await;
    }
    let audited = log.audited();
    let expected = [
        "\"change\":\"grant\",\"part_of\":\"bob\",\"role\":\"viewer\"",
        "\"change\":\"revoke\",\"part_of\":\"bob\",\"role\":\"none\"",
        "\"change\":\"make public\"",
        "\"change\":\"make private\"",
        "\"change\":\"transfer\",\"part_of\":\"carol\",\"role\":\"owner\"",
        "\"change\":\"transfer\",\"part_of\":\"alice\",\"role\":\"editor\"",
    ];
    // Two more for the way back, which carol made.
    assert_eq!(audited.len(), expected.len() + 2, "{audited:#?}");
    for (line, change) in audited.iter().zip(expected) {
        let decision = "\"decision\":\"00000000000000010000000000000007\"";
        for part in [change, "\"sub\":\"alice\"", decision, &format!("\"dataset_id\":\"{id}\"")] {
            assert!(line.contains(part), "{part} is missing in {line}");
        }
        assert!(!line.contains("Shapes") && !line.contains("eyJ"), "{line}");
    }
}

#[tokio::test]
async fn what_a_worker_changes_is_audited_by_job_and_service() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let (world, mint) = (World::new().await, Mint::new());
    let id = world.sample_of("alice").await.dataset_id;
    let worker = mint.caller(&world, &Who::Worker(Some(("dataset", id.clone()))));
    // Twice, as above.
    for _ in 0..2 {
        tracing::callsite::rebuild_interest_cache();
        log.0.lock().unwrap().clear();
        let ratios = wire::SplitRatios { train: 1.0, ..Default::default() };
        let by = Some(wire::assign_splits_request::By::Ratios(ratios));
        let request = wire::AssignSplitsRequest { dataset_id: id.clone(), by, etag: String::new() };
        worker.splits().assign_splits(request).await.unwrap();
    }
    let audited = log.audited();
    let [asked, changed] = audited.as_slice() else { panic!("{audited:#?}") };
    assert!(asked.contains("\"permission\":\"write\""), "{asked}");
    assert!(changed.contains("\"change\":\"assign splits\""), "{changed}");
    for line in [asked, changed] {
        for part in ["\"job_id\":\"job-7\"", "\"service\":\"platform\"", &id] {
            assert!(line.contains(part), "{part} is missing in {line}");
        }
    }
}

/// Every change once, with calls between them that change nothing; in the end the dataset is alice's again.
async fn change_all(world: &World, mint: &Mint, id: &str) {
    let alice = mint.caller(world, &"alice".into());
    let (id, mut permissions) = (id.to_owned(), alice.permissions());
    for role in [1, 1, 0] {
        let share = Some(wire::Share { subject: "bob".into(), role });
        let request =
            wire::GrantPermissionRequest { dataset_id: id.clone(), share, ..Default::default() };
        assert_eq!(permissions.grant_permission(request).await.is_ok(), role == 1);
    }
    for _ in 0..2 {
        let (dataset_id, subject) = (id.clone(), "bob".to_owned());
        let request = wire::RevokePermissionRequest { dataset_id, subject, etag: String::new() };
        permissions.revoke_permission(request).await.unwrap();
    }
    for visibility in [2, 2, 1] {
        let request =
            wire::SetVisibilityRequest { dataset_id: id.clone(), visibility, etag: String::new() };
        permissions.set_visibility(request).await.unwrap();
    }
    let transfer = |new_owner: &str, former_owner_role| wire::TransferOwnershipRequest {
        dataset_id: id.clone(),
        new_owner: new_owner.to_owned(),
        former_owner_role,
        etag: String::new(),
    };
    permissions.transfer_ownership(transfer("carol", 2)).await.unwrap();
    permissions.transfer_ownership(transfer("carol", 2)).await.unwrap_err();
    let carol = mint.caller(world, &"carol".into());
    carol.permissions().transfer_ownership(transfer("alice", 0)).await.unwrap();
}
