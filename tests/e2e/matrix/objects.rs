//! Objects of the matrix's user, one of each type, made as Platform would make them at Labeler.

use hallpass_contract::labeler::create_dataset_request::Part;
use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::upload_service_client::UploadServiceClient;
use hallpass_contract::labeler::{
    CreateDatasetRequest, CreateDatasetStart, CreateSnapshotRequest, CreateUploadRequest,
    DatasetSpec, FileChunk,
};
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::{CreateJobRequest, JobSpec};
use hallpass_policy::Rule;

use super::Matrix;

impl Matrix {
    /// An object of the matrix's user, fresh because an RPC may delete it, of the type that the RPC binds.
    pub(super) async fn own_object(&self, rule: &Rule) -> Option<String> {
        let bound = rule.resources.iter().find(|resource| resource.field.is_some())?;
        Some(match bound.kind {
            "dataset" => self.own_dataset().await,
            "snapshot" => self.own_snapshot().await,
            "upload" => self.own_upload().await,
            "job" => self.own_job().await,
            other => panic!("the matrix has no {other}"),
        })
    }

    async fn own_job(&self) -> String {
        let dataset_id = self.own_dataset().await;
        let job = JobSpec { display_name: "matrix".into(), dataset_id, ..JobSpec::default() };
        let request = CreateJobRequest { job: Some(job), request_id: String::new() };
        let request = self.authorized("/hallpass.platform.v1.JobService/CreateJob", request);
        let created = JobServiceClient::new(self.platform.clone()).create_job(request).await;
        let created = created.expect("alice may train on her dataset").into_inner();
        created.job.expect("a job").job_id
    }

    async fn own_snapshot(&self) -> String {
        let request = CreateSnapshotRequest {
            dataset_id: self.own_dataset().await,
            display_name: "matrix".into(),
            ..CreateSnapshotRequest::default()
        };
        let path = "/hallpass.labeler.v1.SnapshotService/CreateSnapshot";
        let request = self.authorized(path, request);
        let made = SnapshotServiceClient::new(self.labeler.clone()).create_snapshot(request).await;
        let made = made.expect("alice may keep her dataset").into_inner();
        made.snapshot.expect("a snapshot").snapshot_id
    }

    async fn own_upload(&self) -> String {
        let dataset = DatasetSpec { display_name: "matrix".into(), ..DatasetSpec::default() };
        let request = CreateUploadRequest { dataset: Some(dataset), request_id: String::new() };
        let request = self.authorized("/hallpass.labeler.v1.UploadService/CreateUpload", request);
        let made = UploadServiceClient::new(self.labeler.clone()).create_upload(request).await;
        let made = made.expect("alice may open an upload").into_inner();
        made.upload.expect("an upload").upload_id
    }

    async fn own_dataset(&self) -> String {
        let dataset = DatasetSpec { display_name: "matrix".into(), ..DatasetSpec::default() };
        let start =
            Part::Start(CreateDatasetStart { dataset: Some(dataset), request_id: String::new() });
        let image =
            hallpass_labeler::sample::files().iter().find(|(path, _)| path.starts_with("circle/"));
        let (path, data) = image.expect("the sample dataset has images");
        let chunk = Part::Chunk(FileChunk { path: (*path).into(), data: (*data).into() });
        let parts = [start, chunk].map(|part| CreateDatasetRequest { part: Some(part) });
        let path = "/hallpass.labeler.v1.DatasetService/CreateDataset";
        let request = self.authorized(path, tokio_stream::iter(parts));
        let created = DatasetServiceClient::new(self.labeler.clone()).create_dataset(request).await;
        let created = created.expect("alice may create a dataset").into_inner();
        created.dataset.expect("a dataset").dataset_id
    }
}
