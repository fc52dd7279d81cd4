//! An action token beside the caller's own: what a client of an elevated operation attaches.

use hallpass_policy::{DecisionId, Denial};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status};

use crate::ACTION_NAME;

/// Attaches an action token to one call. A token that is good for one call is not to be attached to a second: a call that failed
/// in between may have spent it, so whoever tries again gets a new one.
pub fn elevate<T>(request: &mut Request<T>, token: &str) -> Result<(), Status> {
    let malformed = |_| {
        let denial = Denial::CredentialsMalformed("an action token that is no metadata value");
        denial.into_status(DecisionId::new(0, 0))
    };
    let mut value = MetadataValue::<Ascii>::try_from(token).map_err(malformed)?;
    value.set_sensitive(true);
    request.metadata_mut().insert(ACTION_NAME, value);
    Ok(())
}
