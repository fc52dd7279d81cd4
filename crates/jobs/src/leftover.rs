//! A trainer that outlived the process that had started it.
//!
//! Invariant: only a process that is the very one that was written down is killed: its number alone does not tell, its start does.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process_group};

const NOTE: &str = "trainer.pid";

/// Writes down which process a job's trainer is.
pub(crate) fn note(place: &Path, pid: u32) {
    if let Some(start) = started(pid)
        && let Err(error) = std::fs::write(place.join(NOTE), format!("{pid} {start}"))
    {
        tracing::warn!(%error, "a trainer's number cannot be written down");
    }
}

/// Ends the trainer of an earlier attempt, if it still runs on this machine.
pub(crate) fn end(place: &Path) {
    let Ok(noted) = std::fs::read_to_string(place.join(NOTE)) else { return };
    let Some((pid, start)) = noted.split_once(' ') else { return };
    let Ok(number) = pid.parse::<u32>() else { return };
    if started(number).as_deref() == Some(start) {
        tracing::info!(pid = number, "a trainer that was left over is ended");
        kill(number, Signal::KILL);
    }
}

/// Signals a whole group of processes.
pub(crate) fn kill(group: u32, signal: Signal) {
    let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) else { return };
    // It may have ended by itself.
    let _ = kill_process_group(group, signal);
}

/// When a process started, as the kernel counts; field 22 of its `stat`, counted behind the name's closing parenthesis.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(19).map(str::to_owned)
}
