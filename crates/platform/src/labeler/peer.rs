//! The way to Labeler, whatever layers are on it.

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use hallpass_contract::labeler;

pub use hallpass_jobs::Peer;

/// Whether Labeler answers and says that it serves its datasets. The channel needs no tokens; the caller bounds the wait.
pub async fn is_serving(peer: impl Peer) -> bool {
    let request = HealthCheckRequest { service: labeler::DATASET_SERVICE.to_owned() };
    match HealthClient::new(peer).check(request).await {
        Ok(answer) => answer.get_ref().status() == ServingStatus::Serving,
        Err(_) => false,
    }
}
