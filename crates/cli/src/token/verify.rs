//! Verifies a token as a service would, except that no running service is asked: a revoked token verifies here.

use std::path::PathBuf;

use clap::Args;
use hallpass_guard::Clock;
use hallpass_token::{Inspected, KeyRing, UnixTime};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{inspect, signature};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::rings::{KeyArguments, Keys};

const EXAMPLES: &str = "\
Examples:
  echo \"$TOKEN\" | hallpass token verify - --data hallpass-data
  echo \"$TOKEN\" | JWT_SECRET_KEY=$SECRET hallpass token verify -
  hallpass token verify - --jwks jwks.json < token.txt
  hallpass token verify - --jwks jwks.json --signature-only < any.jws

With a ring: signature, times and everything that the key's entry demands. With --jwks: signature and times. Whether a token is
revoked only a running service knows. Others on this machine can see arguments: prefer `-`.

Exit codes: 0 valid, 1 not valid or a configuration error, 2 invalid arguments.";

/// Which token, and by which keys.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// The token; `-` reads it from stdin.
    #[arg(value_name = "TOKEN|-")]
    token: SecretString,
    #[command(flatten)]
    keys: KeyArguments,
    /// A set of public keys (RFC 7517).
    #[arg(long, value_name = "FILE", conflicts_with = "algorithm", group = "keys")]
    jwks: Option<PathBuf>,
    /// Verify nothing but the signature, of any JWS.
    #[arg(long, requires = "jwks")]
    signature_only: bool,
}

/// What was found.
struct Finding {
    checked: &'static [&'static str],
    kid: Option<String>,
    outcome: Result<Inspected, String>,
}

/// Verifies and prints.
pub(crate) fn run(wanted: Verify, format: Format) -> Result<(), Failure> {
    let token = super::read(&wanted.token)?;
    let now = Clock::system().now();
    let finding = find(wanted, token.expose_secret(), now)?;
    let reason = finding.outcome.as_ref().err().cloned();
    match format {
        Format::Text => print(&finding, now)?,
        Format::Json => output::print_json(&json!({
            "valid": reason.is_none(),
            "reason": reason,
            "checked": finding.checked,
            "kid": finding.kid,
            "payload": finding.outcome.as_ref().ok().map(|read| &read.payload),
            "payload_base64": finding.outcome.as_ref().ok().and_then(inspect::content_in_base64),
        }))?,
    }
    let not_valid = |reason| Failure::failed(format_args!("the token is not valid: {reason}"));
    reason.map(not_valid).map_or(Ok(()), Err)
}

fn find(wanted: Verify, token: &str, now: UnixTime) -> Result<Finding, Failure> {
    if let Some(jwks) = &wanted.jwks {
        let signed = signature::check(jwks, token)?;
        if wanted.signature_only {
            return Ok(Finding { checked: &["signature"], kid: None, outcome: signed });
        }
        let timely = |read: Inspected| match read.content {
            Some(_) => Err("its payload is no claims: --signature-only verifies it".to_owned()),
            None => signature::check_times(&read.payload, now).map(|()| read),
        };
        let outcome = signed.and_then(timely);
        return Ok(Finding { checked: &["signature", "times"], kid: None, outcome });
    }
    // Platform's ring has the public keys of all.
    Ok(match wanted.keys.find("platform")? {
        Keys::Secret { ring, .. } => by_ring(&ring, token, now),
        Keys::Ring(file) => by_ring(&file.ring, token, now),
    })
}

fn by_ring(ring: &KeyRing, token: &str, now: UnixTime) -> Finding {
    let verified = ring.verify(token, now);
    let kid = verified.as_ref().ok().map(|verified| verified.kid().to_owned());
    let outcome = verified.and_then(|_| hallpass_token::inspect(token));
    Finding {
        checked: &["signature", "key entry", "times"],
        kid,
        outcome: outcome.map_err(|error| error.to_string()),
    }
}

fn print(finding: &Finding, now: UnixTime) -> Result<(), Failure> {
    let Ok(read) = &finding.outcome else { return Ok(()) };
    let checked = finding.checked.join(", ");
    let shown = inspect::to_text(read, now);
    output::print(&format!("valid: {checked} checked; revocation was not asked for\n\n{shown}"))
}
