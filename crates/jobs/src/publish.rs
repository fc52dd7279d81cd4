//! Keeps what the trainer made, and applies the splits that it wrote.
//!
//! Invariant: what is published under a job's name is whole before the job says that it is there. What cannot be kept is named in the job's log, and
//! costs nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hallpass_guard::Background;
use serde::{Deserialize, Serialize};
use tokio::fs;

use crate::artifacts::{ArtifactFile, Artifacts};
use crate::engine::{Engine, OUTPUT, Task};
use crate::failure::Failure;
use crate::output::Output;
use crate::peer::Peer;
use crate::said::{Said, Saying};
use crate::{metrics, splits, validate};

/// The most files that a job may leave: their list is in memory when they are fetched.
const MOST_FILES: usize = 10_000;

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// What the trainer measured, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Where its files are.
    pub artifact: String,
    /// How many there are.
    pub file_count: u64,
    /// How many bytes they have.
    pub size_bytes: u64,
    /// How many of the dataset's items the trainer has named a split for.
    #[serde(default)]
    pub split_items: u64,
}

/// Copies the trainer's files into the store, if the job's owner may still read what they were made from. What changes the dataset comes last: files of a job that fails bother nobody.
pub(crate) async fn run<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    saying: &Saying,
) -> Result<Published, Failure> {
    validate::still_readable(engine, task, work).await?;
    let folder = engine.place(task).join(OUTPUT);
    let found = Output::of(&folder).await;
    let found = found.map_err(|error| Failure::local("the trainer's folder", &error))?;
    let (metrics, notes) = metrics::read(&folder).await;
    let (kept, left_out) = keep(engine, task, found).await?;
    for note in notes.into_iter().chain(left_out.notes()) {
        saying.say(Said::Line(format!("hallpass: {note}"))).await;
    }
    Ok(Published {
        metrics,
        artifact: Artifacts::place(&task.job_id),
        file_count: kept.len() as u64,
        size_bytes: kept.iter().map(|file| file.size_bytes).sum(),
        split_items: splits::apply(engine, task, work, &folder).await?,
    })
}

/// Keeps the files, and then their list; what cannot be read is left out.
async fn keep<S>(
    engine: &Engine<S>,
    task: &Task,
    mut found: Output,
) -> Result<(Vec<ArtifactFile>, Output), Failure> {
    let store = |error: &dyn std::fmt::Display| Failure::local("the store of results", error);
    let files = std::mem::take(&mut found.files);
    let size = bounded(&files, engine.most_bytes).await?;
    drop(engine.artifacts.room_for(size).map_err(Failure::no_space)?);
    if files.len() > MOST_FILES {
        let said = format!("the trainer made more than {MOST_FILES} files; right: an archive");
        return Err(Failure::lasting("OUTPUT_UNUSABLE", said));
    }
    let mut kept = Vec::with_capacity(files.len());
    for (path, name) in files {
        match fs::File::open(&path).await {
            Ok(file) => {
                let file = engine.artifacts.keep(&task.job_id, file, &name).await;
                kept.push(file.map_err(|error| store(&error))?);
            }
            Err(error) => found.leave_out(Path::new(&name), &format!("cannot be read: {error}")),
        }
    }
    engine.artifacts.conclude(&task.job_id, &kept).await.map_err(|error| store(&error))?;
    Ok((kept, found))
}

/// How many bytes the files have together, if that is not too much.
async fn bounded(files: &[(PathBuf, String)], most: u64) -> Result<u64, Failure> {
    let mut size = 0_u64;
    for (file, _) in files {
        let about = fs::symlink_metadata(file).await;
        let about = about.map_err(|error| Failure::local("the trainer's folder", &error))?;
        size = size.saturating_add(about.len());
    }
    if size > most {
        let said = format!("the trainer made {size} bytes; {most} are allowed (jobs.result_bytes)");
        return Err(Failure::lasting("OUTPUT_UNUSABLE", said));
    }
    Ok(size)
}
