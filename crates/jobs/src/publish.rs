//! Keeps what the trainer made, and applies the splits that it wrote.
//!
//! Invariant: what is published under a job's name is whole before the job says that it is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_guard::Background;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path as ObjectPath;
use serde::{Deserialize, Serialize};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use crate::engine::{Engine, OUTPUT, Task};
use crate::failure::Failure;
use crate::peer::Peer;
use crate::splits;

/// A trainer that measures something writes it here.
const METRICS: &str = "metrics.json";
/// No file of metrics is longer, in bytes.
const LONGEST: u64 = 64 << 10;
/// So many are kept.
const MOST: usize = 100;

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

/// Copies the trainer's files into the store. What changes the dataset comes last: files of a job that fails bother nobody.
pub(crate) async fn run<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<Published, Failure> {
    let output = engine.place(task).join(OUTPUT);
    let metrics = metrics(&output.join(METRICS)).await?;
    let artifact = format!("jobs/{}", task.job_id);
    let (mut file_count, mut size_bytes) = (0, 0);
    for path in
        files(&output).await.map_err(|error| Failure::local("the trainer's folder", &error))?
    {
        let inside = path.strip_prefix(&output).unwrap_or(&path);
        let Some(inside) = inside.to_str() else { continue };
        let to: ObjectPath = artifact.split('/').chain(inside.split('/')).collect();
        size_bytes += copy(&engine.artifacts, &path, to).await?;
        file_count += 1;
    }
    let split_items = splits::apply(engine, task, work, &output).await?;
    Ok(Published { metrics, artifact, file_count, size_bytes, split_items })
}

async fn copy(to: &Arc<dyn ObjectStore>, from: &Path, name: ObjectPath) -> Result<u64, Failure> {
    let failed = |error| Failure::local("the store of results", &error);
    let mut from = File::open(from).await.map_err(failed)?;
    let mut out = BufWriter::new(Arc::clone(to), name);
    let copied = tokio::io::copy(&mut from, &mut out).await.map_err(failed)?;
    out.shutdown().await.map_err(failed)?;
    Ok(copied)
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
