//! What the guard promises, through its layers: tables of refusals, the cache, the cut-off of streams, the tokens of calls that leave.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on shall fail loudly"
)]

mod actions;
mod attaching;
mod caching;
mod caller;
mod fixture;
mod following;
mod issuer;
mod late;
mod limits;
mod log_lines;
mod oidc_keys;
mod patience;
mod recorded;
mod refusals;
mod refused;
mod remembered;
mod rules;
mod silence;
mod slots;
mod streams;
mod streams_server;
mod traces;
mod unsent;
mod validity;
mod verifications;
