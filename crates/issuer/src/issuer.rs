//! Puts the services together.

use std::num::NonZeroU32;
use std::sync::Arc;

use hallpass_contract::auth::{
    serve_action_service, serve_key_service, serve_revocation_service, serve_token_service,
};
use hallpass_guard::{Actions, Clock, Keys};
use hallpass_policy::adapter::{GrpcService, Served};
use hallpass_revocation::{List, Sessions};

use crate::action_service::{ActionHandler, Registry};
use crate::issued::IssuedTokens;
use crate::key_service::{KeyHandler, PublicKeys};
use crate::rate::Rate;
use crate::revocation_service::RevocationHandler;
use crate::rotation::{RingStore, Rotation};
use crate::token_service::TokenHandler;

/// The auth services of the node that owns the revocation list. Clones share everything.
#[derive(Debug, Clone)]
pub struct Issuer {
    pub(crate) tokens: TokenHandler,
    pub(crate) revocations: RevocationHandler,
    pub(crate) actions: ActionHandler,
    pub(crate) keys: PublicKeys,
}

/// Who signs for the node that hosts these services.
const OWNER: &str = "platform";

/// How many action tokens a user may ask for in a minute, and at once.
const ISSUED: NonZeroU32 = NonZeroU32::new(60).unwrap();

impl Issuer {
    /// Over this list; `keys` verifies the tokens that are presented and signs action tokens, which `actions` knows the use of.
    pub fn new(list: Arc<List>, keys: Keys, clock: Clock, actions: Arc<Actions>) -> Self {
        let registry = Registry::HALLPASS;
        Self {
            tokens: TokenHandler {
                list: Arc::clone(&list),
                keys: keys.clone(),
                clock: clock.clone(),
                actions: Arc::clone(&actions),
                sessions: None,
            },
            revocations: RevocationHandler {
                list: Arc::clone(&list),
                clock: clock.clone(),
                keys: keys.clone(),
            },
            keys: PublicKeys { keys: keys.clone(), owner: OWNER },
            actions: ActionHandler {
                registry,
                keys,
                rate: Rate::a_minute(Some(ISSUED), clock.clone()),
                clock,
                actions,
                issued: IssuedTokens::default(),
                list,
            },
        }
    }

    /// The same services, at which a user may get so many action tokens in a minute, and at once; without a number any.
    #[must_use]
    pub fn issuing(mut self, a_minute: Option<NonZeroU32>) -> Self {
        self.actions.rate = Rate::a_minute(a_minute, self.actions.clock.clone());
        self
    }

    /// The same services, to which the handles of these sessions may be presented like tokens.
    #[must_use]
    pub fn knowing(mut self, sessions: Sessions) -> Self {
        self.tokens.sessions = Some(sessions);
        self
    }

    /// Revokes tokens and tells what they are.
    pub fn tokens(&self) -> Served<impl GrpcService + use<>> {
        serve_token_service(self.tokens.clone())
    }

    /// Keeps the list of what is revoked and feeds it to the nodes.
    pub fn revocations(&self) -> Served<impl GrpcService + use<>> {
        serve_revocation_service(self.revocations.clone())
    }

    /// Gives the public keys away, and rotates those that are kept in this store.
    pub fn keys(&self, store: Arc<dyn RingStore>) -> Served<impl GrpcService + use<>> {
        let rotation = Rotation { keys: self.keys.keys.clone(), owner: OWNER, store };
        serve_key_service(KeyHandler { given: self.keys.clone(), rotation })
    }

    /// The public keys as a document for `/.well-known/jwks.json`, as they are whenever it is asked for.
    pub fn jwks(&self) -> impl Fn() -> String + Send + Sync + use<> {
        let keys = self.keys.clone();
        move || keys.document()
    }

    /// Issues action tokens and tells how they are used.
    pub fn actions(&self) -> Served<impl GrpcService + use<>> {
        serve_action_service(self.actions.clone())
    }
}
