//! What a snapshot is inside Labeler, apart from how it is sent and stored.

use hallpass_token::UnixTime;

use crate::database::FileRow;
use crate::model::dataset::{Class, Format, Split};
use crate::model::ids::{DatasetId, SnapshotId};

/// A dataset as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Its id.
    pub(crate) id: SnapshotId,
    /// The dataset's id.
    pub(crate) dataset: DatasetId,
    /// A name for people.
    pub(crate) display_name: String,
    /// Who made it.
    pub(crate) creator: String,
    /// How the files are laid out.
    pub(crate) format: Format,
    /// The hash of its manifest.
    pub(crate) content_sha256: [u8; 32],
    /// How many files it has, annotations included.
    pub(crate) file_count: u64,
    /// How many labelled items it holds.
    pub(crate) item_count: u64,
    /// How many bytes its files hold.
    pub(crate) size_bytes: u64,
    /// Its classes, sorted by name.
    pub(crate) classes: Vec<Class>,
    /// How many items each split has, in the order of `Split::ALL`.
    pub(crate) splits: [u64; 3],
    /// When it was made.
    pub(crate) created: UnixTime,
}

impl Snapshot {
    /// How many bytes it takes in an answer, roughly and not less.
    pub(crate) fn weight(&self) -> usize {
        let fixed = 320 + self.display_name.len() + self.creator.len();
        fixed + self.classes.iter().map(|class| class.name.len() + 24).sum::<usize>()
    }
}

/// A file of a snapshot.
#[derive(Debug)]
pub(crate) struct SnapshotFile {
    /// The file.
    pub(crate) row: FileRow,
    /// What it is for.
    pub(crate) split: Option<Split>,
}

/// One file that is not the same in two snapshots.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Its path.
    pub(crate) path: String,
    /// As it was.
    pub(crate) before: Option<SnapshotFile>,
    /// As it is.
    pub(crate) after: Option<SnapshotFile>,
}
