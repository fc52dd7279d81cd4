//! Users from outside: fetches the keys of `OpenID` Connect issuers and keeps them fresh in a process's key ring.
//!
//! Promise: no call ever waits for an issuer. What an issuer answers is bounded in size and time, comes over TLS, and changes nothing but
//! that issuer's own keys; while it does not answer, those that are known go on counting for a while.

mod fetch;
mod oidc;
mod place;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;
mod watched;

pub use fetch::FetchError;
pub use oidc::Oidc;
pub use settings::{IssuerSettings, OidcError};
