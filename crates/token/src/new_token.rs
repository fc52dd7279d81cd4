//! What a token to be minted shall say.

use std::time::Duration;

use serde_json::Value;

use crate::lineage::Lineage;
use crate::{
    Confirmation, Grants, MintError, ResourceClaim, Scopes, TokenId, TokenType, UnixTime, Verified,
};

/// A token to be minted. The issuer is the key's.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    pub audience: Vec<String>,
    /// `service`.
    pub service: Option<String>,
    /// `scopes`.
    pub scopes: Scopes,
    /// `type`.
    pub token_type: TokenType,
    /// How long it lives. `None`: as long as its kind usually does, or for ever for a user token whose key allows that.
    pub life: Option<Duration>,
    /// `jti`.
    pub id: TokenId,
    /// `txn`.
    pub txn: Option<String>,
    /// `act`.
    pub actor: Option<Value>,
    /// `may_act`.
    pub may_act: Option<Value>,
    /// `job_id`.
    pub job_id: Option<String>,
    /// `job_owner`.
    pub job_owner: Option<String>,
    /// `resource`.
    pub resource: Option<ResourceClaim>,
    /// `cnf`.
    pub confirmation: Option<Confirmation>,
    /// `sid`.
    pub session: Option<String>,
    /// `nbf`.
    pub not_before: Option<UnixTime>,
    /// `roles`.
    pub roles: Vec<String>,
    /// `amr`.
    pub amr: Vec<String>,
    /// `auth_time`.
    pub auth_time: Option<UnixTime>,
    /// `actions`.
    pub actions: Option<Vec<String>>,
    /// `b p r l`.
    pub grants: Option<Grants>,
    pub(crate) lineage: Option<Lineage>,
}

impl NewToken {
    /// A token of this kind with nothing in it yet.
    pub fn new(token_type: TokenType, id: TokenId) -> Self {
        Self {
            subject: None,
            audience: Vec::new(),
            service: None,
            scopes: Scopes::default(),
            token_type,
            life: None,
            id,
            txn: None,
            actor: None,
            may_act: None,
            job_id: None,
            job_owner: None,
            resource: None,
            confirmation: None,
            session: None,
            not_before: None,
            roles: Vec::new(),
            amr: Vec::new(),
            auth_time: None,
            actions: None,
            grants: None,
            lineage: None,
        }
    }

    /// A token that acts in the parent's name: same subject, transaction, session, job and resource; it knows all its ancestors, so that
    /// revoking one revokes it, and never outlives the parent. Its scopes can only be among `delegates`, and a scope of a
    /// vocabulary that the parent has scopes of (`labeler:…`) only one that the parent holds. `cnf` is not inherited; what
    /// the user is and how they proved who they are is, by action tokens
    /// alone. A user token is a child only of a user's own, for an agent: it names who acts, holds no scope and no audience that the parent
    /// lacks, and says for which elevated operations it is good. Storage grants go on to users' and services' tokens, less the roles, and can only be
    /// narrowed from there.
    pub fn child_of(
        parent: &Verified,
        token_type: TokenType,
        id: TokenId,
        delegates: &[&str],
    ) -> Result<Self, MintError> {
        let lineage = Lineage::of(parent, token_type, delegates)?;
        let claims = parent.claims();
        Ok(lineage.fill(Self { actor: claims.actor.clone(), ..Self::new(token_type, id) }))
    }
}
