//! Two Labeler processes on one PostgreSQL database and one folder of files are one Labeler; on one SQLite file there is one process.

use std::path::Path;

use hallpass_contract::labeler::create_dataset_request::Part;
use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::{
    CreateDatasetRequest, CreateDatasetStart, Dataset, DatasetSpec, DeleteDatasetRequest,
    FileChunk, GetDatasetRequest, ListDatasetsRequest,
};
use hallpass_labeler::sample;
use hallpass_store::testing;
use hallpass_token::{NewToken, TokenType};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::callers::{fresh_id, now};
use crate::mesh::{HALLPASS, Mesh, Node, connect, read_ring, ring_file};
use crate::raw::describe;
use crate::standing::{PLATFORM_LIST, keys, until, user_token};
use crate::tools;

/// Platform and two Labelers, each with a data folder of its own.
struct Two {
    clients: [DatasetServiceClient<Channel>; 2],
    labelers: [Node; 2],
    _platform: Node,
    data: TempDir,
    _other: TempDir,
}

impl Two {
    async fn start(server: &str) -> Self {
        let (data, other) = (Mesh::up().kill(), TempDir::new().expect("a folder"));
        share(data.path(), other.path());
        let platform = start(&["platform", "--data", text(data.path())], "");
        let follow = format!("http://{}", platform.address("platform"));
        let url = testing::schema_url(server, data.path()).await;
        let labeler = |data: &Path| {
            let arguments = ["labeler", "--data", text(data), "--platform", &follow];
            start(&[&arguments[..], &["--database", "env:DATABASE_OF_BOTH"]].concat(), &url)
        };
        let labelers = [labeler(data.path()), labeler(other.path())];
        let mut clients = Vec::new();
        for labeler in &labelers {
            clients.push(DatasetServiceClient::new(connect(&labeler.address("labeler")).await));
        }
        let clients = clients.try_into().expect("two of them");
        let two = Self { clients, labelers, _platform: platform, data, _other: other };
        for at in [0, 1] {
            two.until_it_serves(at).await;
        }
        two
    }

    async fn create(&self, at: usize, name: &str, request_id: &str) -> Result<Dataset, Status> {
        let dataset = DatasetSpec { display_name: name.to_owned(), ..DatasetSpec::default() };
        let start =
            CreateDatasetStart { dataset: Some(dataset), request_id: request_id.to_owned() };
        let files = sample::files().iter().map(|(path, data)| {
            Part::Chunk(FileChunk { path: (*path).to_owned(), data: (*data).into() })
        });
        let parts: Vec<_> = std::iter::once(Part::Start(start))
            .chain(files)
            .map(|part| CreateDatasetRequest { part: Some(part) })
            .collect();
        let request = self.signed(tokio_stream::iter(parts), "labeler:write");
        let answer = self.clients[at].clone().create_dataset(request).await?;
        Ok(answer.into_inner().dataset.expect("a dataset"))
    }

    async fn get(&self, at: usize, id: &str) -> Result<Dataset, Status> {
        let request = GetDatasetRequest { dataset_id: id.to_owned() };
        let request = self.signed(request, "labeler:read");
        let answer = self.clients[at].clone().get_dataset(request).await?;
        Ok(answer.into_inner().dataset.expect("a dataset"))
    }

    async fn list(&self, at: usize) -> Result<Vec<String>, Status> {
        let request = self.signed(ListDatasetsRequest::default(), "labeler:read");
        let answer = self.clients[at].clone().list_datasets(request).await?;
        Ok(answer.into_inner().datasets.into_iter().map(|dataset| dataset.dataset_id).collect())
    }

    async fn delete(&self, at: usize, id: &str) -> Result<(), Status> {
        let request = DeleteDatasetRequest { dataset_id: id.to_owned(), ..Default::default() };
        let request = self.signed(request, "labeler:delete");
        self.clients[at].clone().delete_dataset(request).await.map(drop)
    }

    /// A request in alice's name, as Platform would make it.
    fn signed<T>(&self, message: T, scope: &str) -> Request<T> {
        let mut token = NewToken::new(TokenType::Service, fresh_id());
        token.subject = Some("alice".to_owned());
        token.service = Some("platform".to_owned());
        token.scopes = std::iter::once(scope).collect();
        token.audience = vec!["labeler".to_owned()];
        let ring = read_ring(&ring_file(self.data.path(), "platform"));
        let token = ring.mint("platform-1", &token, now()).expect("the key may sign it");
        let mut request = Request::new(message);
        let token = format!("Bearer {}", token.expose()).parse().expect("a header");
        request.metadata_mut().insert("authorization", token);
        request
    }

    /// Until it follows Platform's list it refuses.
    async fn until_it_serves(&self, at: usize) {
        let asked = async {
            while self.list(at).await.is_err_and(|status| status.code() == Code::Unavailable) {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, asked).await.expect("Labeler serves");
    }
}

/// The same keys and the same files, by a link where there would be a mount.
fn share(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("keys")).expect("a folder");
    std::fs::create_dir_all(to.join("labeler")).expect("a folder");
    for key in std::fs::read_dir(from.join("keys")).expect("keys") {
        let key = key.expect("an entry");
        std::fs::copy(key.path(), to.join("keys").join(key.file_name())).expect("a copy");
    }
    let files = (from.join("labeler/files"), to.join("labeler/files"));
    std::os::unix::fs::symlink(files.0, files.1).expect("a link");
}

fn start(arguments: &[&str], database: &str) -> Node {
    let listen = [arguments, &["--listen", "127.0.0.1:0"]].concat();
    Node::start(&listen, &[("DATABASE_OF_BOTH", database)])
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_labelers_on_one_postgresql_are_one() {
    let Some(server) = testing::server() else { return };
    let two = Two::start(&server).await;

    let made = two.create(0, "made by the first", "").await.expect("it is made");
    let read = two.get(1, &made.dataset_id).await.expect("the second one reads it");
    assert_eq!(read, made);

    for round in 0..5 {
        let request_id = format!("00000000-0000-4000-8000-00000000000{round}");
        let (one, other) =
            tokio::join!(two.create(0, "raced", &request_id), two.create(1, "raced", &request_id),);
        let (one, other) = (one.expect("it is made"), other.expect("it is made"));
        assert_eq!(one, other, "round {round}: one request made two datasets");
    }
    assert_eq!(two.list(1).await.expect("a list").len(), 6);

    for id in two.list(0).await.expect("a list") {
        let (deleted, listed) = tokio::join!(two.delete(0, &id), two.list(1));
        deleted.expect("it is deleted");
        listed.expect("the other one goes on listing");
        let gone = two.get(1, &id).await.expect_err("it is gone");
        assert_eq!(describe(&gone), "PermissionDenied OBJECT_REFUSED");
    }
    assert_eq!(two.list(1).await.expect("a list"), Vec::<String>::new());
    assert_eq!(two.labelers.map(Node::terminate), [Some(0), Some(0)]);
}

/// What a Platform without a Labeler answers once it has decided.
const DECIDED: &str = "Unavailable LABELER_UNAVAILABLE";

/// A Platform on the database of both; it follows nobody, and Labeler is not there.
fn platform<'a>(data: &'a Path, more: &'a [(&'a str, &'a str)], database: &str) -> Node {
    let arguments = ["platform", "--data", text(data), "--listen", "127.0.0.1:0"];
    let of_both = ["--labeler", "http://127.0.0.1:1", "--database", "env:DATABASE_OF_BOTH"];
    let environment = [more, &[("DATABASE_OF_BOTH", database)]].concat();
    Node::start(&[&arguments[..], &of_both].concat(), &environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_platform_on_one_postgresql_does_not_start_without_nats() {
    let Some(server) = testing::server() else { return };
    let (data, other) = (keys(), TempDir::new().expect("a folder"));
    share(data.path(), other.path());
    let url = testing::schema_url(&server, data.path()).await;
    let first = platform(data.path(), &[], &url);

    let mut second = std::process::Command::new(HALLPASS);
    second.args(["platform", "--data", text(other.path()), "--listen", "127.0.0.1:0"]);
    second.args(["--labeler", "http://127.0.0.1:1", "--database", "env:DATABASE"]);
    let second = tools::run(second.env("DATABASE", &url).env("RUST_LOG", "warn"));
    assert_eq!(second.code, 1, "{second:?}");
    for part in ["another Platform runs on PostgreSQL database", "[nats]"] {
        assert!(second.stderr.contains(part), "{second:?}");
    }

    // Killed, it owns nothing: the next one does not wait for anything but the end of its connection.
    first.kill();
    let second = platform(other.path(), &[], &url);
    let (channel, token) = (connect(&second.address("platform")).await, user_token(&data));
    until(&channel, PLATFORM_LIST, &token, &[DECIDED]).await;

    // What it no longer owns it does not decide, until it owns it again.
    let usurper = testing::usurp(&url).await;
    until(&channel, PLATFORM_LIST, &token, &["Unavailable LIST_STALE"]).await;
    drop(usurper);
    until(&channel, PLATFORM_LIST, &token, &[DECIDED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nats_both_platforms_on_one_postgresql_start() {
    let Some(server) = testing::server() else { return };
    let (data, other) = (keys(), TempDir::new().expect("a folder"));
    share(data.path(), other.path());
    let url = testing::schema_url(&server, data.path()).await;
    // Nobody listens there: that is no reason not to start.
    let nats = [("HALLPASS_NATS__SERVERS", "[\"nats://127.0.0.1:1\"]")];
    let both = [data.path(), other.path()].map(|data| platform(data, &nats, &url));
    assert_eq!(both.map(Node::terminate), [Some(0), Some(0)]);
}

#[test]
fn a_second_labeler_on_one_sqlite_file_says_why_it_cannot() {
    let mesh = Mesh::up();
    let mut second = std::process::Command::new(HALLPASS);
    second.args(["labeler", "--data", text(mesh.data()), "--listen", "127.0.0.1:0"]);
    let second = tools::run(second.env("RUST_LOG", "warn"));
    assert_eq!(second.code, 1, "{second:?}");
    for part in ["another Labeler is using it", "PostgreSQL", "--database env:NAME"] {
        assert!(second.stderr.contains(part), "{second:?}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let Some(server) = testing::server() else { return };
    let data = Mesh::up().kill();
    let (user, rest) = server.rsplit_once('@').expect("a user");
    let (start, password) = user.rsplit_once(':').expect("a password");
    let at = rest.split('/').next().expect("a host");
    let missing = format!("{start}:{password}@{at}/missing");
    for (url, saying) in [
        (format!("{start}:s3cr3t@{rest}"), "password authentication failed"),
        (missing, "right: make it first"),
        (format!("{start}:{password}@127.0.0.1:1/x"), "no server answers there"),
    ] {
        for service in ["labeler", "platform"] {
            let mut command = std::process::Command::new(HALLPASS);
            command.args([service, "--data", text(data.path()), "--listen", "127.0.0.1:0"]);
            command.args(["--database", "env:DATABASE"]).env("DATABASE", &url);
            let ran = tools::run(&mut command);
            assert_eq!(ran.code, 1, "{ran:?}");
            assert!(ran.stderr.contains(saying) && ran.stderr.contains("127.0.0.1"), "{ran:?}");
            assert!(!ran.stderr.contains("s3cr3t") && !ran.stderr.contains(password), "{ran:?}");
        }
    }
}
