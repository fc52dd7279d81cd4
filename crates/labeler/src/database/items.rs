//! The items of datasets and their splits.
//!
//! Invariant: a split is decided on the items that the same transaction reads and is written by it, whole, with the counts and the
//! etag that follow from it.

use hallpass_store::{Connection, Query, Row};
use hallpass_token::UnixTime;
use sqlx::{AssertSqlSafe, Row as _};

use super::Database;
use super::counts::recount_splits;
use super::permissions::{may, touch};
use super::read::{dataset, known, places, sha256_of};
use crate::error::Error;
use crate::model::dataset::{Dataset, Split};
use crate::model::ids::DatasetId;
use crate::splits::items::{Column, Item, ItemFilter, SplitRule};
use crate::splits::ratios::Candidate;

/// Who splits which dataset, and from which state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assignment<'a> {
    /// The dataset.
    pub(crate) id: &'a DatasetId,
    /// The user; nobody where work is done for no user.
    pub(crate) by: Option<&'a str>,
    /// The etag that the dataset must have; empty for any.
    pub(crate) expected: &'a str,
    /// The etag that it will have.
    pub(crate) etag: &'a str,
    /// When.
    pub(crate) now: UnixTime,
}

/// So many paths are named at a time.
const AT_ONCE: usize = 1000;
/// So many items are completed with their classes at a time: an item may carry hundreds.
const COMPLETED_AT_ONCE: usize = 50;

impl Database {
    /// The items behind a path, in the order of the paths; `None` if there is no such dataset. Reads no further than they weigh so much
    /// together.
    pub(crate) async fn items(
        &self,
        id: &DatasetId,
        filter: &ItemFilter,
        behind: &str,
        most: u32,
        heaviest: usize,
    ) -> Result<Option<Vec<Item>>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let Some((number, _)) = number_of(&mut state, id).await? else { return Ok(None) };
        let sql = AssertSqlSafe(filtered(filter));
        let rows = sqlx::query(sql).bind(number).bind(behind).bind(i64::from(most));
        let rows = filter.values().fold(rows, Query::bind).fetch_all(&mut *state).await?;
        let items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        complete(&mut state, number, items, heaviest).await.map(Some)
    }

    /// Splits a dataset; `None` if there is none, or if the user may not.
    pub(crate) async fn assign(
        &self,
        assignment: Assignment<'_>,
        rule: &SplitRule,
        column: &Column,
    ) -> Result<Option<Dataset>, Error> {
        let work = (assignment, rule, column);
        self.store
            .change(&work, |change, work| Box::pin(assign(change, work.0, work.1, work.2)))
            .await
    }
}

async fn assign(
    change: &mut Connection,
    assignment: Assignment<'_>,
    rule: &SplitRule,
    column: &Column,
) -> Result<Option<Dataset>, Error> {
    let Assignment { id, by, expected, etag, now } = assignment;
    if let Some(user) = by
        && !may(change, id, user, "write").await?
    {
        return Ok(None);
    }
    let Some((number, present)) = number_of(change, id).await? else { return Ok(None) };
    if !expected.is_empty() && expected != present {
        return Err(Error::EtagMismatch);
    }
    let items = all(change, number, rule.by_class()).await?;
    let wanted = rule.apply(&items, column)?;
    let mut changed = false;
    for split in [None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)] {
        let moved = items
            .iter()
            .zip(&wanted)
            .filter(|(item, wanted)| **wanted == split && item.split != split);
        let moved: Vec<_> = moved.map(|(item, _)| item.candidate.path.as_str()).collect();
        changed |= !moved.is_empty();
        set(change, number, split, &moved).await?;
    }
    if changed {
        recount_splits(change, number).await?;
        touch(change, number, etag, now).await?;
    }
    Ok(dataset(change, id).await?)
}

/// An item as it is before it is split.
#[derive(Debug)]
pub(crate) struct Unsplit {
    /// What counts for the split.
    pub(crate) candidate: Candidate,
    /// The SHA-256 of its file.
    pub(crate) sha256: [u8; 32],
    /// The split that it has.
    pub(crate) split: Option<Split>,
}

/// All items of a dataset in the order of their paths, with their classes if they matter.
async fn all(
    change: &mut Connection,
    number: i64,
    by_class: bool,
) -> Result<Vec<Unsplit>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT items.path AS path, split, sha256 FROM items \
         JOIN files ON files.dataset = items.dataset AND files.path = items.path \
         WHERE items.dataset = $1 ORDER BY items.path",
    );
    let rows = rows.bind(number).fetch_all(&mut *change).await?;
    let unsplit = |row: &Row| -> Result<Unsplit, sqlx::Error> {
        let candidate = Candidate { path: row.try_get("path")?, classes: Vec::new(), size: 1 };
        Ok(Unsplit { candidate, sha256: sha256_of(row)?, split: split_of(row)? })
    };
    let mut items = rows.iter().map(unsplit).collect::<Result<Vec<_>, _>>()?;
    if by_class {
        add_classes(change, number, &mut items).await?;
    }
    Ok(items)
}

/// Both in the order of their paths.
async fn add_classes(
    change: &mut Connection,
    number: i64,
    items: &mut [Unsplit],
) -> Result<(), sqlx::Error> {
    let names =
        sqlx::query("SELECT DISTINCT class FROM item_classes WHERE dataset = $1 ORDER BY class");
    let names = names.bind(number).fetch_all(&mut *change).await?;
    let names = names.iter().map(|row| row.try_get("class")).collect::<Result<Vec<&str>, _>>()?;
    let rows =
        sqlx::query("SELECT path, class FROM item_classes WHERE dataset = $1 ORDER BY path, class");
    let mut items = items.iter_mut().peekable();
    for row in rows.bind(number).fetch_all(change).await? {
        let (path, class): (&str, &str) = (row.try_get("path")?, row.try_get("class")?);
        while items.next_if(|item| item.candidate.path.as_str() < path).is_some() {}
        if let (Some(item), Ok(place)) = (items.peek_mut(), names.binary_search(&class)) {
            item.candidate.classes.push(u32::try_from(place).unwrap_or(u32::MAX));
        }
    }
    Ok(())
}

async fn set(
    change: &mut Connection,
    number: i64,
    split: Option<Split>,
    paths: &[&str],
) -> Result<(), sqlx::Error> {
    for paths in paths.chunks(AT_ONCE) {
        let places = places(3, paths.len());
        let sql = format!("UPDATE items SET split = $1 WHERE dataset = $2 AND path IN ({places})");
        let update = sqlx::query(AssertSqlSafe(sql)).bind(split.map_or("", Split::as_str));
        let update = paths.iter().fold(update.bind(number), |update, path| update.bind(*path));
        update.execute(&mut *change).await?;
    }
    Ok(())
}

/// A dataset's number and etag.
pub(super) async fn number_of(
    connection: &mut Connection,
    id: &DatasetId,
) -> Result<Option<(i64, String)>, sqlx::Error> {
    let row = sqlx::query("SELECT number, etag FROM datasets WHERE dataset_id = $1");
    let row = row.bind(id.as_str()).fetch_optional(connection).await?;
    row.map(|row| Ok((row.try_get("number")?, row.try_get("etag")?))).transpose()
}

/// The look-up with the filter's conditions, its values from $4 on. What is filtered by class is looked up by class.
fn filtered(filter: &ItemFilter) -> String {
    let by_class = filter.class_name.is_some();
    let (of, joined) = if by_class {
        (
            "item_classes",
            " JOIN items ON items.dataset = item_classes.dataset AND items.path = item_classes.path",
        )
    } else {
        ("items", "")
    };
    let split = if filter.split.is_some() { " AND split = $4" } else { "" };
    let class = match (by_class, filter.split.is_some()) {
        (false, _) => "",
        (true, false) => " AND class = $4",
        (true, true) => " AND class = $5",
    };
    format!(
        "SELECT {of}.path AS path, split, sha256 FROM {of}{joined} \
         JOIN files ON files.dataset = {of}.dataset AND files.path = {of}.path WHERE {of}.dataset = $1 AND {of}.path > $2{split}{class} \
         ORDER BY {of}.path LIMIT $3"
    )
}

async fn complete(
    state: &mut Connection,
    number: i64,
    mut items: Vec<Item>,
    heaviest: usize,
) -> Result<Vec<Item>, sqlx::Error> {
    let (mut weight, mut done) = (0, 0);
    for chunk in items.chunks_mut(COMPLETED_AT_ONCE) {
        name_classes(state, number, chunk).await?;
        weight += chunk.iter().map(Item::weight).sum::<usize>();
        done += chunk.len();
        if weight > heaviest {
            break;
        }
    }
    items.truncate(done);
    Ok(items)
}

async fn name_classes(
    state: &mut Connection,
    number: i64,
    items: &mut [Item],
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "SELECT path, class FROM item_classes WHERE dataset = $1 AND path IN ({}) ORDER BY path, class",
        places(2, items.len())
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(number);
    let rows = items.iter().fold(rows, |rows, item| rows.bind(item.path.clone()));
    for row in rows.fetch_all(state).await? {
        let path: &str = row.try_get("path")?;
        if let Ok(at) = items.binary_search_by(|item| item.path.as_str().cmp(path)) {
            items[at].class_names.push(row.try_get("class")?);
        }
    }
    Ok(())
}

fn item(row: &Row) -> Result<Item, sqlx::Error> {
    let (path, class_names) = (row.try_get("path")?, Vec::new());
    Ok(Item { path, class_names, split: split_of(row)?, sha256: sha256_of(row)? })
}

/// The split of a row; the empty text is none.
pub(super) fn split_of(row: &Row) -> Result<Option<Split>, sqlx::Error> {
    match row.try_get::<&str, _>("split")? {
        "" => Ok(None),
        _ => known(row, "split", Split::from_stored).map(Some),
    }
}
