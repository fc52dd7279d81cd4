//! Asks Labeler, in the caller's name, about refusals that Platform does not remember: they may be Labeler's.

use std::sync::Arc;

use hallpass_contract::labeler::diagnostics_service_client::DiagnosticsServiceClient;
use hallpass_guard::on_behalf;
use hallpass_issuer::Elsewhere;

use crate::serve::node::Way;

/// The way to Labeler's part of the diagnostics.
pub(super) fn to_labeler(way: Way) -> Elsewhere {
    Arc::new(move |permit, request| {
        let mut labeler = DiagnosticsServiceClient::new(way.clone());
        let request = on_behalf(&permit, request);
        Box::pin(
            async move { labeler.explain_refusal(request).await.map(tonic::Response::into_inner) },
        )
    })
}
