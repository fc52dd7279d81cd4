//! File descriptors: how many this process may have, and how many of them its servers may give to connections.
//!
//! Invariant: the connections of all servers of this process together leave [`RESERVED`] descriptors to stores, files and peers.

use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that no connection takes: stores, files that are read and written, peers, logs, trainers' pipes.
const RESERVED: u64 = 256;

/// The most connections that a server takes by default, however many descriptors there are: each costs memory, too.
const DEFAULT: u64 = 4096;

/// What the servers of this process have claimed.
static CLAIMED: Mutex<u64> = Mutex::new(0);

/// The number of connections that a server may have; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Claim(u64);

/// A configured number of connections that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "limits.connections: {wanted} do not fit into {limit} file descriptors, of which {RESERVED} are kept for stores, files and \
     peers and {claimed} are other servers': set at most {}, or raise the process's limit (ulimit -n)",
    limit.saturating_sub(RESERVED + claimed)
)]
pub struct TooFewDescriptors {
    wanted: u64,
    limit: u64,
    claimed: u64,
}

impl Claim {
    /// Claims the wanted number; without one, a number that leaves as many for another server of this process.
    pub(crate) fn take(wanted: Option<u64>) -> Result<Self, TooFewDescriptors> {
        let limit = raised();
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let count = granted(wanted, limit, *claimed)?;
        *claimed += count;
        Ok(Self(count))
    }

    pub(crate) const fn count(&self) -> u64 {
        self.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        *CLAIMED.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
    }
}

fn granted(wanted: Option<u64>, limit: u64, claimed: u64) -> Result<u64, TooFewDescriptors> {
    let left = limit.saturating_sub(RESERVED + claimed);
    let count = wanted.unwrap_or_else(|| DEFAULT.min(left / 2).max(1));
    if count > left { Err(TooFewDescriptors { wanted: count, limit, claimed }) } else { Ok(count) }
}

/// The limit, after it was raised as far as this process may raise it.
fn raised() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err()
    {
        tracing::warn!(?current, ?maximum, "the limit of file descriptors cannot be raised");
    }
    // No number means no limit.
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_rest() {
        let rows = [
            (None, 1 << 20, 0, Some(4096)),
            (None, 1024, 0, Some(384)),
            (None, 1024, 384, Some(192)),
            (None, u64::MAX, 0, Some(4096)),
            (None, 257, 0, Some(1)),
            (None, 256, 0, None),
            (Some(768), 1024, 0, Some(768)),
            (Some(769), 1024, 0, None),
            (Some(500), 1024, 300, None),
        ];
        for (wanted, limit, claimed, expected) in rows {
            assert_eq!(granted(wanted, limit, claimed).ok(), expected, "{wanted:?} of {limit}");
        }
        let said = granted(Some(769), 1024, 0).unwrap_err().to_string();
        assert!(said.contains("769 do not fit") && said.contains("at most 768"), "{said}");
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let claim = Claim::take(None).unwrap();
        assert!(claim.count() > 0);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
