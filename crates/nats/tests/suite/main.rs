//! The feed, the claims and the sessions against a real NATS server, through its faults. Each test has a server of its own.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed step fails the test, and one left out says so"
)]

mod claims;
mod faults;
mod feed;
mod login;
mod node;
mod permissions;
mod proxy;
mod server;
mod sessions;
