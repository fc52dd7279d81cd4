//! The tokens of a job's calls.
//!
//! Invariant: they are for one object and for the scopes that the work was given, name the job's owner, whose permission the called
//! service checks, and are dropped with the work. Nothing keeps them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_token::{ResourceClaim, UnixTime};
use tonic::Request;

use crate::attach::authority::Authority;
use crate::attach::minted::{Purpose, Ready};

/// The job that background work belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// The user that owns it. The called service checks this user's permission at each call.
    pub owner: String,
}

/// One piece of work, such as one attempt at one activity of a job. Clones are the same work; with the last its tokens are gone.
#[derive(Clone)]
pub struct Background(Arc<Work>);

struct Work {
    part: String,
    job: Job,
    resource: ResourceClaim,
    scopes: Vec<String>,
    minted: Mutex<Vec<(Purpose, Arc<Ready>)>>,
}

impl Background {
    /// Work of a part of the service, such as `training`, for this job, on this object and with these scopes.
    pub fn new(part: &str, job: Job, resource: ResourceClaim, scopes: Vec<String>) -> Self {
        let part = part.to_owned();
        Self(Arc::new(Work { part, job, resource, scopes, minted: Mutex::default() }))
    }

    /// A request in the name of this work.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(Authority::Background(self.clone()));
        request
    }

    /// How the part of this service is called that does the work.
    pub(super) fn service(&self, of: &str) -> String {
        format!("{of}-{}", self.0.part)
    }

    pub(super) fn job(&self) -> &Job {
        &self.0.job
    }

    pub(super) fn resource(&self) -> &ResourceClaim {
        &self.0.resource
    }

    pub(super) fn may(&self, scope: Option<&str>) -> bool {
        scope.is_some_and(|scope| self.0.scopes.iter().any(|held| held == scope))
    }

    pub(super) fn at_hand(&self, purpose: &Purpose, now: UnixTime) -> Option<Arc<Ready>> {
        let minted = self.0.minted.lock().unwrap_or_else(PoisonError::into_inner);
        let found = minted.iter().find(|(of, ready)| of == purpose && ready.lasts(now));
        found.map(|(_, ready)| Arc::clone(ready))
    }

    pub(super) fn keep(&self, purpose: Purpose, ready: &Arc<Ready>) {
        let mut minted = self.0.minted.lock().unwrap_or_else(PoisonError::into_inner);
        minted.retain(|(of, _)| *of != purpose);
        minted.push((purpose, Arc::clone(ready)));
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Work { part, job, resource, scopes, .. } = &*self.0;
        f.debug_struct("Background")
            .field("part", part)
            .field("job", job)
            .field("resource", resource)
            .field("scopes", scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hallpass_token::TokenType;

    use super::*;

    #[test]
    fn with_the_last_of_the_work_its_tokens_are_gone() {
        let purpose = Purpose {
            parent: None,
            token_type: TokenType::Background,
            audience: "labeler",
            scope: Some("labeler:read"),
            bucket: None,
            ring: 1,
        };
        let ready = Arc::new(Ready::for_tests());
        let resource = ResourceClaim { kind: "dataset".to_owned(), id: "ds_1".to_owned() };
        let job = Job { id: "job_1".to_owned(), owner: "alice".to_owned() };
        let work = Background::new("training", job, resource, Vec::new());
        work.keep(purpose, &ready);
        let kept = Arc::downgrade(&ready);
        drop(ready);
        let request = work.request(());
        drop(work);
        assert!(kept.upgrade().is_some(), "the call under way needs it");
        drop(request);
        assert!(kept.upgrade().is_none(), "somebody keeps it");
    }
}
