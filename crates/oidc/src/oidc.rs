//! All outside issuers of a process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::{Clock, Keys};
use hallpass_token::Key;

use crate::fetch::Source;
use crate::schedule::Schedule;
use crate::settings::{IssuerSettings, OidcError, check_together};
use crate::watched::Watched;

/// The outside issuers whose tokens are taken here. Clones tell of the same ones.
#[derive(Debug, Clone)]
pub struct Oidc {
    issuers: Arc<HashMap<String, Arc<Watched>>>,
}

impl Oidc {
    /// Checks the settings and begins, on the current tokio runtime, to fetch the issuers' keys into `keys`. None of them need be there.
    /// `development` allows issuers on loopback without TLS.
    pub fn start(
        settings: &[IssuerSettings],
        development: bool,
        keys: &Keys,
        clock: &Clock,
    ) -> Result<Self, OidcError> {
        let oidc = Self::open(settings, development, keys, clock)?;
        for issuer in oidc.issuers.values() {
            tokio::spawn(Arc::clone(issuer).run());
        }
        Ok(oidc)
    }

    /// The same without fetching.
    pub(crate) fn open(
        settings: &[IssuerSettings],
        development: bool,
        keys: &Keys,
        clock: &Clock,
    ) -> Result<Self, OidcError> {
        check_together(settings)?;
        let mut issuers = HashMap::new();
        for one in settings {
            one.check(development)?;
            check_own(one, keys)?;
            let source = Source::new(one, development)?;
            let schedule = Schedule::new(one.refresh, one.keep);
            let issuer = Arc::new(one.issuer.clone());
            let watched = Watched::new(issuer, source, schedule, keys.clone(), clock.clone());
            issuers.insert(one.issuer.issuer.clone(), Arc::new(watched));
        }
        let issuers = Arc::new(issuers);
        let sought = Arc::clone(&issuers);
        keys.sought_by(move |issuer| sought.get(issuer).is_some_and(|issuer| issuer.seek()));
        Ok(Self { issuers })
    }

    /// How old each issuer's keys are, as far as they were ever fetched.
    pub fn ages(&self) -> Vec<(String, Duration)> {
        let ages =
            self.issuers.values().filter_map(|one| Some((one.name().to_owned(), one.age()?)));
        ages.collect()
    }

    /// Whether there are keys of every issuer.
    pub fn are_known(&self) -> bool {
        self.issuers.values().all(|issuer| issuer.is_known())
    }

    #[cfg(test)]
    pub(crate) fn issuer(&self, issuer: &str) -> Option<&Arc<Watched>> {
        self.issuers.get(issuer)
    }
}

/// Keys of this mesh have other issuers.
fn check_own(one: &IssuerSettings, keys: &Keys) -> Result<(), OidcError> {
    let issuer = &one.issuer.issuer;
    let own = |key: &Key| key.issuer() == issuer || key.kid().starts_with(issuer.as_str());
    match keys.ring().keys().find(|key| own(key)) {
        None => Ok(()),
        Some(key) => Err(OidcError::Clash {
            issuer: issuer.clone(),
            problem: format!(
                "the key {} of the ring is this issuer's, too; right: another issuer",
                key.kid()
            ),
        }),
    }
}
