//! What one caller, or all together, may take of a server.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::CallLimits;
use serde::Deserialize;

use crate::config::duration;
use crate::proxies::Proxies;

/// What one caller, or all together, may take of a server. A message is at most 4 MiB, as for every gRPC server; of a unary
/// call that needs no token, or that revokes, 64 KiB.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The networks (CIDR) of the proxies whose `x-forwarded-for` and `x-forwarded-client-cert` are believed; by default none.
    pub trusted_proxies: Proxies,
    /// The most that the metadata of one request may weigh, in bytes.
    pub header_bytes: u32,
    /// How many calls one connection may have under way; a further one waits at the client.
    pub calls_per_connection: u32,
    /// How many calls may be under way in all; a further one is refused with `RESOURCE_EXHAUSTED`.
    pub calls: usize,
    /// How many streams that need no token, such as reflection's, may be open; they have deadlines as unary calls have.
    pub anonymous_streams: usize,
    /// How many unary calls that need no token, such as that for Platform's public keys, may be under way; they take 10 s at most. Health's
    /// checks are not counted.
    pub anonymous_calls: usize,
    /// How many tokens that do not verify one address may send in a minute; 0 is no limit.
    pub failures_a_minute: u32,
    /// How many calls may be refused to one caller in a minute; 0 is no limit.
    pub refusals_a_minute: u32,
    /// How many calls one caller may make in a minute; 0 is no limit.
    pub calls_a_minute: u32,
    /// How many action tokens one user may get in a minute; 0 is no limit.
    pub issued_a_minute: u32,
    /// How many may watch the server's health.
    pub health_watchers: usize,
    /// How long a unary call may take where the caller does not say.
    #[serde(deserialize_with = "duration::read")]
    pub deadline: Duration,
    /// How long a unary call may take, whatever the caller says.
    #[serde(deserialize_with = "duration::read")]
    pub max_deadline: Duration,
}

impl Limits {
    /// The limits that the guard keeps.
    pub const fn of_calls(&self) -> CallLimits {
        CallLimits {
            failures: NonZeroU32::new(self.failures_a_minute),
            refusals: NonZeroU32::new(self.refusals_a_minute),
            calls: NonZeroU32::new(self.calls_a_minute),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            trusted_proxies: Proxies::default(),
            header_bytes: 16 * 1024,
            calls_per_connection: 256,
            calls: 4096,
            anonymous_streams: 64,
            anonymous_calls: 1024,
            failures_a_minute: 600,
            refusals_a_minute: 0,
            calls_a_minute: 0,
            issued_a_minute: 60,
            health_watchers: 1024,
            deadline: Duration::from_secs(30),
            max_deadline: Duration::from_mins(5),
        }
    }
}
