//! Keeps what the trainer made, and applies the splits that it wrote.
//!
//! Invariant: what is published under a job's name is whole before the job says that it is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hallpass_guard::Background;
use serde::{Deserialize, Serialize};
use tokio::fs;

use crate::artifacts::Artifacts;
use crate::engine::{Engine, OUTPUT, Task};
use crate::failure::Failure;
use crate::peer::Peer;
use crate::{splits, validate};

/// A trainer that measures something writes it here.
const METRICS: &str = "metrics.json";
/// No file of metrics is longer, in bytes.
const LONGEST: u64 = 64 << 10;
/// So many are kept.
const MOST: usize = 100;
/// So many files a job may leave: their list is in memory when they are fetched.
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
) -> Result<Published, Failure> {
    validate::still_readable(engine, task, work).await?;
    let output = engine.place(task).join(OUTPUT);
    let metrics = metrics(&output.join(METRICS)).await?;
    let store = |error: &dyn std::fmt::Display| Failure::local("the store of results", error);
    let found = files(&output).await;
    let found = found.map_err(|error| Failure::local("the trainer's folder", &error))?;
    bounded(&found, engine.most_bytes).await?;
    let mut kept = Vec::new();
    for path in found {
        let inside = path.strip_prefix(&output).unwrap_or(&path);
        let Some(inside) = inside.to_str() else { continue };
        if kept.len() == MOST_FILES {
            let said = format!("the trainer made more than {MOST_FILES} files; right: an archive");
            return Err(Failure::lasting("OUTPUT_UNUSABLE", said));
        }
        let file = engine.artifacts.keep(&task.job_id, &path, inside).await;
        kept.push(file.map_err(|error| store(&error))?);
    }
    engine.artifacts.conclude(&task.job_id, &kept).await.map_err(|error| store(&error))?;
    Ok(Published {
        metrics,
        artifact: Artifacts::place(&task.job_id),
        file_count: kept.len() as u64,
        size_bytes: kept.iter().map(|file| file.size_bytes).sum(),
        split_items: splits::apply(engine, task, work, &output).await?,
    })
}

/// Whether the files together have at most so many bytes.
async fn bounded(files: &[PathBuf], most: u64) -> Result<(), Failure> {
    let mut size = 0_u64;
    for file in files {
        let about = fs::symlink_metadata(file).await;
        let about = about.map_err(|error| Failure::local("the trainer's folder", &error))?;
        size = size.saturating_add(about.len());
    }
    if size > most {
        let said = format!("the trainer made {size} bytes; {most} are allowed (jobs.result_bytes)");
        return Err(Failure::lasting("OUTPUT_UNUSABLE", said));
    }
    Ok(())
}

/// Every plain file below a folder; links lead elsewhere and are left alone.
async fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut left, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = left.pop() {
        let mut entries = fs::read_dir(folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let kind = entry.file_type().await?;
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

async fn metrics(file: &Path) -> Result<BTreeMap<String, f64>, Failure> {
    let wrong = |what: &str| Failure::lasting("METRICS_UNUSABLE", format!("{METRICS} {what}"));
    let Ok(about) = fs::symlink_metadata(file).await else { return Ok(BTreeMap::new()) };
    if !about.is_file() || about.len() > LONGEST {
        return Err(wrong("is no file of at most 64 KiB"));
    }
    let text = fs::read(file).await.map_err(|error| Failure::local(METRICS, &error))?;
    let metrics: BTreeMap<String, f64> = serde_json::from_slice(&text)
        .map_err(|_| wrong("is no object of numbers; right: such as {\"accuracy\": 0.9}"))?;
    if metrics.len() > MOST {
        return Err(wrong("has more than 100 numbers"));
    }
    Ok(metrics)
}
