//! What an upload may cost. The service's configuration fills this in; the defaults suit one machine.

/// The bounds of one dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The most bytes of one file.
    pub max_file_bytes: u64,
    /// The most files of a dataset.
    pub max_files: usize,
    /// The most bytes of all files of a dataset.
    pub max_dataset_bytes: u64,
    /// The most classes of a dataset. Answers carry them all, so this bounds answers, too.
    pub max_classes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
            max_files: 100_000,
            max_dataset_bytes: 16 << 30,
            max_classes: 2_000,
        }
    }
}

/// The most bytes of all paths of a dataset together: they are held in memory during an upload.
pub(crate) const MAX_PATH_BYTES: usize = 16 << 20;

/// The most bytes of one piece of an upload.
pub(crate) const MAX_PIECE: usize = 1 << 20;
