//! The integration suite of the system that Hallpass draws its hybrid JWTs from, by the names of its checks: all
//! seven.

use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient as LabelerClient;
use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::{
    CheckPermissionRequest, CreateSnapshotRequest, Dataset, GetDatasetRequest, ListDatasetsRequest,
    ListSnapshotsRequest, Role, Snapshot,
};
use hallpass_token::{NewToken, TokenType};
use tonic::Request;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::callers::{fresh_id, now};
use crate::mesh::{Mesh, connect};

/// Labeler, called as Platform calls it: with a service token that Platform's key signed for one user.
struct Suite {
    mesh: Mesh,
    labeler: Channel,
}

impl Suite {
    async fn start() -> Self {
        let mesh = Mesh::up();
        let labeler = connect(&mesh.labeler()).await;
        Self { mesh, labeler }
    }

    fn client(&self) -> LabelerClient<Channel> {
        LabelerClient::new(self.labeler.clone())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        self.request_for("labeler:read", message)
    }

    fn request_for<T>(&self, scope: &str, message: T) -> Request<T> {
        let mut token = NewToken::new(TokenType::Service, fresh_id());
        token.subject = Some("alice".to_owned());
        token.service = Some("platform".to_owned());
        token.scopes = std::iter::once(scope).collect();
        token.audience = vec!["labeler".to_owned()];
        let ring = self.mesh.ring("platform");
        let token = ring.mint("platform-1", &token, now()).expect("Platform may sign it");
        let mut request = Request::new(message);
        let header = format!("Bearer {}", token.expose()).parse().expect("ASCII");
        request.metadata_mut().insert("authorization", header);
        request
    }

    fn snapshots(&self) -> SnapshotServiceClient<Channel> {
        SnapshotServiceClient::new(self.labeler.clone())
    }

    async fn snapshot_of(&self, dataset: &Dataset) -> Snapshot {
        let request = CreateSnapshotRequest {
            dataset_id: dataset.dataset_id.clone(),
            display_name: "first".to_owned(),
            ..Default::default()
        };
        let request = self.request_for("labeler:write", request);
        let made = self.snapshots().create_snapshot(request).await.expect("alice may keep it");
        made.into_inner().snapshot.expect("a snapshot")
    }

    async fn first_dataset(&self) -> Dataset {
        let request = self.request(ListDatasetsRequest { page_size: 1, ..Default::default() });
        let listed = self.client().list_datasets(request).await.expect("alice may list");
        listed.into_inner().datasets.into_iter().next().expect("the sample dataset is alice's")
    }
}

async fn health(channel: Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel).check(request).await.expect("health needs no token");
    answer.into_inner().status()
}

#[tokio::test]
async fn labeler_health_check() {
    let suite = Suite::start().await;
    assert_eq!(
        health(suite.labeler, "hallpass.labeler.v1.DatasetService").await,
        ServingStatus::Serving
    );
}

#[tokio::test]
async fn labeler_client_health_check() {
    let suite = Suite::start().await;
    let platform = connect(&suite.mesh.platform()).await;
    let service = "hallpass.platform.v1.DatasetService";
    let serving = async {
        while health(platform.clone(), service).await != ServingStatus::Serving {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, serving).await.expect("Platform reaches Labeler");
}

#[tokio::test]
async fn list_datasets() {
    let suite = Suite::start().await;
    let dataset = suite.first_dataset().await;
    assert_eq!(dataset.owner, "alice");
    assert!(dataset.item_count > 0);
}

#[tokio::test]
async fn get_dataset_metadata() {
    let suite = Suite::start().await;
    let listed = suite.first_dataset().await;
    let request = suite.request(GetDatasetRequest { dataset_id: listed.dataset_id.clone() });
    let got = suite.client().get_dataset(request).await.expect("alice may read it").into_inner();
    let got = got.dataset.expect("a dataset");
    assert_eq!(got, listed);
    assert!(!got.storage_path.is_empty());
    assert_eq!(got.classes.iter().map(|class| class.item_count).sum::<u64>(), got.item_count);
}

#[tokio::test]
async fn check_permissions() {
    let suite = Suite::start().await;
    let dataset_id = suite.first_dataset().await.dataset_id;
    let request = suite.request(CheckPermissionRequest { dataset_id, ..Default::default() });
    let own = suite.client().check_permission(request).await.expect("alice may ask").into_inner();
    assert_eq!(own.role(), Role::Owner);
    assert_eq!(own.permissions, ["read", "write", "delete", "share"]);

    let absent = CheckPermissionRequest {
        dataset_id: "ds_00000000000000000000000000000000".into(),
        ..Default::default()
    };
    let none = suite.client().check_permission(suite.request(absent)).await.expect("alice may ask");
    assert!(none.into_inner().permissions.is_empty());
}

#[tokio::test]
async fn create_snapshot() {
    let suite = Suite::start().await;
    let dataset = suite.first_dataset().await;
    let snapshot = suite.snapshot_of(&dataset).await;
    assert_eq!((&snapshot.dataset_id, &*snapshot.creator), (&dataset.dataset_id, "alice"));
    assert_eq!(snapshot.content_sha256.len(), 32);
    assert_eq!((snapshot.item_count, &snapshot.classes), (dataset.item_count, &dataset.classes));
}

#[tokio::test]
async fn list_snapshots() {
    let suite = Suite::start().await;
    let dataset = suite.first_dataset().await;
    let (first, second) = (suite.snapshot_of(&dataset).await, suite.snapshot_of(&dataset).await);
    let request = ListSnapshotsRequest { dataset_id: dataset.dataset_id, ..Default::default() };
    let listed = suite.snapshots().list_snapshots(suite.request(request)).await;
    let listed = listed.expect("alice may list").into_inner().snapshots;
    let ids: Vec<_> = listed.iter().map(|of| &of.snapshot_id).collect();
    assert_eq!(ids, [&second.snapshot_id, &first.snapshot_id], "newest first");
    assert_eq!(first.content_sha256, second.content_sha256, "equal content, equal hash");
}
