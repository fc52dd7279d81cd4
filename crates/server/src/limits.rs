//! What one caller, or all together, may take of a server.

use std::time::Duration;

use serde::Deserialize;

use crate::config::duration;

/// What one caller, or all together, may take of a server. A message is at most 4 MiB, as for every gRPC server.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most that the metadata of one request may weigh, in bytes.
    pub header_bytes: u32,
    /// How many calls one connection may have under way; a further one waits at the client.
    pub calls_per_connection: u32,
    /// How many calls may be under way in all; a further one is refused with `RESOURCE_EXHAUSTED`.
    pub calls: usize,
    /// How many streams that need no token, such as reflection's, may be open; they have deadlines as unary calls have.
    pub anonymous_streams: usize,
    /// How many may watch the server's health.
    pub health_watchers: usize,
    /// How long a unary call may take where the caller does not say.
    #[serde(deserialize_with = "duration::read")]
    pub deadline: Duration,
    /// How long a unary call may take, whatever the caller says.
    #[serde(deserialize_with = "duration::read")]
    pub max_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 * 1024,
            calls_per_connection: 256,
            calls: 4096,
            anonymous_streams: 64,
            health_watchers: 1024,
            deadline: Duration::from_secs(30),
            max_deadline: Duration::from_mins(5),
        }
    }
}
