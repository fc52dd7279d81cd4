//! Files that systems and tools leave in folders: no part of a dataset.
//!
//! Promise: the answer depends on the path alone. Whoever skips such a file says so.

/// Names of files that file managers leave, in small letters.
const FILES: [&str; 9] = [
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "picasa.ini",
    "icon\r",
    "folder.htt",
    "zbthumbnail.info",
    "pspbrwse.jbf",
];

/// Names of folders that systems and tools leave, in small letters.
const FOLDERS: [&str; 16] = [
    "__macosx",
    "__pycache__",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "found.000",
    "recycler",
    "network trash folder",
    "temporary items",
    // Of Synology and QNAP.
    "#recycle",
    "#snapshot",
    "@recycle",
    "@recently-snapshot",
    "@__thumb",
    "@tmp",
];

/// Whether a path names a file that a system or tool has left behind: hidden files (`.DS_Store`, `._1.png`, `.git/…`), thumbnails
/// of file managers, caches (`*.cache`), backups of editors (`*~`) and what Office leaves while a file is open (`~$*`).
pub fn is_left_behind(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let name = parts.next().unwrap_or_default();
    is_left_file(name) || parts.any(is_left_folder)
}

fn is_left_folder(name: &str) -> bool {
    is_hidden(name) || FOLDERS.contains(&name.to_lowercase().as_str())
}

fn is_left_file(name: &str) -> bool {
    let name = name.to_lowercase();
    is_hidden(&name)
        || FILES.contains(&name.as_str())
        || name.ends_with('~')
        || name.starts_with("~$")
        || name.rsplit_once('.').is_some_and(|(_, extension)| extension == "cache")
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systems_leave_is_known_by_its_name() {
        for path in [
            ".DS_Store",
            "cat/.DS_Store",
            "cat/._1.png",
            "__MACOSX/cat/._1.png",
            "__MACOSX/cat/1.png",
            "cat/Thumbs.db",
            "Desktop.ini",
            "labels/train.cache",
            "labels/train.cache.npy~",
            ".git/HEAD",
            ".ipynb_checkpoints/1-checkpoint.png",
            "cat/.ipynb_checkpoints/1-checkpoint.png",
            "@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
            "$RECYCLE.BIN/1.png",
            ".gitattributes",
            ".cache/huggingface/download/a.metadata",
            "labels.csv~",
            "Icon\r",
            "#recycle/3.png",
            "cat/@Recycle/3.png",
            "@__thumb/s1001.png",
            "~$labels.xlsx",
        ] {
            assert!(is_left_behind(path), "{path}");
        }
        for path in [
            "cat/1.png",
            "cache/1.png",
            "thumbs/1.png",
            "a.cached.png",
            "..",
            "README",
            "git/1.png",
        ] {
            assert!(!is_left_behind(path), "{path}");
        }
    }
}
