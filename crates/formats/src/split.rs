//! Train, validation, test: what a part of the items is for.

use std::fmt;

/// What an item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// To train on.
    Train,
    /// To choose between models.
    Val,
    /// To measure the chosen one.
    Test,
}

impl Split {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The split that a folder of exactly this name holds, such as "train", "valid" or "Test".
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|split| split.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The split of a name that has a split as a word, such as `instances_train2017`. A name of two splits is of none.
    pub(crate) fn of_words(name: &str) -> Option<Self> {
        let words = name.split(|c: char| !c.is_alphanumeric());
        let plain = words.map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
        let mut found = plain.filter_map(Self::of_folder);
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    /// The split of the outermost folder that is named after one.
    pub(crate) fn of_folders(folder: &str) -> Option<Self> {
        folder.split('/').find_map(Self::of_words)
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train", "training"],
            Self::Val => &["val", "valid", "validation"],
            Self::Test => &["test", "testing"],
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        })
    }
}

/// How many items each split has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SplitCounts {
    /// To train on.
    pub train: u64,
    /// To choose between models.
    pub val: u64,
    /// To measure the chosen one.
    pub test: u64,
    /// In no split.
    pub none: u64,
}

impl SplitCounts {
    pub(crate) const fn count(&mut self, split: Option<Split>) {
        let place = match split {
            Some(Split::Train) => &mut self.train,
            Some(Split::Val) => &mut self.val,
            Some(Split::Test) => &mut self.test,
            None => &mut self.none,
        };
        *place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_the_split() {
        let table = [
            ("train", Some(Split::Train)),
            ("instances_train2017", Some(Split::Train)),
            ("person-keypoints-VAL2017", Some(Split::Val)),
            ("valid", Some(Split::Val)),
            ("image_info_test-dev2017", Some(Split::Test)),
            ("train_val", None),
            ("trainval2017", None),
            ("trains", None),
            ("latest", None),
            ("", None),
        ];
        for (name, split) in table {
            assert_eq!(Split::of_words(name), split, "{name}");
        }
        assert_eq!(Split::of_folders("images/train2017/test"), Some(Split::Train));
        assert_eq!(Split::of_folder("train2017"), None);
    }
}
