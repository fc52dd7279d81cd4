//! `DiagnosticsService`: callers find out about their own calls.
//!
//! Invariant: no answer holds a token, a handle or a secret, and whoever asks about another's learns no more than about nothing.

mod allowed;
mod explain;
mod facts;
pub(crate) mod sessions;
mod validate;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use hallpass_contract::auth::{
    DiagnosticsService, ExplainRefusalRequest, ExplainRefusalResponse, GetCallerRequest,
    GetCallerResponse, ListAllowedRpcsRequest, ListAllowedRpcsResponse, ListOpenSessionsRequest,
    ListOpenSessionsResponse, ValidateTokenRequest, ValidateTokenResponse,
    serve_diagnostics_service,
};
use hallpass_contract::labeler;
use hallpass_guard::{Clock, Keys, Refusals};
use hallpass_policy::adapter::{GrpcService, Served};
use hallpass_policy::{DecisionId, Permit};
use tonic::{Code, Status};

use crate::Issuer;
use crate::error::Error;
use crate::token_service::TokenHandler;

/// Lets its holder look into anyone's tokens and refused calls.
const ADMIN_SCOPE: &str = "diagnostics:admin";

/// What one process can tell its callers.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    environment: &'static str,
    keys: Keys,
    clock: Clock,
    refusals: Arc<Refusals>,
}

/// Asks another process, in the caller's name, about a refusal that is not remembered here.
pub type Elsewhere = Arc<
    dyn Fn(Permit, ExplainRefusalRequest) -> Answer<ExplainRefusalResponse> + Send + Sync + 'static,
>;

/// What another process answers.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send>>;

/// The handlers of Platform.
#[derive(Clone)]
pub(crate) struct DiagnosticsHandler {
    own: Diagnostics,
    tokens: TokenHandler,
    elsewhere: Elsewhere,
}

/// The handlers of Labeler.
#[derive(Debug, Clone)]
pub(crate) struct AtLabeler(pub(crate) Diagnostics);

impl Diagnostics {
    /// What the process that serves an audience can tell: `keys` are its ring, `refusals` its guard's.
    pub const fn new(
        environment: &'static str,
        keys: Keys,
        clock: Clock,
        refusals: Arc<Refusals>,
    ) -> Self {
        Self { environment, keys, clock, refusals }
    }

    /// Labeler's part.
    pub fn at_labeler(self) -> Served<impl GrpcService + use<>> {
        labeler::serve_diagnostics_service(AtLabeler(self))
    }

    fn caller(&self, permit: &Permit) -> Result<GetCallerResponse, Error> {
        let token = permit.token().ok_or(Error::NoToken)?;
        let told = facts::of(token, &self.keys.ring(), self.clock.now());
        Ok(GetCallerResponse {
            summary: facts::summary(self.environment, &told),
            environment: self.environment.to_owned(),
            auth_scheme: facts::scheme(token),
            token: Some(told),
            decision_id: permit.decision().to_string(),
        })
    }

    /// What is remembered here of a refusal that is the asker's, or that an administrator asks about.
    fn explanation(
        &self,
        permit: &Permit,
        decision: DecisionId,
    ) -> Result<Option<ExplainRefusalResponse>, Error> {
        let asker = permit.token().ok_or(Error::NoToken)?;
        let admin = permit.has_scope(ADMIN_SCOPE);
        let refused = self.refusals.find(decision);
        let refused = refused.filter(|refused| admin || refused.is_of(asker));
        Ok(refused.map(|refused| explain::told(&refused, self.environment, admin)))
    }
}

impl Issuer {
    /// Tells callers about themselves; what this process does not remember, `elsewhere` is asked about.
    pub fn diagnostics(
        &self,
        own: Diagnostics,
        elsewhere: Elsewhere,
    ) -> Served<impl GrpcService + use<>> {
        serve_diagnostics_service(self.diagnostics_handler(own, elsewhere))
    }

    pub(crate) fn diagnostics_handler(
        &self,
        own: Diagnostics,
        elsewhere: Elsewhere,
    ) -> DiagnosticsHandler {
        DiagnosticsHandler { own, tokens: self.tokens.clone(), elsewhere }
    }
}

impl DiagnosticsService for DiagnosticsHandler {
    type Error = Error;

    async fn get_caller(
        &self,
        permit: Permit,
        _: GetCallerRequest,
    ) -> Result<GetCallerResponse, Error> {
        self.own.caller(&permit)
    }

    async fn list_allowed_rpcs(
        &self,
        permit: Permit,
        request: ListAllowedRpcsRequest,
    ) -> Result<ListAllowedRpcsResponse, Error> {
        let token = permit.token().ok_or(Error::NoToken)?;
        let rules = hallpass_contract::RULES.iter();
        let rpcs = rules.map(|rule| allowed::told(rule, token, self.own.clock.now()));
        let rpcs = rpcs.filter(|rpc| rpc.allowed || !request.only_allowed).collect();
        Ok(ListAllowedRpcsResponse { rpcs })
    }

    async fn validate_token(
        &self,
        permit: Permit,
        request: ValidateTokenRequest,
    ) -> Result<ValidateTokenResponse, Error> {
        validate::answer(&self.tokens, &permit, &request.token).await
    }

    async fn list_open_sessions(
        &self,
        _: Permit,
        request: ListOpenSessionsRequest,
    ) -> Result<ListOpenSessionsResponse, Error> {
        let Some(sessions) = &self.tokens.sessions else {
            return Ok(ListOpenSessionsResponse::default());
        };
        sessions::page(sessions, &self.own.keys.ring(), &request, self.own.clock.now())
    }

    async fn explain_refusal(
        &self,
        permit: Permit,
        request: ExplainRefusalRequest,
    ) -> Result<ExplainRefusalResponse, Error> {
        match self.own.explanation(&permit, decision(&request)?)? {
            Some(told) => Ok(told),
            None => (self.elsewhere)(permit, request).await.map_err(|status| match status.code() {
                Code::NotFound => Error::RefusalUnknown,
                _ => Error::Elsewhere(status),
            }),
        }
    }
}

impl labeler::DiagnosticsService for AtLabeler {
    type Error = Error;

    async fn get_caller(
        &self,
        permit: Permit,
        _: GetCallerRequest,
    ) -> Result<GetCallerResponse, Error> {
        self.0.caller(&permit)
    }

    async fn explain_refusal(
        &self,
        permit: Permit,
        request: ExplainRefusalRequest,
    ) -> Result<ExplainRefusalResponse, Error> {
        self.0.explanation(&permit, decision(&request)?)?.ok_or(Error::RefusalUnknown)
    }
}

impl fmt::Debug for DiagnosticsHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiagnosticsHandler").field("own", &self.own).finish_non_exhaustive()
    }
}

fn decision(request: &ExplainRefusalRequest) -> Result<DecisionId, Error> {
    let problem = "must be the id of a decision: 32 hexadecimal digits";
    let read = request.decision_id.parse();
    read.map_err(|_| Error::Invalid { field: "decision_id", problem })
}
