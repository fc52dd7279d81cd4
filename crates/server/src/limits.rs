//! What one caller, or all together, may take of a server.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::{CallLimits, SlotLimits};
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
    /// How many connections may be open. At start the process raises its limit of file descriptors as far as it may; by default
    /// half of what stores, files and peers leave of it, and 4096 at most.
    pub connections: Option<NonZeroU32>,
    /// How many connections one address may have (for IPv6 one network of 64 bits), trusted proxies excepted; by default 128, or a
    /// quarter of `connections` where that is less. A further one closes the oldest that makes no call; if there is none, it is
    /// closed itself.
    pub connections_per_address: Option<NonZeroU32>,
    /// How long a new connection may take until its first call, the handshakes of TLS and HTTP/2 included; 20 s by default.
    #[serde(deserialize_with = "duration::read")]
    pub first_call_within: Duration,
    /// How long a connection may have no call under way; 5 minutes by default. Keepalive pings are no calls.
    #[serde(deserialize_with = "duration::read")]
    pub idle: Duration,
    /// How many bytes the calls of one caller may hold, a caller being a token with all that descend from it, or else an address:
    /// what has come of requests and what was answered and is not sent yet; 16 MiB by default, from 8 MiB. Beyond, calls are refused,
    /// streams after 5 s.
    pub memory_per_caller_bytes: u64,
    /// How many bytes all calls may hold; by default a quarter of the memory of the machine or of the control group, for all servers
    /// of a process together.
    pub memory_bytes: Option<u64>,
    /// How many bytes of the disk that the data folder is on uploads, results, job logs and changes of datasets leave free, so that
    /// revoking, deleting and sweeping go on; by default a hundredth of it, from 256 MiB to 4 GiB and a tenth of it at most. 0 keeps none.
    pub keep_free_bytes: Option<u64>,
    /// How many bytes of one call a client may send ahead of what is read; 256 KiB by default, from 64 KiB - 1 to 16 MiB.
    pub stream_window_bytes: u32,
    /// The most bytes that the metadata of one request may have, as HTTP/2 counts them (RFC 9113, section 6.5.2); 32 KiB by default, from 4 KiB
    /// to 1 MiB. A request with more is refused with `RESOURCE_EXHAUSTED`, reason `METADATA_TOO_LARGE`; of one with more than four times as
    /// many the transport reads no more and answers HTTP 431.
    pub header_bytes: u32,
    /// How many calls one connection may have under way; a further one waits at the client.
    pub calls_per_connection: u32,
    /// How many calls and streams with a token may be under way in all; a further one is refused with `RESOURCE_EXHAUSTED`. Calls
    /// that a stale node serves, such as revoking, have as many slots for themselves, and so have their streams.
    pub calls: usize,
    /// How many more slots there are for holders of the scope `revocations:admin`, when those above are taken.
    pub reserved_calls: usize,
    /// How much of `calls` one token and all that was minted from it may take, in percent.
    pub token_percent: Percent,
    /// How much of `calls` one user may take, in percent; a background token counts for its job's owner, its job, or its service.
    pub user_percent: Percent,
    /// How much of the limits for calls that need no token one address may take, in percent. An IPv6 network of 64 bits is one address.
    pub address_percent: Percent,
    /// How long the first message of a call may take to arrive whole.
    #[serde(deserialize_with = "duration::positive")]
    pub first_message: Duration,
    /// How many streams that need no token, such as reflection's, may be open; they have deadlines as unary calls have.
    pub anonymous_streams: usize,
    /// How many unary calls that need no token, such as that for Platform's public keys, may be under way; they take 10 s at most. Health's
    /// checks have the same share for each address, and no total.
    pub anonymous_calls: usize,
    /// How many verifications of tokens may fail in a second, of all callers together; 0 is no limit. Beyond it, calls with tokens that
    /// are not known yet wait their turn. Tokens that verify are not counted.
    pub failed_verifications_a_second: u32,
    /// How many calls may be refused to one caller in a minute; 0 is no limit.
    pub refusals_a_minute: u32,
    /// How many calls one caller may make in a minute; 0 is no limit.
    pub calls_a_minute: u32,
    /// How many action tokens and sessions one user may get in a minute; 0 is no limit. Beside it each of their agents may get a quarter of
    /// that, and all of them together half.
    pub issued_a_minute: u32,
    /// How many may watch the server's health.
    pub health_watchers: usize,
    /// How long a unary call may take where the caller does not say.
    #[serde(deserialize_with = "duration::positive")]
    pub deadline: Duration,
    /// How long a unary call may take, whatever the caller says.
    #[serde(deserialize_with = "duration::positive")]
    pub max_deadline: Duration,
}

impl Limits {
    /// How many bytes of all calls of one connection a client may send ahead: the windows of all of them, so that a call that is
    /// not read takes nothing from the others.
    pub(crate) fn connection_window(&self) -> u32 {
        const MOST: u32 = i32::MAX.cast_unsigned();
        self.stream_window_bytes.saturating_mul(self.calls_per_connection.max(1)).min(MOST)
    }

    /// What is wrong with a setting: its key and what is allowed.
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        const METADATA: std::ops::RangeInclusive<u32> = 4096..=1 << 20;
        const WINDOWS: std::ops::RangeInclusive<u32> = 65_535..=16 << 20;
        let windows = [("limits.stream_window_bytes", self.stream_window_bytes)];
        let spans =
            [("limits.first_call_within", self.first_call_within), ("limits.idle", self.idle)];
        let window = windows.into_iter().find(|(_, bytes)| !WINDOWS.contains(bytes));
        let span = spans.into_iter().find(|(_, span)| span.is_zero());
        if !METADATA.contains(&self.header_bytes) {
            let problem = format!("{} is not from 4096 to 1048576", self.header_bytes);
            return Some(("limits.header_bytes", problem));
        }
        let least = [
            ("limits.memory_per_caller_bytes", self.memory_per_caller_bytes),
            ("limits.memory_bytes", self.memory_bytes.unwrap_or(u64::MAX)),
        ];
        // The longest message of a contract has 4 MiB; a caller must be able to hold more than it.
        let little = least.into_iter().find(|(_, bytes)| *bytes < 8 << 20);
        if let Some((key, bytes)) = little {
            return Some((key, format!("{bytes} is too little: at least 8388608")));
        }
        let counts = [
            ("limits.calls", self.calls),
            ("limits.calls_per_connection", self.calls_per_connection as usize),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Some((key, "0 lets nobody in: at least 1".to_owned()));
        }
        window
            .map(|(key, bytes)| (key, format!("{bytes} is not from 65535 to 16777216")))
            .or_else(|| span.map(|(key, _)| (key, "must be longer than nothing".to_owned())))
    }

    /// The limits that the guard keeps.
    pub const fn of_calls(&self) -> CallLimits {
        CallLimits {
            failed_verifications: NonZeroU32::new(self.failed_verifications_a_second),
            refusals: NonZeroU32::new(self.refusals_a_minute),
            calls: NonZeroU32::new(self.calls_a_minute),
            slots: self.slots(),
            first_message: self.first_message,
            metadata_bytes: self.header_bytes as usize,
        }
    }

    /// How much metadata the transport reads: what is a little too much gets an answer with its reason.
    pub(crate) const fn transport_header_bytes(&self) -> u32 {
        self.header_bytes.saturating_mul(4)
    }

    const fn slots(&self) -> SlotLimits {
        SlotLimits {
            calls: self.calls,
            reserved: self.reserved_calls,
            anonymous_calls: self.anonymous_calls,
            anonymous_streams: self.anonymous_streams,
            health_watchers: self.health_watchers,
            per_token: self.token_percent.0,
            per_user: self.user_percent.0,
            per_address: self.address_percent.0,
        }
    }
}

/// A share of a limit: 1 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub struct Percent(u8);

impl TryFrom<u8> for Percent {
    type Error = &'static str;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        match percent {
            1..=100 => Ok(Self(percent)),
            _ => Err("not a share: give 1 to 100 percent"),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            trusted_proxies: Proxies::default(),
            connections: None,
            connections_per_address: None,
            first_call_within: Duration::from_secs(20),
            idle: Duration::from_mins(5),
            stream_window_bytes: 256 * 1024,
            memory_per_caller_bytes: 16 << 20,
            memory_bytes: None,
            keep_free_bytes: None,
            header_bytes: 32 * 1024,
            calls_per_connection: 256,
            calls: 4096,
            reserved_calls: 64,
            token_percent: Percent(25),
            user_percent: Percent(50),
            address_percent: Percent(50),
            first_message: Duration::from_secs(10),
            anonymous_streams: 64,
            anonymous_calls: 1024,
            failed_verifications_a_second: 1000,
            refusals_a_minute: 0,
            calls_a_minute: 0,
            issued_a_minute: 60,
            health_watchers: 1024,
            deadline: Duration::from_secs(30),
            max_deadline: Duration::from_mins(5),
        }
    }
}
