//! Documents that anyone may fetch by plain HTTP, beside the services.

use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use tonic::service::Routes;

/// Writes a JSON document whenever it is asked for. It must not wait.
pub type Document = Arc<dyn Fn() -> String + Send + Sync>;

/// How long a fetched document may be kept: a key that comes next is there long before it signs.
const KEPT: &str = "public, max-age=60";

/// Adds documents by their paths.
pub(crate) fn add(routes: Routes, documents: &[(&'static str, Document)]) -> Routes {
    let mut served = routes.into_axum_router();
    for (path, document) in documents {
        let document = Arc::clone(document);
        let answer = move || async move {
            ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, KEPT)], document())
        };
        served = served.route(path, get(answer));
    }
    served.into()
}
