//! How much memory this process may have: what the machine has, or less where its control group says so.

use std::fs;
use std::path::{Path, PathBuf};

/// What is taken where the system says nothing.
const UNKNOWN: u64 = 1 << 30;

/// The memory of the machine, or of the narrowest control group around this process, in bytes.
pub(crate) fn machine_memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups, Path::new("/sys/fs/cgroup"))
        .into_iter()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.chain(machine).min().unwrap_or(UNKNOWN)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The files with the limits of all groups around the process, of version 2 and 1. Within a container its own is the root.
fn limit_files(groups: &str, root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (mount, name) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            some if some.split(',').any(|one| one == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let innermost = mount.join(group.trim_start_matches('/'));
        let around = innermost.ancestors().take_while(|folder| folder.starts_with(&mount));
        files.extend(around.map(|folder| folder.join(name)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_all_groups_around_are_read() {
        let root = Path::new("/c");
        let rows = [
            ("0::/", vec!["/c/memory.max"]),
            ("0::/a/b\n", vec!["/c/a/b/memory.max", "/c/a/memory.max", "/c/memory.max"]),
            (
                "5:cpu,memory:/x\n1:name=systemd:/y",
                vec!["/c/memory/x/memory.limit_in_bytes", "/c/memory/memory.limit_in_bytes"],
            ),
            ("nothing", vec![]),
        ];
        for (groups, expected) in rows {
            let expected: Vec<_> = expected.into_iter().map(PathBuf::from).collect();
            assert_eq!(limit_files(groups, root), expected, "{groups}");
        }
        assert_eq!(total("MemFree: 1 kB\nMemTotal:  16 kB\n"), Some(16 << 10));
        assert!(machine_memory() > 1 << 20);
    }
}
