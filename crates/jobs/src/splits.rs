//! Applies the splits that a data-processing trainer wrote.
//!
//! Invariant: only a trainer whose configuration gives it `labeler:write` changes a dataset, never a snapshot, and only a dataset whose
//! splits are those that the trainer saw. An attempt that broke off in the middle is taken up by the next one.

mod wanted;

use std::collections::BTreeMap;
use std::path::Path;

use hallpass_contract::labeler::assign_splits_request::By;
use hallpass_contract::labeler::split_service_client::SplitServiceClient;
use hallpass_contract::labeler::{AssignSplitsRequest, Split, SplitLists};
use hallpass_guard::Background;
use serde::Deserialize;

use crate::engine::{Engine, ITEMS, Task};
use crate::failure::Failure;
use crate::fetch::items;
use crate::peer::Peer;
use crate::trainer::Trainer;
use crate::validate;
use wanted::Wanted;

/// A trainer that splits its dataset writes it here.
pub(crate) const SPLITS: &str = "splits.json";

/// Applies them and tells how many items are named; none where the trainer wrote none.
pub(crate) async fn apply<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    output: &Path,
) -> Result<u64, Failure> {
    let Some(wanted) = Wanted::read(&output.join(SPLITS)).await? else { return Ok(0) };
    allowed(engine.trainer(task)?, task)?;
    let fetched = fetched(&engine.place(task).join(ITEMS)).await?;
    wanted.check(&fetched)?;
    // Asked first: what changes behind it makes the assignment fail.
    let mut etag = validate::any_state(engine, task, work).await?.etag;
    let present = present(engine, task, work).await?;
    if !wanted.is_possible(&fetched, &present) {
        let said = "the dataset's splits have changed since the job began; right: retry the job";
        return Err(Failure::lasting("DATASET_CHANGED", said));
    }
    for lists in wanted.missing(&present) {
        etag = assign(engine, task, work, (lists, etag)).await?;
    }
    Ok(wanted.len())
}

fn allowed(trainer: &Trainer, task: &Task) -> Result<(), Failure> {
    let refused = |why: &str| {
        Err(Failure::lasting("SPLITS_REFUSED", format!("the trainer wrote {SPLITS}, and {why}")))
    };
    if !trainer.may(Trainer::WRITE) {
        return refused("its configuration does not give it labeler:write");
    }
    if !task.snapshot_id.is_empty() {
        return refused("a snapshot never changes; right: a job on the dataset");
    }
    Ok(())
}

async fn assign<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    (lists, etag): (SplitLists, String),
) -> Result<String, Failure> {
    let dataset_id = task.dataset_id.clone();
    let request = AssignSplitsRequest { dataset_id, etag, by: Some(By::Lists(lists)) };
    let mut client = SplitServiceClient::new(engine.labeler.clone());
    let answer = client.assign_splits(work.request(request)).await;
    let dataset = answer.map_err(|status| Failure::of(&status))?.into_inner().dataset;
    Ok(dataset.unwrap_or_default().etag)
}

/// The splits of all items, by their paths.
type Splits = BTreeMap<String, Split>;

async fn present<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<Splits, Failure> {
    let (mut all, mut page_token) = (Splits::new(), String::new());
    loop {
        let (page, next) = items::of_dataset(engine, task, work, page_token).await?;
        let splits = page
            .into_iter()
            .map(|(path, _, split)| (path, Split::try_from(split).unwrap_or(Split::Unspecified)));
        all.extend(splits);
        page_token = next;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

#[derive(Deserialize)]
struct Line {
    path: String,
    split: String,
}

/// As they were when the files were fetched.
async fn fetched(list: &Path) -> Result<Splits, Failure> {
    let local = |error: &dyn std::fmt::Display| Failure::local("the list of items", error);
    let text = tokio::fs::read_to_string(list).await.map_err(|error| local(&error))?;
    let lines = text.lines().map(serde_json::from_str::<Line>);
    let splits = lines.map(|line| line.map(|line| (line.path, of_name(&line.split))));
    splits.collect::<Result<_, _>>().map_err(|error| local(&error))
}

fn of_name(name: &str) -> Split {
    let all = [Split::Train, Split::Validation, Split::Test];
    all.into_iter().find(|split| items::name(*split) == name).unwrap_or(Split::Unspecified)
}
