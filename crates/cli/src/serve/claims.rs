//! The node's store of claims on action tokens: opened where an operation of its services needs it, swept beside the list.

use std::path::Path;

use hallpass_contract::SERVICES;
use hallpass_guard::Clock;
use hallpass_policy::Rule;
use hallpass_revocation::{Claims, Options};

use crate::failure::Failure;
use crate::serve::node::random;

/// Opens the store of a role's claims under its state folder; none where no token of its operations is good for one call.
pub(super) async fn open(
    role: &str,
    state: &Path,
    clock: &Clock,
) -> Result<Option<Claims>, Failure> {
    let served = SERVICES.iter().filter(|service| service.audience == role);
    let mut actions = served.flat_map(|service| service.rules).filter_map(Rule::action);
    if !actions.any(|action| action.single_use) {
        return Ok(None);
    }
    let options = Options::new(random()?, clock.now());
    Claims::open(&state.join("claims"), &options).await.map(Some).map_err(Failure::failed)
}
