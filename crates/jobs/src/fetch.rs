//! Brings the dataset's files and the list of its items.
//!
//! Invariant: nothing is written outside the job's folder, each file has the bytes that Labeler says it has, and a folder that is not
//! complete is never taken for one that is.

mod files;
pub(crate) mod items;

use hallpass_guard::Background;
use tokio::fs;

use crate::engine::{DATA, Engine, FETCHED, ITEMS, Task};
use crate::failure::Failure;
use crate::peer::Peer;
use crate::said::Saying;
use crate::validate;
use files::Files;

/// Fetches what the job trains on, from the beginning.
pub(crate) async fn run<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    saying: &Saying,
) -> Result<(), Failure> {
    let local = |error| Failure::local("the job's folder", &error);
    let place = engine.place(task);
    if place.exists() {
        fs::remove_dir_all(&place).await.map_err(local)?;
    }
    fs::create_dir_all(place.join(DATA)).await.map_err(local)?;
    let (count, bytes) = expected(engine, task, work).await?;
    drop(engine.space.take(bytes).map_err(Failure::no_space)?);
    let files = Files::new(place.join(DATA), bytes, engine.space.clone());
    let fetched = files.fetch(engine, task, work, saying).await?;
    if fetched != count {
        let said = format!("{fetched} files came where there are {count}");
        return Err(Failure::passing("DATASET_INCOMPLETE", said));
    }
    items::write(engine, task, work, &place.join(ITEMS)).await?;
    // Nothing has changed in between.
    expected(engine, task, work).await?;
    fs::write(place.join(FETCHED), b"").await.map_err(local)
}

/// How many files, of how many bytes.
async fn expected<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<(u64, u64), Failure> {
    if task.snapshot_id.is_empty() {
        let dataset = validate::dataset(engine, task, work).await?;
        return Ok((dataset.file_count, dataset.size_bytes));
    }
    let snapshot = validate::snapshot(engine, task, work).await?;
    Ok((snapshot.file_count, snapshot.size_bytes))
}
