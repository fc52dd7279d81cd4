//! What a dataset is inside Labeler, apart from how it is sent and stored.

use hallpass_token::UnixTime;

use crate::files::Files;
use crate::model::access::{Role, Visibility};
use crate::model::ids::DatasetId;

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
    /// What it is, for people; may be empty.
    pub(crate) description: String,
    /// How many items each split has, in the order of the splits; none that has no items.
    pub(crate) splits: Vec<(Split, u64)>,
    /// How many files it has, annotations included.
    pub(crate) file_count: u64,
}

impl Dataset {
    /// Where its files are, relative to the store.
    pub(crate) fn storage_path(&self) -> String {
        Files::place(&self.id)
    }

    /// How many bytes it takes in an answer, roughly and not less.
    pub(crate) fn weight(&self) -> usize {
        let texts = self.display_name.len() + self.description.len() + self.owner.len();
        let fixed = 320 + texts;
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
    /// Images and COCO's JSON.
    Coco,
    /// Images and a text file of boxes for each.
    Yolo,
    /// Images and a table of labels.
    Csv,
}

impl Format {
    const ALL: [Self; 4] = [Self::ImageFolder, Self::Coco, Self::Yolo, Self::Csv];

    /// How it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ImageFolder => "imagefolder",
            Self::Coco => "coco",
            Self::Yolo => "yolo",
            Self::Csv => "csv",
        }
    }

    /// Reads what `as_str` wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// What a part of the items is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Split {
    /// To train on.
    Train,
    /// To choose between models.
    Validation,
    /// To measure the chosen one.
    Test,
}

impl Split {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// How it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// Reads what `as_str` wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.as_str() == text)
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
