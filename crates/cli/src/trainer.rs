//! The trainer that ships: learns a small model of the fetched images and measures what it is worth.
//!
//! Invariant: every number that it writes is counted or measured on the files at hand, and the same files give the same numbers.

mod items;
mod model;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use items::Item;
use model::Model;

/// What to learn from, and where to put what comes of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass trainer --data data --items items.jsonl --result model"
)]
pub(crate) struct Trainer {
    /// The fetched files.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A line of JSON for each item.
    #[arg(long, value_name = "FILE")]
    items: PathBuf,
    /// Where model.json and metrics.json go.
    #[arg(long, value_name = "DIR")]
    result: PathBuf,
}

/// Learns, measures, writes.
pub(crate) fn run(wanted: &Trainer) -> Result<(), Failure> {
    let items = items::read(&wanted.items, &wanted.data)?;
    if items.is_empty() {
        return Err(Failure::failed("there are no labelled items to learn from"));
    }
    say(0.0, &format!("{} items", items.len()));
    let (mut model, mut held_out, mut sizes) = (Model::default(), Vec::new(), BTreeMap::new());
    for (number, item) in items.iter().enumerate() {
        let bytes = std::fs::read(wanted.data.join(&item.path))
            .map_err(|error| Failure::failed(format_args!("{}: {error}", item.path)))?;
        // Sizes by their power of two.
        *sizes.entry(bytes.len().checked_ilog2().unwrap_or(0)).or_insert(0_u64) += 1;
        let features = model::features(&bytes);
        if is_held_out(item, number, &items) {
            held_out.push((features, item.class.clone()));
        } else {
            model.learn(&item.class, &features);
        }
        say(share(number + 1, items.len()), "learning");
    }
    let right = held_out.iter().filter(|(of, class)| model.guess(of) == Some(class.as_str()));
    let accuracy = share(right.count(), held_out.len());
    let metrics = json!({
        "items": items.len(), "classes": model.classes(), "held_out": held_out.len(), "accuracy": accuracy,
    });
    write(&wanted.result, "metrics.json", &metrics)?;
    write(&wanted.result, "model.json", &json!({"sizes_log2": sizes, "model": model}))?;
    say(1.0, &format!("accuracy {accuracy:.3} on {} items held out", held_out.len()));
    Ok(())
}

/// What the splits keep for measuring; without splits every fifth item.
fn is_held_out(item: &Item, number: usize, all: &[Item]) -> bool {
    match item.split.as_str() {
        "validation" | "test" => true,
        "train" => false,
        _ => all.iter().all(|item| item.split.is_empty()) && number % 5 == 4,
    }
}

fn write(folder: &Path, name: &str, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(value).map_err(Failure::failed)?;
    let file = folder.join(name);
    std::fs::write(&file, text)
        .map_err(|error| Failure::failed(format_args!("{}: {error}", file.display())))
}

/// Tells the runner how far this is. Whoever does not listen misses nothing.
fn say(progress: f64, message: &str) {
    let _ = writeln!(std::io::stdout(), "{}", json!({"progress": progress, "message": message}));
}

#[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
fn share(of: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { of as f64 / all as f64 }
}
