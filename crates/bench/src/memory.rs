//! What the system says about this process's memory and about a folder on the disk.

use std::path::Path;

/// Bytes that are resident now.
pub fn resident() -> u64 {
    status("VmRSS:")
}

/// Bytes that were resident at most.
pub fn most_resident() -> u64 {
    status("VmHWM:")
}

/// Bytes of all files in a folder and in those below it, as the disk holds them.
pub fn on_disk(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("the folder can be read");
        let metadata = entry.metadata().expect("nobody else changes it");
        if metadata.is_dir() { on_disk(&entry.path()) } else { blocks(&metadata) }
    };
    entries.map(size).sum()
}

fn blocks(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    let kibibytes = line.trim().strip_suffix(" kB").expect("a size in kB");
    kibibytes.parse::<u64>().expect("a number") * 1024
}
