//! `ActionService`: users get tokens for elevated operations, and see how they are used.

use std::sync::Arc;

use hallpass_contract::auth::{
    ActionAudience, ActionService, ActionToken, IssueActionTokenRequest, IssueActionTokenResponse,
    ListActionTokensRequest, ListActionTokensResponse, ListActionUsageRequest,
    ListActionUsageResponse, ListAudiencesRequest, ListAudiencesResponse,
};
use hallpass_guard::{Actions, Clock, Keys};
use hallpass_policy::{Action, ActionDesk as _, Denial, Outcome, Permit, Rule};
use hallpass_revocation::List;
use hallpass_token::Verified;

use crate::audit::{Attempt, Given};
use crate::error::Error;
use crate::instant::timestamp;
use crate::issue::{self, Issued, Wish};
use crate::issued::IssuedTokens;
use crate::rate::Rate;
use crate::usage;

/// Lets its holder see how anyone's action tokens are used.
const ADMIN_SCOPE: &str = "actions:admin";

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct ActionHandler {
    pub(crate) registry: Registry,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) actions: Arc<Actions>,
    pub(crate) rate: Rate,
    pub(crate) issued: IssuedTokens,
    pub(crate) list: Arc<List>,
}

/// The elevated operations of a contract, and the rules that demand them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registry {
    pub(crate) actions: &'static [Action],
    pub(crate) rules: &'static [Rule],
}

impl Registry {
    pub(crate) const HALLPASS: Self =
        Self { actions: hallpass_contract::ACTIONS, rules: hallpass_contract::RULES };

    pub(crate) fn find(&self, audience: &str) -> Option<&'static Action> {
        self.actions.iter().find(|action| action.audience == audience)
    }

    /// The rules that demand an operation.
    pub(crate) fn demanding(&self, action: &Action) -> impl Iterator<Item = &'static Rule> {
        let audience = action.audience;
        let demands =
            move |rule: &&Rule| rule.action().is_some_and(|action| action.audience == audience);
        self.rules.iter().filter(demands)
    }
}

impl ActionService for ActionHandler {
    type Error = Error;

    async fn list_audiences(
        &self,
        _: Permit,
        _: ListAudiencesRequest,
    ) -> Result<ListAudiencesResponse, Error> {
        let described = |action: &'static Action| self.described(action);
        Ok(ListAudiencesResponse {
            audiences: self.registry.actions.iter().map(described).collect(),
        })
    }

    async fn issue_action_token(
        &self,
        permit: Permit,
        request: IssueActionTokenRequest,
    ) -> Result<IssueActionTokenResponse, Error> {
        let attempt = Attempt { kind: "action", audience: &request.audience, agent: None };
        let issued = self.issue(&permit, &request);
        let issued = issued.inspect_err(|error| attempt.failed(&permit, error))?;
        let (end, now) = (issued.token.expires_at(), self.clock.now());
        let life_seconds = end.map(|end| end.since(now).as_secs());
        attempt.succeeded(&permit, Given { id: issued.id.as_str(), life_seconds });
        let action = self.registry.find(&request.audience);
        Ok(IssueActionTokenResponse {
            token: issued.token.expose().to_owned(),
            token_id: issued.id.as_str().to_owned(),
            expire_time: end.map(timestamp),
            single_use: action.is_some_and(|action| action.single_use),
        })
    }

    async fn list_action_tokens(
        &self,
        permit: Permit,
        request: ListActionTokensRequest,
    ) -> Result<ListActionTokensResponse, Error> {
        if request.everyone && !permit.has_scope(ADMIN_SCOPE) {
            return Err(Error::NotTheCallers);
        }
        let caller = permit.token().ok_or(Error::NoToken)?;
        let kept = self.issued.of((!request.everyone).then_some(&**caller), self.clock.now())?;
        let mut tokens = Vec::new();
        for token in kept {
            let told = self.told(&token).await;
            if request.audience.is_empty() || request.audience == told.audience {
                tokens.push(told);
            }
        }
        Ok(ListActionTokensResponse { tokens })
    }

    async fn list_action_usage(
        &self,
        permit: Permit,
        request: ListActionUsageRequest,
    ) -> Result<ListActionUsageResponse, Error> {
        if request.everyone && !permit.has_scope(ADMIN_SCOPE) {
            return Err(Error::NotTheCallers);
        }
        let caller = permit.token().ok_or(Error::NoToken)?;
        let rows = self.actions.usage((!request.everyone).then_some(&**caller));
        usage::page(rows, &request)
    }
}

impl ActionHandler {
    fn issue(&self, permit: &Permit, request: &IssueActionTokenRequest) -> Result<Issued, Error> {
        let wish = Wish::read(request, self.registry)?;
        let caller = permit.token().ok_or(Error::NoToken)?;
        self.rate.check(caller).map_err(|wait| permit.refuse(Denial::TooMany(wait)))?;
        let issued = issue::issue(&wish, permit, &self.keys.ring(), self.clock.now())?;
        self.actions.note(wish.action, caller, Outcome::Issued);
        let now = self.clock.now();
        // What was minted a moment ago verifies, unless its key has just gone.
        if let Ok(token) = self.keys.ring().verify(issued.token.expose(), now) {
            self.issued.note(token, now);
        }
        Ok(issued)
    }

    async fn told(&self, token: &Verified) -> ActionToken {
        let claims = token.claims();
        let audience = claims.audience.first().cloned().unwrap_or_default();
        let action = self.registry.find(&audience);
        let state = if self.list.index().is_revoked(token) {
            "revoked"
        } else {
            match self.actions.is_spent(token).await {
                Ok(true) => "used",
                Ok(false) => "good",
                Err(_) => "unknown",
            }
        };
        let object = claims.resource.as_ref().map(|of| format!("{}:{}", of.kind, of.id));
        ActionToken {
            token_id: claims.id.clone().unwrap_or_default(),
            audience,
            issuer: token.root_issuer().unwrap_or_default().to_owned(),
            subject: claims.subject.clone().unwrap_or_default(),
            resource: object.unwrap_or_default(),
            issue_time: Some(timestamp(claims.issued_at)),
            expire_time: claims.expires_at.map(timestamp),
            single_use: action.is_some_and(|action| action.single_use),
            state: state.to_owned(),
        }
    }

    fn described(&self, action: &'static Action) -> ActionAudience {
        let secs = |life: std::time::Duration| u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let rpcs = self.registry.demanding(action);
        ActionAudience {
            audience: action.audience.to_owned(),
            description: action.description.to_owned(),
            shortest_life_seconds: secs(action.shortest_life),
            longest_life_seconds: secs(action.longest_life),
            usual_life_seconds: secs(action.usual_life),
            single_use: action.single_use,
            roles: owned(action.roles),
            amr_values: action.step_up.map(|step_up| owned(step_up.amr)).unwrap_or_default(),
            max_age_seconds: action.step_up.and_then(|step_up| step_up.max_age).map(secs),
            rpcs: rpcs.map(|rule| rule.path.trim_start_matches('/').to_owned()).collect(),
        }
    }
}
