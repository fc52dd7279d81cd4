//! What a dataset is inside Labeler, apart from how it is sent and stored.

use hallpass_token::UnixTime;

use crate::access::{Role, Visibility};
use crate::files::Files;
use crate::ids::DatasetId;

/// A dataset as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dataset {
    /// Its id.
    pub(crate) id: DatasetId,
    /// A name for people.
    pub(crate) display_name: String,
    /// How its files are laid out.
    pub(crate) format: Format,
    /// The user that owns it.
    pub(crate) owner: String,
    /// Who else may read it.
    pub(crate) visibility: Visibility,
    /// Its classes, sorted by name.
    pub(crate) classes: Vec<Class>,
    /// How many labelled items it holds.
    pub(crate) item_count: u64,
    /// How many bytes its files hold.
    pub(crate) size_bytes: u64,
    /// Changes with every change.
    pub(crate) etag: String,
    /// When it was created.
    pub(crate) created: UnixTime,
    /// When it was last changed.
    pub(crate) updated: UnixTime,
}

impl Dataset {
    /// Where its files are, relative to the store.
    pub(crate) fn storage_path(&self) -> String {
        Files::place(&self.id)
    }

    /// How many bytes it takes in an answer, roughly and not less.
    pub(crate) fn weight(&self) -> usize {
        let fixed = 256 + self.display_name.len() + self.owner.len();
        fixed + self.classes.iter().map(|class| class.name.len() + 24).sum::<usize>()
    }
}

/// One class of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    /// Its name.
    pub(crate) name: String,
    /// How many items carry it.
    pub(crate) item_count: u64,
}

/// How a dataset's files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A folder of images for each class.
    ImageFolder,
}

impl Format {
    /// How it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ImageFolder => "imagefolder",
        }
    }

    /// Reads what `as_str` wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        (text == Self::ImageFolder.as_str()).then_some(Self::ImageFolder)
    }
}

/// One user's part in a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share {
    /// The user.
    pub(crate) subject: String,
    /// What the user may do; never `Owner`.
    pub(crate) role: Role,
}
