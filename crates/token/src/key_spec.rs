//! What a key is for. Whatever it does not name, the key may not sign.

use std::time::Duration;

use crate::error::Flaw;
use crate::{KeyState, Profile, Scopes, TokenType, names, outside};

/// What a key is for: the ring entry's member `hallpass`, and its `kid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    /// The key's name.
    pub kid: String,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The service that owns it.
    pub owner: String,
    /// The kinds of token that it may sign.
    pub types: Vec<TokenType>,
    /// The scopes that it may sign.
    pub scopes: Scopes,
    /// The audiences that it may sign for.
    pub audiences: Vec<String>,
    /// Where it is in its life.
    pub state: KeyState,
    /// The form of its tokens.
    pub profile: Profile,
    /// Whether its user tokens may live for ever; `bearer-v1` says so by itself.
    pub no_expiry: bool,
    /// The issuers whose users' tokens its own may descend from; `None` for any if its owner is a service, else none but its own.
    pub roots: Option<Vec<String>>,
    /// The longest that its tokens may live; `None` for the longest of their kind. Whole seconds. Never beside `no_expiry`.
    pub max_life: Option<Duration>,
}

impl KeySpec {
    /// What holds for every key, read or made.
    pub(crate) fn check(&self) -> Result<(), Flaw> {
        self.check_names()?;
        self.check_types()?;
        if self.audiences.is_empty() {
            let problem = "none; right: the services at which its tokens count";
            return Err(Flaw::new("audiences", problem));
        }
        if self.no_expiry && !self.types.contains(&TokenType::User) {
            let problem = "only user tokens may live for ever; right: false";
            return Err(Flaw::new("no_expiry", problem));
        }
        let shortest = self.types.iter().map(|kind| kind.shortest_life()).max();
        let problem = match self.max_life {
            Some(_) if self.no_expiry => "beside no_expiry; right: one of them",
            Some(life) if Some(life) < shortest => {
                "shorter than such tokens may live; right: seconds, 30 or more for action tokens"
            }
            Some(_) | None => return Ok(()),
        };
        Err(Flaw::new("max_life", problem))
    }

    fn check_names(&self) -> Result<(), Flaw> {
        let single = [("issuer", &self.issuer), ("owner", &self.owner)];
        let audiences = self.audiences.iter().map(|audience| ("audiences", audience));
        let roots = self.roots.iter().flatten().map(|root| ("roots", root));
        let mut all = single.into_iter().chain(audiences).chain(roots);
        let wrong = all.find(|(_, name)| !names::is_name(name)).map(|(field, _)| field);
        let is_kid =
            if self.profile == Profile::Outside { names::is_key_name } else { names::is_name };
        if let Some(field) = wrong.or_else(|| (!is_kid(&self.kid)).then_some("kid")) {
            return Err(Flaw::new(field, names::RIGHT_NAME));
        }
        if self.profile != Profile::Outside && outside::issuer_of_key(&self.kid).is_some() {
            let problem = "reads as the key of an OIDC issuer; right: a name without an URL and #";
            return Err(Flaw::new("kid", problem));
        }
        if self.scopes.iter().all(names::is_scope) {
            Ok(())
        } else {
            Err(Flaw::new("scopes", "not a scope; right: names such as labeler:read"))
        }
    }

    /// The kinds fit together and fit the profile. Users' keys are never services' keys: whoever mints for users could
    /// otherwise pass as a service.
    fn check_types(&self) -> Result<(), Flaw> {
        let users = self.types.contains(&TokenType::User);
        let services = self.types.iter().any(|kind| kind.names_service());
        let only = |fits: fn(TokenType) -> bool| self.types.iter().copied().all(fits);
        let problem = match self.profile {
            _ if self.types.is_empty() => "none; right: the kinds of token that the key may sign",
            _ if users && services => "user beside service or background; right: a key of its own",
            Profile::HybridV1 if !only(TokenType::names_service) => {
                "not those of hybrid-v1; right: service, background"
            }
            Profile::BearerV1 if !only(|kind| kind == TokenType::User) => {
                "not that of bearer-v1; right: user"
            }
            Profile::StorageV1 if !only(|kind| kind == TokenType::User) => {
                "not that of storage-v1; right: user"
            }
            Profile::Outside if !only(|kind| kind == TokenType::User) => {
                "not that of outside issuers; right: user"
            }
            Profile::Standard
            | Profile::HybridV1
            | Profile::BearerV1
            | Profile::StorageV1
            | Profile::Outside => return Ok(()),
        };
        Err(Flaw::new("types", problem))
    }
}
