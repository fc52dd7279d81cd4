//! A token that is bound to a certificate, through a proxy that says which certificate it was shown.

use hallpass_contract::auth::RevokeTokenRequest;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use hallpass_server::{Server, Shutdown};
use hallpass_token::Confirmation;
use serde_json::json;
use tonic::Request;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use crate::fixture::{Flags, NOW, NoClaims, config, gate, services, setup_with, worker};

#[tokio::test]
async fn a_bound_token_counts_with_the_certificate_that_a_trusted_proxy_was_shown() {
    let rows = [
        (json!(["127.0.0.0/8"]), "ab", Ok(())),
        (json!(["127.0.0.0/8"]), "cd", Err("BINDING_MISMATCH")),
        (json!(["10.0.0.0/8"]), "ab", Err("BINDING_MISMATCH")),
        (json!([]), "ab", Err("BINDING_MISMATCH")),
    ];
    for (proxies, hash, expected) in rows {
        let (setup, keys) = setup_with(services(&gate()), Some(std::sync::Arc::new(NoClaims)));
        let limits = json!({"trusted_proxies": proxies});
        let bound = Server::bind(&config(&Flags::from([("limits", limits)])), setup).await.unwrap();
        let at = Channel::from_shared(format!("http://{}", bound.address())).unwrap();
        let (_switch, shutdown) = Shutdown::by_hand();
        let serving = tokio::spawn(bound.serve(shutdown));
        let mut new = worker();
        new.confirmation = Some(Confirmation { certificate_sha256: [0xab; 32] });
        let token = keys.ring().mint("worker", &new, NOW).unwrap().expose().to_owned();
        let mut request = Request::new(RevokeTokenRequest::default());
        let metadata = request.metadata_mut();
        metadata.insert("authorization", format!("Bearer {token}").parse().unwrap());
        metadata.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        let shown = format!("By=proxy;Hash={}", hash.repeat(32));
        metadata.insert("x-forwarded-client-cert", shown.parse().unwrap());
        let answer = TokenServiceClient::new(at.connect_lazy()).revoke_token(request).await;
        let answer = answer.map(drop).map_err(|refused| {
            refused.get_details_error_info().map(|info| info.reason).unwrap_or_default()
        });
        assert_eq!(answer, expected.map_err(str::to_owned), "{proxies} {hash}");
        serving.abort();
    }
}
