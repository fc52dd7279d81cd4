//! Shows what a token says, and that nothing vouches for it. The signature is not shown: without it the output is no token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use hallpass_guard::Clock;
use hallpass_token::{GrantError, Grants, Inspected, UnixTime, numeric_date};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, plain};

/// The claims that are instants.
const INSTANTS: [&str; 6] = ["iat", "nbf", "exp", "root_iat", "auth_time", "updated_at"];

/// Which token.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass token mint | hallpass token inspect -
  hallpass token inspect - --output json < token.txt

Others on this machine can see arguments: prefer `-`.")]
pub(crate) struct Inspect {
    /// The token; `-` reads it from stdin.
    #[arg(value_name = "TOKEN|-")]
    token: SecretString,
}

/// Decodes and prints.
pub(crate) fn run(wanted: &Inspect, format: Format) -> Result<(), Failure> {
    let token = super::read(&wanted.token)?;
    let shown = hallpass_token::inspect(token.expose_secret())
        .map_err(|error| Failure::failed(format_args!("the token cannot be read: {error}")))?;
    let now = Clock::system().now();
    match format {
        Format::Text => output::print(&format!(
            "NOT VERIFIED: nothing vouches for what this token says.\n\n{}fingerprint {}\n",
            to_text(&shown, now),
            shown.fingerprint,
        )),
        Format::Json => output::print_json(&to_json(&shown, now)),
    }
}

/// Header and claims, with times as people read them.
pub(super) fn to_text(shown: &Inspected, now: UnixTime) -> String {
    let lines = |object: &Value| {
        let members = object.as_object().into_iter().flatten();
        let rows: Vec<_> = members.map(|(name, value)| line(name, value, now)).collect();
        output::table(&rows)
    };
    if let Some(content) = &shown.content {
        return format!("header\n{}\n{}\n", lines(&shown.header), content_to_text(content));
    }
    let life = remaining(&shown.payload, now).0;
    let grants = grants(&shown.payload).map_or_else(String::new, |counts| match counts {
        Ok([buckets, permissions, unknown]) => format!(
            "storage grants: {buckets} buckets, {permissions} permissions, {unknown} unknown ones that grant nothing\n"
        ),
        Err(error) => format!("storage grants that no service accepts: {error}\n"),
    });
    format!("header\n{}\nclaims\n{}\n{grants}{life}\n", lines(&shown.header), lines(&shown.payload))
}

/// The payload of a JWS that is no JWT: as text where it is text.
fn content_to_text(content: &[u8]) -> String {
    let bytes = content.len();
    match std::str::from_utf8(content) {
        Ok(text) => format!("payload of {bytes} bytes, no claims\n  {}", plain(text)),
        Err(_) => format!("payload of {bytes} bytes, no text: --output json shows it in base64"),
    }
}

/// How many buckets and permissions the token says that it grants, and how many that are not known.
fn grants(payload: &Value) -> Option<Result<[usize; 3], GrantError>> {
    let read = Grants::read(payload.as_object()?).transpose()?;
    Some(
        read.map(|grants| {
            [grants.buckets.len(), grants.permissions.len(), grants.unknown_permissions]
        }),
    )
}

fn line(name: &str, value: &Value, now: UnixTime) -> Vec<String> {
    let text = match value {
        Value::String(text) => plain(text).into_owned(),
        other => plain(&other.to_string()).into_owned(),
    };
    let mut cells = vec![format!("  {}", plain(name)), text];
    if INSTANTS.contains(&name)
        && let Some(at) = as_instant(value)
        && let Some(date) = instant::rfc3339(at)
    {
        cells[1] = format!("{} ({date}, {})", cells[1], instant::relative(at, now));
    }
    cells
}

fn to_json(shown: &Inspected, now: UnixTime) -> Value {
    let times: Map<String, Value> = INSTANTS
        .iter()
        .filter_map(|name| {
            let date = instant::rfc3339(as_instant(shown.payload.get(*name)?)?)?;
            Some(((*name).to_owned(), date.into()))
        })
        .collect();
    json!({
        "verified": false,
        "header": shown.header,
        "payload": shown.payload,
        "payload_base64": content_in_base64(shown),
        "fingerprint": shown.fingerprint.to_string(),
        "grants": grants(&shown.payload).and_then(Result::ok).map(|[buckets, permissions, unknown]| {
            json!({ "buckets": buckets, "permissions": permissions, "unknown_permissions": unknown })
        }),
        "times": times,
        "remaining_seconds": remaining(&shown.payload, now).1,
    })
}

/// The payload's bytes, where they are no JSON object.
pub(super) fn content_in_base64(shown: &Inspected) -> Option<String> {
    shown.content.as_ref().map(|content| STANDARD.encode(content))
}

/// How long the token says that it lives: in words, and in seconds where it has an end.
fn remaining(payload: &Value, now: UnixTime) -> (String, Option<u64>) {
    match payload.get("exp").map(as_instant) {
        None => ("says that it never ends".to_owned(), None),
        Some(None) => ("its end is no instant".to_owned(), None),
        Some(Some(end)) => {
            let left = end.since(now);
            let words = match left.as_secs() {
                0 => format!("says that it ended {}", instant::relative(end, now)),
                _ => format!("says that it lives for another {}", instant::length(left)),
            };
            (words, Some(left.as_secs()))
        }
    }
}

/// A `NumericDate` (RFC 7519, section 2) after 1970, without its fraction.
fn as_instant(value: &Value) -> Option<UnixTime> {
    numeric_date(value).map(UnixTime::whole)
}
