//! In whose name a call is made. Said once, by the code that makes the call; without it no call leaves.

use hallpass_policy::Permit;
use tonic::Request;

use crate::Deadline;
use crate::attach::background::Background;

/// In whose name; lies in the request's extensions until the layer reads it.
#[derive(Debug, Clone)]
pub(super) enum Authority {
    /// The caller of the handler that makes the call.
    OnBehalf(Permit),
    /// The process itself.
    Service,
    /// A piece of its work, for no user.
    Background(Background),
}

impl Authority {
    /// The user in whose name it is; for the log.
    pub(super) fn subject(&self) -> Option<&str> {
        match self {
            Self::OnBehalf(permit) => permit.subject(),
            Self::Service | Self::Background(_) => None,
        }
    }
}

/// A request in the name of whom the current handler serves, by what its rule delegates, and within the deadline of its call.
pub fn on_behalf<T>(permit: &Permit, message: T) -> Request<T> {
    let mut request = of(message, Authority::OnBehalf(permit.clone()));
    if let Some(deadline) = Deadline::current() {
        request.extensions_mut().insert(deadline);
    }
    request
}

/// A request in the name of the process itself, for no user: by what the key ring lets it sign.
pub fn as_service<T>(message: T) -> Request<T> {
    of(message, Authority::Service)
}

fn of<T>(message: T, authority: Authority) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(authority);
    request
}
