//! What a pull has begun to write, so that the next one goes on behind it.
//!
//! Invariant: it speaks of one state of one source; for another state it says nothing. What it says is checked against what is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;

use hallpass_contract::labeler::FileInfo;
use serde_json::{Value, json};

use crate::output::hex;

/// The journal of a folder.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// A file that an earlier pull has begun, in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl Journal {
    /// The entries of an earlier pull from the same state of the same source.
    pub(super) fn read(path: &PathBuf, source: &str) -> Vec<Entry> {
        let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        let text =
            if is_file { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        let mut lines = text.lines().map(serde_json::from_str::<Value>);
        let head = lines.next().and_then(Result::ok);
        if head.is_none_or(|head| head["source"] != source) {
            return Vec::new();
        }
        // A line that was cut off is the last one.
        lines.map_while(|line| entry(&line.ok()?)).collect()
    }

    /// Begins a journal with these entries.
    pub(super) fn begin(path: PathBuf, source: &str, entries: &[Entry]) -> io::Result<Self> {
        // Whatever is there is replaced, and never written through a link.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let mut journal = Self { path, file };
        journal.line(&json!({ "source": source }))?;
        for entry in entries {
            journal.add(entry)?;
        }
        Ok(journal)
    }

    /// A file is about to be written.
    pub(super) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let Entry { path, size, sha256 } = entry;
        self.line(&json!({ "path": path, "size": size, "sha256": sha256 }))
    }

    /// All is there: the journal goes.
    pub(super) fn end(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn line(&mut self, value: &Value) -> io::Result<()> {
        self.file.write_all(format!("{value}\n").as_bytes())
    }
}

impl From<&FileInfo> for Entry {
    fn from(info: &FileInfo) -> Self {
        Self { path: info.path.clone(), size: info.size_bytes, sha256: hex(&info.sha256) }
    }
}

fn entry(line: &Value) -> Option<Entry> {
    Some(Entry {
        path: line["path"].as_str()?.to_owned(),
        size: line["size"].as_u64()?,
        sha256: line["sha256"].as_str()?.to_owned(),
    })
}
