//! Users from outside: fetches the keys of `OpenID` Connect issuers and keeps them fresh in a process's key ring.
//!
//! Promise: no call ever waits for an issuer. What an issuer answers is bounded in size and time, comes over TLS, through a proxy only where one is configured, and changes nothing but
//! that issuer's own keys; while it does not answer, those that are known go on counting for a while.

mod answer;
mod error;
mod fetch;
mod oidc;
mod place;
mod proxy;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;
mod watched;

pub use error::{Document, FetchError, FetchProblem};
pub use oidc::Oidc;
pub use proxy::ProxySettings;
pub use settings::{IssuerSettings, OidcError};
