//! Platform's store of what users have given to agents, which drops what has ended.

use std::path::Path;
use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_issuer::Delegations;
use hallpass_revocation::Options;
use hallpass_telemetry::spawn_watched;

use crate::failure::Failure;
use crate::serve::node::random;
use crate::serve::sweep;

/// How often what has ended is dropped.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Opens the store under the node's state folder.
pub(super) fn open(state: &Path, clock: &Clock) -> Result<Delegations, Failure> {
    let options = Options::new(random()?, clock.now());
    let store = Delegations::open(&state.join("delegations"), &options)
        .map_err(|error| Failure::failed(format_args!("delegations: {error}")))?;
    let swept = store.clone();
    spawn_watched(
        "sweep of delegations",
        sweep::every(SWEEP_EVERY, "delegations", clock.clone(), move |now| {
            let store = swept.clone();
            async move { store.sweep(now).await }
        }),
    );
    Ok(store)
}
