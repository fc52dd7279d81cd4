//! What the crate promises, as tables and properties. Time is an argument, so nothing here waits.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up shall fail loudly")]

mod accepted;
mod attacks;
mod chains;
mod clocks;
mod exchanged;
mod fixtures;
mod hostile;
mod inspecting;
mod kinds;
mod lives;
mod minting;
mod outside;
mod outside_issuers;
mod outside_jwks;
mod outsiders;
mod profiles;
mod refused;
mod refused_claims;
mod revocation_names;
mod ring_file;
mod ring_secrets;
mod roots;
mod storage;
mod tolerant;
mod trees;
