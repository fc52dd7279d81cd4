//! Servers as they are started in earnest: on loopback, on a port of their own, behind the guard.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod connections;
mod deadlines;
mod draining;
mod fixture;
mod health;
mod limits;
mod memory;
mod names;
mod peers;
mod proxies;
mod reflection;
mod strangers;
mod tls;
mod untaken;
mod wire;
