//! Puts the services together.

use std::convert::Infallible;
use std::sync::Arc;

use hallpass_contract::auth::{serve_revocation_service, serve_token_service};
use hallpass_guard::{Clock, Keys};
use hallpass_policy::adapter::Served;
use hallpass_revocation::List;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

use crate::revocation_service::RevocationHandler;
use crate::token_service::TokenHandler;

/// The auth services of the node that owns the revocation list. Clones share everything.
#[derive(Debug, Clone)]
pub struct Issuer {
    pub(crate) tokens: TokenHandler,
    pub(crate) revocations: RevocationHandler,
}

impl Issuer {
    /// Over this list; `keys` verifies the tokens that are presented.
    pub fn new(list: Arc<List>, keys: Keys, clock: Clock) -> Self {
        Self {
            tokens: TokenHandler { list: Arc::clone(&list), keys, clock: clock.clone() },
            revocations: RevocationHandler { list, clock },
        }
    }

    /// Revokes tokens and tells what they are.
    pub fn tokens(
        &self,
    ) -> Served<
        impl Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        >
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static
        + use<>,
    > {
        serve_token_service(self.tokens.clone())
    }

    /// Keeps the list of what is revoked and feeds it to the nodes.
    pub fn revocations(
        &self,
    ) -> Served<
        impl Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        >
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static
        + use<>,
    > {
        serve_revocation_service(self.revocations.clone())
    }
}
