//! Which items stay together when a dataset is split: what is trained on must not be what is measured with.
//!
//! Promise: files of equal content are one unit, and so are the items that the caller groups. Units that share an item are one.

use std::collections::HashMap;
use std::hash::Hash;

use crate::splits::ratios::Candidate;

/// What groups items, besides equal content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// The folder in which an item lies.
    Folder,
    /// The name of its folder at this level, from 1; items that do not lie so deep are alone.
    FolderAt(usize),
    /// The value of this column in the dataset's tables.
    Column(String),
}

impl GroupBy {
    /// The group of an item by its folders; `None` if it is alone, or if another thing groups.
    pub(crate) fn folder<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (folder, _) = path.rsplit_once('/')?;
        match self {
            Self::Folder => Some(folder),
            Self::FolderAt(level) => folder.split('/').nth(level.checked_sub(1)?),
            Self::Column(_) => None,
        }
    }
}

/// Items that stay together, each known by its place among all.
#[derive(Debug)]
pub(crate) struct Units {
    /// The first item of each item's unit; an item may be the first itself.
    first: Vec<usize>,
}

impl Units {
    /// Every item alone.
    pub(crate) fn new(items: usize) -> Self {
        Self { first: (0..items).collect() }
    }

    /// Joins the items that have the same key.
    pub(crate) fn join<K: Hash + Eq>(&mut self, keys: impl Iterator<Item = Option<K>>) {
        let mut seen = HashMap::new();
        for (item, key) in keys.enumerate() {
            let Some(key) = key else { continue };
            let other = *seen.entry(key).or_insert(item);
            let (one, other) = (self.find(item), self.find(other));
            self.first[one.max(other)] = one.min(other);
        }
    }

    /// The units as candidates, in the order of their first items, and the place of each item's unit among them. A unit has the
    /// path of its first item, and the classes of all.
    pub(crate) fn candidates(mut self, items: &[&Candidate]) -> (Vec<Candidate>, Vec<usize>) {
        let mut units: Vec<Candidate> = Vec::new();
        let mut places: Vec<usize> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let first = self.find(at);
            if first == at {
                places.push(units.len());
                units.push((*item).clone());
                continue;
            }
            let place = places[first];
            places.push(place);
            let unit = &mut units[place];
            unit.size += item.size;
            let missing = item.classes.iter().filter(|class| !unit.classes.contains(class));
            let missing: Vec<u32> = missing.copied().collect();
            unit.classes.extend(missing);
        }
        for unit in &mut units {
            unit.classes.sort_unstable();
        }
        (units, places)
    }

    fn find(&mut self, item: usize) -> usize {
        let mut at = item;
        while self.first[at] != at {
            self.first[at] = self.first[self.first[at]];
            at = self.first[at];
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_found_by_level() {
        let path = "cat/patient-1/day-2/1.png";
        for (by, group) in [
            (GroupBy::Folder, Some("cat/patient-1/day-2")),
            (GroupBy::FolderAt(1), Some("cat")),
            (GroupBy::FolderAt(2), Some("patient-1")),
            (GroupBy::FolderAt(4), None),
            (GroupBy::FolderAt(0), None),
            (GroupBy::Column("patient".to_owned()), None),
        ] {
            assert_eq!(by.folder(path), group, "{by:?}");
        }
        assert_eq!(GroupBy::Folder.folder("1.png"), None);
    }

    #[test]
    fn units_that_share_an_item_are_one() {
        let items: Vec<_> = (0..6)
            .map(|n| Candidate { path: n.to_string(), classes: vec![n, 7], size: 1 })
            .collect();
        let items: Vec<_> = items.iter().collect();
        let mut units = Units::new(items.len());
        units.join([Some('a'), Some('b'), None, Some('b'), Some('a'), Some('c')].into_iter());
        units.join([None, None, Some(1), None, Some(2), Some(2)].into_iter());
        let (units, places) = units.candidates(&items);
        assert_eq!(places, [0, 1, 2, 1, 0, 0]);
        let sizes: Vec<_> = units.iter().map(|unit| (unit.path.as_str(), unit.size)).collect();
        assert_eq!(sizes, [("0", 3), ("1", 2), ("2", 1)]);
        assert_eq!(units[0].classes, [0, 4, 5, 7]);
    }
}
