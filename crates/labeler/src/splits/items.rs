//! The items of a dataset: what a client may ask for, checked, and how they are split.
//!
//! Invariant: a list names items that the dataset has, each once; one name that is wrong, and nothing changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hallpass_contract::can::{ReadDataset, WriteDataset};
use hallpass_policy::Granted;

use crate::database::{Assignment, Unsplit};
use crate::datasets::permissions::audit;
use crate::datasets::store::{Datasets, HEAVIEST_ANSWER, gone, id_of};
use crate::error::Error;
use crate::model::dataset::{Dataset, Split};
use crate::model::ids::{etag, random};
use crate::page::PageRequest;
use crate::splits::ratios::Ratios;
use crate::splits::units::{GroupBy, Units};
use hallpass_formats::shown;

/// An image and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its path.
    pub(crate) path: String,
    /// Its classes, sorted.
    pub(crate) class_names: Vec<String>,
    /// What it is for.
    pub(crate) split: Option<Split>,
    /// The SHA-256 of its file.
    pub(crate) sha256: [u8; 32],
}

impl Item {
    /// How many bytes it takes in an answer, roughly and not less.
    pub(crate) fn weight(&self) -> usize {
        52 + self.path.len() + self.class_names.iter().map(|name| name.len() + 4).sum::<usize>()
    }
}

/// Which items: those that fit everything that is set.
#[expect(clippy::option_option, reason = "not asked for, of no split, of this split")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ItemFilter {
    /// Of this split, or of none.
    pub(crate) split: Option<Option<Split>>,
    /// Of this class.
    pub(crate) class_name: Option<String>,
}

impl ItemFilter {
    /// The values that are looked for: the split, the class, as far as they are set.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        let split = self.split.map(|split| split.map_or("", Split::as_str));
        split.into_iter().chain(self.class_name.as_deref())
    }
}

/// One page of items.
#[derive(Debug)]
pub(crate) struct ItemPage {
    /// The items.
    pub(crate) items: Vec<Item>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

/// How a dataset is to be split.
#[derive(Debug)]
pub(crate) enum SplitRule {
    /// By ratio.
    Ratios {
        /// So much of each.
        ratios: Ratios,
        /// What stays together besides equal files.
        group_by: Option<GroupBy>,
    },
    /// By name.
    Lists {
        /// The items that are named.
        named: BTreeMap<String, Split>,
        /// Whether the others stay as they are.
        keep_others: bool,
        /// Whether equal files may be in two splits.
        allow_leaks: bool,
    },
}

/// The value that each item has in the column that groups.
pub(crate) type Column = BTreeMap<String, String>;

/// At most so many wrong names are in a message.
const NAMED: usize = 10;

impl SplitRule {
    /// The rule of these lists, each name in one of them at most.
    pub(crate) fn lists(
        lists: [(&'static str, Split, Vec<String>); 3],
        keep_others: bool,
        allow_leaks: bool,
    ) -> Result<Self, Error> {
        let mut named = BTreeMap::new();
        for (field, split, paths) in lists {
            let mut twice = Vec::new();
            for path in paths {
                if let Some(earlier) = named.insert(path.clone(), split) {
                    named.insert(path.clone(), earlier);
                    twice.push(path);
                }
            }
            if !twice.is_empty() {
                let problem = format!("names items that were named before: {}", listed(&twice));
                return Err(Error::invalid(field, problem));
            }
        }
        Ok(Self::Lists { named, keep_others, allow_leaks })
    }

    /// Whether the items' classes matter.
    pub(crate) const fn by_class(&self) -> bool {
        match self {
            Self::Ratios { ratios, .. } => ratios.stratify(),
            Self::Lists { .. } => false,
        }
    }

    /// The column of the dataset's tables that groups, if one does.
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            Self::Ratios { group_by: Some(GroupBy::Column(name)), .. } => Some(name),
            Self::Ratios { .. } | Self::Lists { .. } => None,
        }
    }

    /// The split of each item; the items come in the order of their paths. `column` is that which was asked for.
    pub(crate) fn apply(
        &self,
        items: &[Unsplit],
        column: &Column,
    ) -> Result<Vec<Option<Split>>, Error> {
        match self {
            Self::Ratios { ratios, group_by } => drawn(ratios, group_by.as_ref(), items, column),
            Self::Lists { named, keep_others, allow_leaks } => {
                let wanted = listed_splits(named, *keep_others, items)?;
                if !allow_leaks {
                    check_leaks(items, &wanted)?;
                }
                Ok(wanted)
            }
        }
    }
}

/// By ratio: equal files, and groups, stay together.
fn drawn(
    ratios: &Ratios,
    group_by: Option<&GroupBy>,
    items: &[Unsplit],
    column: &Column,
) -> Result<Vec<Option<Split>>, Error> {
    let mut units = Units::new(items.len());
    units.join(items.iter().map(|item| Some(item.sha256)));
    if let Some(group_by) = group_by {
        let group = |path| group_by.folder(path).or_else(|| column.get(path).map(String::as_str));
        units.join(items.iter().map(|item| group(&item.candidate.path)));
    }
    let candidates: Vec<_> = items.iter().map(|item| &item.candidate).collect();
    let (units, places) = units.candidates(&candidates);
    let assigned = ratios.assign(&units);
    let is_empty = |split: &Split| !assigned.contains(&Some(*split));
    if group_by.is_some()
        && let Some(empty) = ratios.wanted().find(is_empty)
    {
        let problem = format!(
            "leave the split {} empty: the items make {} groups that stay together; give other ratios, another seed or smaller groups",
            empty.as_str(),
            units.len()
        );
        return Err(Error::invalid("ratios", problem));
    }
    Ok(places.into_iter().map(|place| assigned[place]).collect())
}

/// By name.
fn listed_splits(
    named: &BTreeMap<String, Split>,
    keep_others: bool,
    items: &[Unsplit],
) -> Result<Vec<Option<Split>>, Error> {
    let is_there =
        |path: &str| items.binary_search_by(|item| item.candidate.path.as_str().cmp(path)).is_ok();
    let unknown: Vec<_> = named.keys().filter(|path| !is_there(path)).cloned().collect();
    if !unknown.is_empty() {
        let problem = format!("names what is no item of the dataset: {}", listed(&unknown));
        return Err(Error::invalid("lists", problem));
    }
    let other = |item: &Unsplit| item.split.filter(|_| keep_others);
    let split = |item: &Unsplit| named.get(&item.candidate.path).copied();
    Ok(items.iter().map(|item| split(item).or_else(|| other(item))).collect())
}

/// Refuses equal files in two splits.
fn check_leaks(items: &[Unsplit], wanted: &[Option<Split>]) -> Result<(), Error> {
    let mut first: HashMap<[u8; 32], (&str, Split)> = HashMap::new();
    for (item, split) in items.iter().zip(wanted) {
        let Some(split) = *split else { continue };
        let path = item.candidate.path.as_str();
        let (other, its) = *first.entry(item.sha256).or_insert((path, split));
        if its != split {
            let problem = format!(
                "put equal files into two splits: {} into {} and {} into {}; put them into one, or set allow_leaks",
                shown(other),
                its.as_str(),
                shown(path),
                split.as_str()
            );
            return Err(Error::invalid("lists", problem));
        }
    }
    Ok(())
}

impl Datasets {
    /// One page of a dataset's items.
    pub(crate) async fn items(
        &self,
        proof: &Granted<ReadDataset>,
        filter: &ItemFilter,
        page: PageRequest,
    ) -> Result<ItemPage, Error> {
        let id = id_of(proof)?;
        let subject = proof.permit().subject().unwrap_or_default();
        let split = match filter.split {
            None => "any",
            Some(split) => split.map_or("none", Split::as_str),
        };
        let class_name = filter.class_name.as_deref().unwrap_or_default();
        let query = ["ListItems", subject, id.as_str(), split, class_name];
        let behind = self.open_path(&query, &page.token)?;
        let found = self.database.items(&id, filter, &behind, page.size + 1, HEAVIEST_ANSWER);
        let mut items = found.await?.ok_or_else(|| gone(proof))?;
        let more = fit(&mut items, page.size, Item::weight);
        let last = items.last().filter(|_| more).map(|item| item.path.as_str());
        let next_page_token = self.seal_path(&query, last)?;
        Ok(ItemPage { items, next_page_token })
    }

    /// Splits a dataset, if it has this etag; an empty one is any.
    pub(crate) async fn assign_splits(
        &self,
        proof: &Granted<WriteDataset>,
        rule: &SplitRule,
        expected: &str,
    ) -> Result<Dataset, Error> {
        self.files.have_room()?;
        let (id, etag) = (id_of(proof)?, etag(random()?));
        let by = proof.permit().subject();
        let now = (Arc::clone(&self.now))();
        // A column is read before; the state that it was read from must still be there when its groups are drawn.
        let (column, read) = match rule.column() {
            Some(name) => self.column(proof, &id, name).await?,
            None => (Column::new(), String::new()),
        };
        if !expected.is_empty() && !read.is_empty() && expected != read {
            return Err(Error::EtagMismatch);
        }
        let expected = if read.is_empty() { expected } else { &read };
        let assignment = Assignment { id: &id, by, expected, etag: &etag, now };
        let dataset = self.database.assign(assignment, rule, &column).await?;
        let dataset = dataset.ok_or_else(|| gone(proof))?;
        audit(proof, "assign splits");
        Ok(dataset)
    }

    /// The path behind which a page begins.
    pub(crate) fn open_path(&self, query: &[&str], token: &str) -> Result<String, Error> {
        if token.is_empty() {
            return Ok(String::new());
        }
        let path = self.pages.open(query, token).and_then(|path| String::from_utf8(path).ok());
        let problem = "must come from the page before, with the same query";
        path.ok_or_else(|| Error::invalid("page_token", problem))
    }

    /// The token of the page behind this path; empty if there is none.
    pub(crate) fn seal_path(&self, query: &[&str], last: Option<&str>) -> Result<String, Error> {
        let Some(last) = last else { return Ok(String::new()) };
        self.pages.seal(query, last.as_bytes()).map_err(|_| Error::Chance)
    }
}

/// Leaves what one answer can carry, at least one; says whether there was more.
pub(crate) fn fit<T>(found: &mut Vec<T>, most: u32, weight: impl Fn(&T) -> usize) -> bool {
    let weights = found.iter().scan(0, |sum, found| {
        *sum += weight(found);
        Some(*sum)
    });
    let fits = weights.take(most as usize).take_while(|sum| *sum <= HEAVIEST_ANSWER).count().max(1);
    let more = found.len() > fits;
    found.truncate(fits);
    more
}

fn listed(paths: &[String]) -> String {
    let named: Vec<_> = paths.iter().take(NAMED).map(|path| shown(path)).collect();
    let more = paths.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &more
}
