//! What this process makes is for its own user's eyes, and so is what it knows.
//!
//! Invariant: whatever a command makes after [`narrow`] is made 0600 or 0700, by whichever library and whatever the umask was.

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, set_dumpable_behavior, umask};

/// What nobody but the user may do.
const OTHERS: u32 = 0o077;

/// What lets root read other processes, in the sets that `/proc` shows: `CAP_SYS_PTRACE`, `CAP_SYS_ADMIN` and, to
/// newer kernels, `CAP_PERFMON`.
const READS_OTHERS: u64 = 1 << 19 | 1 << 21 | 1 << 38;

/// Lets nobody else read what is made from now on.
pub(crate) fn narrow() {
    umask(Mode::from_raw_mode(OTHERS));
}

/// The same for a process that serves; and no other process of its user, a trainer for one, reads its memory or its environment.
pub(crate) fn close() {
    narrow();
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can read this one's environment");
    }
}

/// Whether a trainer that this process starts can read its environment all the same: as root, with a capability that containers
/// and ordinary users do not have.
pub(crate) fn is_open_to_trainers() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    rustix::process::geteuid().is_root() && passes_on(&status)
}

fn passes_on(status: &str) -> bool {
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let set = bounding.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_some_and(|set| set & READS_OTHERS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capabilities_that_read_other_processes_are_told_from_the_rest() {
        for (status, passes) in [
            ("Name:\tx\nCapBnd:\t000001ffffffffff\n", true),
            ("CapBnd:\t0000000000080000\n", true),
            ("CapBnd:\t0000004000000000\n", true),
            // What Docker leaves.
            ("CapBnd:\t00000000a80425fb\n", false),
            ("CapBnd:\tnone\n", false),
            ("", false),
        ] {
            assert_eq!(passes_on(status), passes, "{status:?}");
        }
    }
}
