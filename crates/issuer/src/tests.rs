//! The services as tables: who may revoke and look into what, and what a follower gets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

mod actions;
mod audit;
mod by_name;
mod contract;
mod cutoffs;
mod delegations;
mod diagnostics;
mod every_way;
mod feed;
mod handles;
mod introspect;
mod loopback;
mod many;
mod network;
mod revoke;
mod rotation;
mod world;
