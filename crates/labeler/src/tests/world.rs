//! A Labeler over a folder of its own, people who call it, and images to upload.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hallpass_contract::can::{DeleteDataset, ReadDataset};
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use hallpass_policy::{DecisionId, Granted, Permission, Permit, Rule, Visible};
use hallpass_token::{
    Algorithm, Grants, Key, KeyRing, KeySpec, KeyState, NewToken, Profile, ResourceClaim, TokenId,
    TokenType, UnixTime, generate,
};
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::Status;

use super::on_s3;
use crate::datasets::service::Handlers;
use crate::policy::DatasetPolicy;
use crate::sample;
use crate::{FileStore, Labeler, Settings};

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) labeler: Labeler,
    ring: KeyRing,
    time: Arc<AtomicU64>,
}

/// One file of an upload.
pub(super) type File = (String, Vec<u8>);

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(super) async fn with(settings: Settings) -> Self {
        let folder = TempDir::new().unwrap();
        let time = Arc::new(AtomicU64::new(1_800_000_000));
        let labeler = open(folder.path(), settings, &time).await;
        Self { folder, labeler, ring: ring(), time }
    }

    /// The same folder as a new process finds it.
    pub(super) async fn restarted(self) -> Self {
        self.restarted_with(Settings::default()).await
    }

    /// The same folder as a new process finds it that has these settings.
    pub(super) async fn restarted_with(self, settings: Settings) -> Self {
        self.labeler.close().await;
        let labeler = open(self.folder.path(), settings, &self.time).await;
        Self { labeler, ..self }
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.time.load(Ordering::Relaxed))
    }

    pub(super) fn handlers(&self) -> Handlers {
        Handlers::new(Arc::clone(&self.labeler.datasets))
    }

    /// A call in a user's name.
    pub(super) fn user(&self, subject: &str) -> Permit {
        let mut token = token(TokenType::Service);
        token.subject = Some(subject.to_owned());
        self.permit(&token)
    }

    /// A call of this method in a user's name with a token that has storage grants.
    pub(super) fn granted(&self, subject: &str, method: &str, grants: Grants) -> Permit {
        let mut token = token(TokenType::Service);
        (token.subject, token.grants) = (Some(subject.to_owned()), Some(grants));
        let mut rules = hallpass_contract::RULES.iter();
        let rule = rules.find(|rule| rule.audience == "labeler" && rule.method == method);
        self.signed_for(rule.unwrap(), "test", &token)
    }

    /// A call in a user's name with a token that is for one object.
    pub(super) fn user_bound(&self, subject: &str, kind: &str, id: &str) -> Permit {
        let mut token = token(TokenType::Service);
        token.subject = Some(subject.to_owned());
        token.resource = Some(ResourceClaim { kind: kind.to_owned(), id: id.to_owned() });
        self.permit(&token)
    }

    /// A call of a worker, with a token that is for one object if one is given.
    pub(super) fn worker(&self, resource: Option<(&str, &str)>) -> Permit {
        let mut token = token(TokenType::Background);
        token.job_id = Some("job-7".to_owned());
        token.resource =
            resource.map(|(kind, id)| ResourceClaim { kind: kind.to_owned(), id: id.to_owned() });
        self.permit(&token)
    }

    /// A call of a worker with a token of another minter, which has no id and names no object.
    pub(super) fn hybrid_worker(&self) -> Permit {
        let mut token = token(TokenType::Background);
        token.audience = Vec::new();
        self.signed("hybrid", &token)
    }

    pub(super) async fn may<P: Permission>(
        &self,
        permit: &Permit,
        id: &str,
    ) -> Result<Granted<P>, Status> {
        let policy = DatasetPolicy::new(Arc::clone(&self.labeler.datasets));
        Granted::check(&policy, permit, id).await.map_err(Status::from)
    }

    /// Uploads files in pieces of 1000 bytes; the empty ones as one empty piece.
    pub(super) async fn upload(
        &self,
        permit: &Permit,
        start: wire::CreateDatasetStart,
        files: &[File],
    ) -> Result<wire::Dataset, Status> {
        let messages: Vec<_> = files.iter().flat_map(pieces).map(Ok).collect();
        let rest = Box::pin(tokio_stream::iter(messages));
        let first = wire::create_dataset_request::Part::Start(start);
        let first = wire::CreateDatasetRequest { part: Some(first) };
        let answer = self.handlers().create_dataset(permit.clone(), first, rest).await?;
        Ok(answer.dataset.unwrap())
    }

    /// The sample as this user's dataset.
    pub(super) async fn sample_of(&self, owner: &str) -> wire::Dataset {
        self.upload(&self.user(owner), start("Shapes"), &sample_files()).await.unwrap()
    }

    pub(super) async fn get(&self, permit: &Permit, id: &str) -> Result<wire::Dataset, Status> {
        let proof = self.may::<ReadDataset>(permit, id).await?;
        let answer = self.handlers().get_dataset(proof, wire::GetDatasetRequest::default()).await?;
        Ok(answer.dataset.unwrap())
    }

    pub(super) async fn list(
        &self,
        permit: &Permit,
        page_size: i32,
        page_token: &str,
    ) -> Result<wire::ListDatasetsResponse, Status> {
        let visible = Visible::through(permit)?;
        let request = wire::ListDatasetsRequest {
            page_size,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        Ok(self.handlers().list_datasets(visible, request).await?.into_inner())
    }

    pub(super) async fn delete(&self, permit: &Permit, id: &str, etag: &str) -> Result<(), Status> {
        let proof = self.may::<DeleteDataset>(permit, id).await?;
        let request =
            wire::DeleteDatasetRequest { dataset_id: id.to_owned(), etag: etag.to_owned() };
        self.handlers().delete_dataset(proof, request).await?;
        Ok(())
    }

    /// Downloads all files, or one from a byte on.
    pub(super) async fn download(
        &self,
        permit: &Permit,
        id: &str,
        path: &str,
        offset: u64,
    ) -> Result<Vec<File>, Status> {
        let proof = self.may::<ReadDataset>(permit, id).await?;
        let request = wire::DownloadDatasetRequest {
            dataset_id: id.to_owned(),
            path: path.to_owned(),
            offset,
            ..Default::default()
        };
        let mut reply = self.handlers().download_dataset(proof, request).await?;
        let mut files: Vec<File> = Vec::new();
        while let Some(message) = reply.next().await {
            let chunk = message?.chunk.unwrap();
            assert!(chunk.data.len() <= 64 << 10, "a piece of {} bytes", chunk.data.len());
            match files.last_mut() {
                Some((path, data)) if *path == chunk.path => data.extend_from_slice(&chunk.data),
                _ => files.push((chunk.path, chunk.data.to_vec())),
            }
        }
        Ok(files)
    }

    /// How many files there are in the store, whole and half-written ones.
    pub(super) fn stored_files(&self) -> usize {
        on_s3::count(self.folder.path()).unwrap_or_else(|| count(&self.store()))
    }

    /// Where a dataset's files are, in the order in which they were written.
    pub(super) fn stored(&self, id: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.store().join(id)).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        let number = |file: &PathBuf| file.file_name()?.to_str()?.parse::<u64>().ok();
        files.sort_by_key(number);
        files
    }

    /// The folder with the datasets' files.
    pub(super) fn store(&self) -> PathBuf {
        self.folder.path().join("files/datasets")
    }

    fn permit(&self, token: &NewToken) -> Permit {
        self.signed("test", token)
    }

    fn signed(&self, kid: &str, token: &NewToken) -> Permit {
        let rule = hallpass_contract::rule("/hallpass.labeler.v1.DatasetService/GetDataset");
        self.signed_for(rule.unwrap(), kid, token)
    }

    fn signed_for(&self, rule: &'static Rule, kid: &str, token: &NewToken) -> Permit {
        let now = UnixTime::from_secs(self.time.load(Ordering::Relaxed));
        let minted = self.ring.mint(kid, token, now).unwrap();
        let verified = self.ring.verify(minted.expose(), now).unwrap();
        Permit::for_tests(rule, Arc::new(verified), DecisionId::new(1, 1))
    }
}

/// A private dataset of this name.
pub(super) fn start(name: &str) -> wire::CreateDatasetStart {
    let dataset = wire::DatasetSpec { display_name: name.to_owned(), ..Default::default() };
    wire::CreateDatasetStart { dataset: Some(dataset), request_id: String::new() }
}

pub(super) fn sample_files() -> Vec<File> {
    sample::files().iter().map(|(path, data)| ((*path).to_owned(), data.to_vec())).collect()
}

/// A whole image at this path.
pub(super) fn image(path: &str) -> File {
    (path.to_owned(), sample::files()[1].1.to_vec())
}

pub(super) fn chunk(path: &str, data: &[u8]) -> wire::CreateDatasetRequest {
    let chunk = wire::FileChunk { path: path.to_owned(), data: data.to_vec().into() };
    wire::CreateDatasetRequest { part: Some(wire::create_dataset_request::Part::Chunk(chunk)) }
}

fn pieces((path, data): &File) -> Vec<wire::CreateDatasetRequest> {
    let mut pieces: Vec<_> = data.chunks(1000).map(|data| chunk(path, data)).collect();
    if pieces.is_empty() {
        pieces.push(chunk(path, &[]));
    }
    pieces
}

pub(super) async fn open(folder: &Path, settings: Settings, time: &Arc<AtomicU64>) -> Labeler {
    let settings = match settings.files {
        // A test that names a store of its own has it.
        FileStore::S3(_) => settings,
        FileStore::Folder => Settings { files: on_s3::store(folder), ..settings },
    };
    let time = Arc::clone(time);
    let now = Arc::new(move || UnixTime::from_secs(time.load(Ordering::Relaxed)));
    let database = hallpass_store::testing::location(&folder.join("labeler.sqlite")).await;
    Labeler::open_on(&database, folder, settings, now).await.unwrap()
}

fn token(token_type: TokenType) -> NewToken {
    let mut token = NewToken::new(token_type, TokenId::from_random([1; 16]));
    token.audience = vec!["labeler".to_owned()];
    token.service = Some("platform".to_owned());
    token.scopes = ["labeler:read".to_owned()].into_iter().collect();
    token
}

fn ring() -> KeyRing {
    let keys = [
        key(Algorithm::EdDsa, "test", Profile::Standard),
        key(Algorithm::Hs256, "hybrid", Profile::HybridV1),
    ];
    KeyRing::new(keys.into()).unwrap()
}

fn key(algorithm: Algorithm, kid: &str, profile: Profile) -> Key {
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: "test".to_owned(),
        owner: "platform".to_owned(),
        types: vec![TokenType::Service, TokenType::Background],
        scopes: ["labeler:read".to_owned()].into_iter().collect(),
        audiences: vec!["labeler".to_owned()],
        state: KeyState::Active,
        profile,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(algorithm, spec).unwrap()
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}
