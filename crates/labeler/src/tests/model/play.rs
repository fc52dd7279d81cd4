//! The game: who calls, what for, and whether the answer is the model's.

use std::collections::BTreeMap;

use tonic::{Code, Response, Status};

use super::super::callers::{Caller, Mint, Who};
use super::super::chance::Chance;
use super::super::world::World;
use super::Model;

pub(super) const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// What workers may call at all: they read, and they may split what their token is for.
const FOR_WORKERS: [&str; 11] = [
    "GetDataset",
    "BatchGetDatasets",
    "DownloadDataset",
    "GetDownloadUrl",
    "GetSnapshot",
    "ListSnapshots",
    "ListSnapshotFiles",
    "DiffSnapshots",
    "DownloadSnapshot",
    "ListItems",
    "AssignSplits",
];

pub(super) struct Play {
    pub(super) world: World,
    mint: Mint,
    pub(super) chance: Chance,
    pub(super) model: Model,
    /// How often each RPC let a caller in and kept one out.
    counts: BTreeMap<&'static str, (u32, u32)>,
    /// What each RPC tells those that it keeps out: the same always.
    refusals: BTreeMap<(&'static str, bool), (String, Vec<u8>)>,
}

impl Play {
    pub(super) async fn new(chance: Chance) -> Self {
        Self {
            world: World::new().await,
            mint: Mint::new(),
            chance,
            model: Model::default(),
            counts: BTreeMap::new(),
            refusals: BTreeMap::new(),
        }
    }

    /// One call of a random RPC by a random caller.
    pub(super) async fn step(&mut self) {
        let who = self.who();
        let rules: Vec<_> = rules().collect();
        match self.chance.one_of(&rules).method {
            "CreateDataset" => self.create_dataset(who).await,
            "GetDataset" => self.get_dataset(who).await,
            "ListDatasets" => self.list_datasets(who).await,
            "BatchGetDatasets" => self.batch_get_datasets(who).await,
            "UpdateDataset" => self.update_dataset(who).await,
            "CheckPermission" => self.check_permission(who).await,
            "DownloadDataset" => self.download_dataset(who).await,
            "GetDownloadUrl" => self.get_download_url(who).await,
            "DeleteDataset" => self.delete_dataset(who).await,
            "ListPermissions" => self.list_permissions(who).await,
            "GrantPermission" => self.grant_permission(who).await,
            "RevokePermission" => self.revoke_permission(who).await,
            "SetVisibility" => self.set_visibility(who).await,
            "TransferOwnership" => self.transfer_ownership(who).await,
            "CreateUpload" => self.create_upload(who).await,
            "CreateRevision" => self.create_revision(who).await,
            "GetUpload" => self.get_upload(who).await,
            "ListUploads" => self.list_uploads(who).await,
            "ListUploadFiles" => self.list_upload_files(who).await,
            "WriteFiles" => self.write_files(who).await,
            "FinishUpload" => self.finish_upload(who).await,
            "CancelUpload" => self.cancel_upload(who).await,
            "ImportFolder" => self.import_folder(who).await,
            "CreateSnapshot" => self.create_snapshot(who).await,
            "GetSnapshot" => self.get_snapshot(who).await,
            "ListSnapshots" => self.list_snapshots(who).await,
            "ListSnapshotFiles" => self.list_snapshot_files(who).await,
            "DiffSnapshots" => self.diff_snapshots(who).await,
            "DownloadSnapshot" => self.download_snapshot(who).await,
            "DeleteSnapshot" => self.delete_snapshot(who).await,
            "ListItems" => self.list_items(who).await,
            "AssignSplits" => self.assign_splits(who).await,
            new => unreachable!("the model does not know {new}"),
        }
    }

    pub(super) fn caller(&self, who: &Who) -> Caller<'_> {
        self.mint.caller(&self.world, who)
    }

    /// Compares an answer with the model's. `Some` is the answer of a call that may be made and was.
    pub(super) fn judge<T>(
        &mut self,
        method: &'static str,
        who: &Who,
        may: bool,
        answer: Result<Response<T>, Status>,
    ) -> Option<Result<T, Status>> {
        let is_worker = matches!(who, Who::Worker(_) | Who::WorkerOf(..) | Who::OtherMinters);
        let kept_out = is_worker && !FOR_WORKERS.contains(&method);
        let refused =
            answer.as_ref().err().filter(|status| status.code() == Code::PermissionDenied);
        let counts = self.counts.entry(method).or_default();
        if may && !kept_out {
            assert!(refused.is_none(), "{method} by {who:?}: {refused:?}\n{:#?}", self.model);
            counts.0 += 1;
            return Some(answer.map(Response::into_inner));
        }
        let Some(refused) = refused else {
            unreachable!("{method} by {who:?} is let in: {:?}\n{:#?}", answer.err(), self.model)
        };
        counts.1 += 1;
        let said = (refused.message().to_owned(), refused.details().to_vec());
        let before = self.refusals.entry((method, kept_out)).or_insert_with(|| said.clone());
        assert_eq!(*before, said, "{method} tells two refusals apart");
        None
    }

    /// Every RPC has let somebody in and kept somebody out.
    pub(super) fn covers_every_rpc(&self) {
        for rule in rules() {
            let (let_in, kept_out) = self.counts.get(rule.method).copied().unwrap_or_default();
            assert!(let_in > 0 && kept_out > 0, "{}: {let_in}, {kept_out}", rule.method);
        }
    }

    fn who(&mut self) -> Who {
        let user = (*self.chance.one_of(&USERS)).to_owned();
        match self.chance.below(10) {
            0 => {
                let (kind, id) = self.any_object();
                Who::Bound(user, kind, id)
            }
            1 => Who::Worker(Some(self.any_object())),
            3 => {
                let (kind, id) = self.any_object();
                Who::WorkerOf(user, kind, id)
            }
            2 if self.chance.once_in(2) => Who::Worker(None),
            2 => Who::OtherMinters,
            _ => Who::User(user),
        }
    }

    pub(super) fn user(&mut self) -> String {
        (*self.chance.one_of(&USERS)).to_owned()
    }

    pub(super) fn any_object(&mut self) -> (&'static str, String) {
        let kind = *self.chance.one_of(&["dataset", "snapshot", "upload"]);
        (kind, self.id(kind))
    }

    /// An object's id: mostly of one that is there, sometimes of one that is not, of another kind, or of none at all.
    pub(super) fn id(&mut self, kind: &str) -> String {
        let mut ids: Vec<&String> = match kind {
            "dataset" => self.model.datasets.keys().collect(),
            "snapshot" => self.model.snapshots.keys().collect(),
            _ => self.model.uploads.keys().collect(),
        };
        if ids.is_empty() || self.chance.once_in(10) {
            ids = self.model.gone.iter().chain(self.model.datasets.keys()).collect();
        }
        if ids.is_empty() || self.chance.once_in(20) {
            let absent = ["ds_00000000000000000000000000000000", "sn_", "../ds", "1' OR '1'='1"];
            return (*self.chance.one_of(&absent)).to_owned();
        }
        (*self.chance.one_of(&ids)).clone()
    }

    /// An id that the caller's token is for, if it is for one: so that such tokens are not refused all the time.
    pub(super) fn id_for(&mut self, who: &Who, kind: &'static str) -> String {
        match who {
            Who::Bound(_, bound_to, id) | Who::Worker(Some((bound_to, id)))
                if *bound_to == kind && !self.chance.once_in(3) =>
            {
                id.clone()
            }
            _ => self.id(kind),
        }
    }
}

/// What is asked of objects: diagnostics tell callers of themselves alone.
fn rules() -> impl Iterator<Item = &'static hallpass_policy::Rule> {
    let labeler = |service: &str| service.starts_with("hallpass.labeler.");
    hallpass_contract::RULES
        .iter()
        .filter(move |rule| labeler(rule.service) && !rule.service.ends_with(".DiagnosticsService"))
}
