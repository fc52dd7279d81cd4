//! Platform's store of sessions: opened beside the list, swept, and its uses noted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_revocation::{Index, Options, SessionLimits, Sessions};
use hallpass_server::SessionsSection;
use hallpass_telemetry::spawn_watched;

use crate::failure::Failure;
use crate::serve::node::random;
use crate::serve::sweep;

/// How often what has ended is dropped and what was used is noted: so much earlier a session may end idle after a restart.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Opens the store under the node's state folder.
pub(super) fn open(
    state: &Path,
    section: SessionsSection,
    clock: &Clock,
    closed: Arc<Index>,
) -> Result<Sessions, Failure> {
    const LONGEST: Duration = Duration::from_hours(1);
    if section.longest > LONGEST || section.longest.is_zero() || section.idle.is_zero() {
        return Err(Failure::failed(
            "sessions.longest and sessions.idle: right: more than nothing, and at most an hour for the longest",
        ));
    }
    let limits = SessionLimits { longest: section.longest, idle: section.idle };
    let options = Options::new(random()?, clock.now());
    let sessions = Sessions::open(&state.join("sessions"), &options, limits, closed);
    let sessions = sessions.map_err(Failure::failed)?;
    let swept = sessions.clone();
    spawn_watched(
        "sweep of sessions",
        sweep::every(SWEEP_EVERY, "sessions", clock.clone(), move |now| {
            let sessions = swept.clone();
            async move { sessions.sweep(now).await }
        }),
    );
    Ok(sessions)
}
