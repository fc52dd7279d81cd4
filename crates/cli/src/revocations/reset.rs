//! Makes a lost list usable again, or one that a wrong clock has made forget what is still to come.
//!
//! Invariant: the loss, and what was forgotten, count as dealt with only once it is durable that everything issued before now is refused.

use std::time::Duration;

use clap::Args;
use hallpass_guard::Clock;
use hallpass_revocation::{Entry, Note};
use serde_json::json;

use super::offline::Folder;
use crate::failure::Failure;
use crate::instant::rfc3339;
use crate::output::{self, Format};

/// Whose, and why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass revocations reset --data hallpass-data --reason \"disk broken\"
  hallpass revocations reset --data hallpass-data --reason \"clock was ahead\"

All tokens there are have to be issued anew. Where the clock of whoever issues them may be ahead, wait for that long before this.")]
pub(crate) struct Reset {
    #[command(flatten)]
    folder: Folder,
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn run(wanted: Reset, format: Format) -> Result<(), Failure> {
    let clock = Clock::system();
    let list = wanted.folder.open(&clock)?;
    let others = wanted.folder.others(&clock)?;
    let before = clock.now();
    let note = Note {
        reason: wanted.reason,
        by: "hallpass revocations reset".to_owned(),
        at: clock.now(),
    };
    list.revoke(Entry::everything(before), note.clone()).await.map_err(Failure::failed)?;
    for other in others {
        other.revoke(Entry::everything(before), note.clone()).await.map_err(Failure::failed)?;
    }
    list.accept_loss().await.map_err(Failure::failed)?;
    // Tokens tell whole seconds: what is issued within this one is refused as well, so this one is waited out.
    while clock.now() <= before {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = rfc3339(before).unwrap_or_default();
    match format {
        Format::Text => output::print(&format!("everything issued up to {before} is refused\n")),
        Format::Json => output::print_json(&json!({ "issued_before": before })),
    }
}
