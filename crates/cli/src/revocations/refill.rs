//! Fills a lost list from what a follower has kept.
//!
//! Invariant: nothing that stands in the list is lost by it, and the loss counts as dealt with only once all of it is durable.

use std::path::PathBuf;

use clap::Args;
use hallpass_guard::Clock;
use hallpass_revocation::List;
use hallpass_revocation::feed::Batch;
use serde_json::json;

use super::offline::{self, Folder};
use crate::failure::Failure;
use crate::output::{self, Format};

/// How many entries are read at a time.
const PAGE: usize = 1000;

/// Whose, and from where.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass revocations refill --data hallpass-data --from copy/revocations

A follower that served to the end lacks at most what was acknowledged in its last two seconds. Reasons and names do not travel: the
entries come without them. Where that is not enough, `hallpass revocations reset` as well.")]
pub(crate) struct Refill {
    #[command(flatten)]
    folder: Folder,
    /// The follower's list: the folder `revocations` in its state folder, or a copy of it. The follower must not run on it.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
}

pub(super) async fn run(wanted: &Refill, format: Format) -> Result<(), Failure> {
    if !wanted.from.join("db").is_file() {
        let from = wanted.from.display();
        return Err(Failure::failed(format_args!(
            "{from}: no list; right: a follower's folder `revocations`"
        )));
    }
    let clock = Clock::system();
    let follower = offline::open(&wanted.from, &clock)?;
    if follower.position().is_none() {
        return Err(Failure::failed(
            "the follower has never had all of a list; right: another follower, or a reset",
        ));
    }
    let list = wanted.folder.open(&clock)?;
    let count = fill(&list, &follower).await?;
    list.accept_loss().await.map_err(Failure::failed)?;
    match format {
        Format::Text => output::print(&format!("{count} revocations taken over\n")),
        Format::Json => output::print_json(&json!({ "taken_over": count })),
    }
}

/// As entries alone: the position is the follower's and means nothing here.
async fn fill(list: &List, follower: &List) -> Result<usize, Failure> {
    let (mut count, mut after) = (0, 0);
    loop {
        let page = follower.snapshot(after, PAGE).map_err(Failure::failed)?;
        (count, after) = (count + page.entries.len(), page.sequence);
        let finished = page.last;
        let entries = Batch { snapshot: true, last: false, ..page };
        list.apply(entries).await.map_err(Failure::failed)?;
        if finished {
            return Ok(count);
        }
    }
}
