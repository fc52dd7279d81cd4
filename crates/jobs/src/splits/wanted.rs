//! The splits that a trainer wants, as it wrote them: `{"train": [PATH, …], "validation": […], "test": […]}`.

use std::collections::BTreeMap;
use std::path::Path;

use hallpass_contract::labeler::{Split, SplitLists};

use super::{SPLITS, Splits};
use crate::failure::Failure;

/// No file of splits is longer, in bytes.
const LONGEST: u64 = 32 << 20;
/// So many bytes of paths are sent in one call.
const AT_ONCE: usize = 1 << 20;

/// Items and the splits that they are to have. Items that are not named keep what they have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted(Splits);

/// The lists by the names of their splits.
type File = BTreeMap<String, Vec<String>>;

impl Wanted {
    /// What the file says, if there is one.
    pub(super) async fn read(file: &Path) -> Result<Option<Self>, Failure> {
        let Ok(about) = tokio::fs::symlink_metadata(file).await else { return Ok(None) };
        if !about.is_file() || about.len() > LONGEST {
            return Err(unusable("is no file of at most 32 MiB"));
        }
        let text = tokio::fs::read(file).await;
        let text = text.map_err(|error| Failure::local(SPLITS, &error))?;
        Self::parse(&text).map(Some)
    }

    fn parse(text: &[u8]) -> Result<Self, Failure> {
        let right =
            "is no object of lists; right: such as {\"train\": [\"cat/1.png\"], \"test\": []}";
        let file: File = serde_json::from_slice(text).map_err(|_| unusable(right))?;
        let mut wanted = Splits::new();
        for (name, paths) in file {
            let split = super::of_name(&name);
            if split == Split::Unspecified {
                return Err(unusable(&format!(
                    "has a list {name:?}; right: train, validation, test"
                )));
            }
            for path in paths {
                if let Some((path, _)) = wanted.remove_entry(&path) {
                    return Err(unusable(&format!("names {path:?} twice")));
                }
                wanted.insert(path, split);
            }
        }
        Ok(Self(wanted))
    }

    /// How many items are named.
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether all that are named are items.
    pub(super) fn check(&self, fetched: &Splits) -> Result<(), Failure> {
        match self.0.keys().find(|path| !fetched.contains_key(*path)) {
            Some(path) => {
                Err(unusable(&format!("names {path:?}, which is no item of the dataset")))
            }
            None => Ok(()),
        }
    }

    /// Whether the dataset is as the trainer saw it, or as this makes it, item by item.
    pub(super) fn is_possible(&self, fetched: &Splits, present: &Splits) -> bool {
        fetched.len() == present.len()
            && fetched.iter().all(|(path, before)| {
                let now = present.get(path);
                now == Some(before) || now.is_some() && now == self.0.get(path)
            })
    }

    /// What is still to be done, in pieces that one call can carry.
    pub(super) fn missing(&self, present: &Splits) -> Vec<SplitLists> {
        let (mut calls, mut room) = (Vec::new(), 0);
        for (path, split) in &self.0 {
            if present.get(path) == Some(split) {
                continue;
            }
            if room < path.len() || calls.is_empty() {
                // In several calls equal files may be apart for a moment; and a trainer may know what it does.
                let (keep_others, allow_leaks) = (true, true);
                calls.push(SplitLists { keep_others, allow_leaks, ..SplitLists::default() });
                room = AT_ONCE;
            }
            room = room.saturating_sub(path.len());
            let Some(call) = calls.last_mut() else { continue };
            match split {
                Split::Train => call.train.push(path.clone()),
                Split::Validation => call.validation.push(path.clone()),
                Split::Test => call.test.push(path.clone()),
                Split::Unspecified => {}
            }
        }
        calls
    }
}

fn unusable(what: &str) -> Failure {
    Failure::lasting("SPLITS_UNUSABLE", format!("{SPLITS} {what}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    fn splits(of: &[(&str, Split)]) -> Splits {
        of.iter().map(|(path, split)| ((*path).to_owned(), *split)).collect()
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, said) in [
            ("", "right: such as"),
            ("[]", "right: such as"),
            (r#"{"training": []}"#, "right: train, "),
            (r#"{"train": ["a", "a"]}"#, "\"a\" twice"),
            (r#"{"train": ["a"], "test": ["a"]}"#, "\"a\" twice"),
        ] {
            let refused = Wanted::parse(text.as_bytes()).unwrap_err();
            assert!(refused.message.contains(said) && !refused.retryable, "{text}: {refused:?}");
        }
        let unknown = Wanted::parse(br#"{"test": ["b"]}"#).unwrap();
        let refused = unknown.check(&splits(&[("a", Split::Train)])).unwrap_err();
        assert!(refused.message.contains("no item"), "{refused:?}");
    }

    #[test]
    fn what_somebody_else_has_split_meanwhile_is_left_alone() {
        let wanted = Wanted::parse(br#"{"train": ["a"], "test": ["b"]}"#).unwrap();
        let none = Split::Unspecified;
        let fetched = splits(&[("a", none), ("b", Split::Train), ("c", none)]);
        let begun = splits(&[("a", Split::Train), ("b", Split::Train), ("c", none)]);
        let done = splits(&[("a", Split::Train), ("b", Split::Test), ("c", none)]);
        for possible in [&fetched, &begun, &done] {
            assert!(wanted.is_possible(&fetched, possible), "{possible:?}");
        }
        let others = splits(&[("a", none), ("b", Split::Train), ("c", Split::Test)]);
        let fewer = splits(&[("a", none), ("b", Split::Train)]);
        for impossible in [&others, &fewer] {
            assert!(!wanted.is_possible(&fetched, impossible), "{impossible:?}");
        }
        let [left] = wanted.missing(&begun).try_into().unwrap();
        assert_eq!(
            (left.train.len(), left.test, left.keep_others),
            (0, vec!["b".to_owned()], true)
        );
        assert!(wanted.missing(&done).is_empty());
    }

    #[test]
    fn a_long_list_comes_in_pieces() {
        let paths: Vec<_> = (0..3000).map(|number| format!("{number:01000}")).collect();
        let wanted =
            Wanted::parse(serde_json::json!({"test": paths}).to_string().as_bytes()).unwrap();
        let calls = wanted.missing(&Splits::new());
        assert_eq!(calls.iter().map(|call| call.test.len()).sum::<usize>(), 3000);
        assert_eq!(calls.len(), 3);
    }
}
