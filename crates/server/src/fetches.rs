//! What is fetched by plain HTTP with a query of its own, such as a file by a signed URL.
//!
//! Invariant: whoever answers decides by the query alone: no token is asked for on these paths.

use std::pin::Pin;
use std::sync::Arc;

use axum::routing::get;
use http::{HeaderMap, Response, Uri};
use tonic::body::Body;
use tonic::service::Routes;

/// Answers a GET or a HEAD.
pub type Fetch = Arc<
    dyn Fn(Uri, HeaderMap) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// Adds those who answer by their paths.
pub(crate) fn add(routes: Routes, fetches: &[(&'static str, Fetch)]) -> Routes {
    let mut served = routes.into_axum_router();
    for (path, fetch) in fetches {
        let fetch = Arc::clone(fetch);
        served = served.route(path, get(move |uri: Uri, headers: HeaderMap| fetch(uri, headers)));
    }
    served.into()
}
