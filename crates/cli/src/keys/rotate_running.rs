//! Has a running Platform put new keys in the place of its own. An elevated operation: an administrator's, who has just logged in.

use clap::Args;
use hallpass_contract::auth::RotateKeysRequest;
use hallpass_contract::auth::key_service_client::KeyServiceClient;
use serde_json::json;

use crate::action::{self, Elevation};
use crate::caller::{self, Connection, refused};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

const PATH: &str = "/hallpass.auth.v1.KeyService/RotateKeys";

/// Which keys, and how far.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export HALLPASS_TOKEN=$(hallpass token mint --subject root --amr otp \\
    --scope keys:admin,actions:issue)
  hallpass keys rotate-running
  hallpass keys rotate-running platform-1 --prepare

With --prepare the new key is there and does not sign: `hallpass keys export` and `add` it at the verifiers, then run this without.

When the old keys' tokens have ended: hallpass keys retire KID.")]
pub(crate) struct RotateRunning {
    /// The keys' names, `kid` [default: every key that Platform signs with].
    #[arg(value_name = "KID")]
    kids: Vec<String>,
    /// Take the first step only: the new keys are there and do not sign.
    #[arg(long)]
    prepare: bool,
    /// So many seconds every process has to read its ring anew before the new keys sign, at most 20 [default: 5].
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    settle: u32,
    #[command(flatten)]
    elevation: Elevation,
    #[command(flatten)]
    connection: Connection,
}

/// Asks and prints.
pub(super) fn run(wanted: &RotateRunning, format: Format) -> Result<(), Failure> {
    let message = RotateKeysRequest {
        kids: wanted.kids.clone(),
        prepare_only: wanted.prepare,
        settle_seconds: wanted.settle,
    };
    let rotated = caller::wait_for(async {
        let service = wanted.connection.open_as_caller().await?;
        let request = action::request(&service, PATH, message, &wanted.elevation).await?;
        let rotated = KeyServiceClient::new(service).rotate_keys(request).await;
        rotated.map_err(|status| refused(&status))
    })?;
    let keys = rotated.into_inner().keys;
    match format {
        Format::Json => {
            let row = |key: &hallpass_contract::auth::RotatedKey| json!({ "kid": key.kid, "successor": key.successor, "signs": key.signs });
            output::print_json(&keys.iter().map(row).collect::<Vec<_>>())
        }
        Format::Text => {
            let line = |key: &hallpass_contract::auth::RotatedKey| {
                let (old, new) = (plain(&key.kid), plain(&key.successor));
                let state = if key.signs { "signs" } else { "is prepared and does not sign yet" };
                format!("{new} {state}; it takes the place of {old}\n")
            };
            output::print(&keys.iter().map(line).collect::<String>())
        }
    }
}
