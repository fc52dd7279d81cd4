//! How SQLite finds a page: by the index of the order, no further than the page.

#![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

use hallpass_store::Location;
use sqlx::Row as _;

use super::super::Database;
use super::sql::{Part, Sql};
use super::{Filter, Order, Position, Query};
use crate::model::access::Visibility;

async fn plan(database: &Database, mut sql: Sql) -> Vec<String> {
    sql.text = format!("EXPLAIN QUERY PLAN {}", sql.text);
    let mut state = database.store.reading().await.unwrap();
    let rows = sql.fetch(&mut state).await.unwrap();
    rows.iter().map(|row| row.try_get("detail").unwrap()).collect()
}

fn queries() -> Vec<(&'static str, Query)> {
    let table = [
        ("", Order::Newest, Position::Number(7)),
        ("", Order::Oldest, Position::Number(7)),
        ("_name", Order::Name, Position::Text("cats".into(), 7)),
        ("_size", Order::Biggest, Position::Integer(7, 7)),
        ("_change", Order::LastChanged, Position::Integer(7, 7)),
    ];
    let table = table.into_iter().flat_map(|(index, order, place)| {
        [None, Some(place)]
            .map(|behind| (index, Query { filter: Filter::default(), order, behind, most: 50 }))
    });
    table.collect()
}

/// An index that begins with what the user may read and goes on with the order: no sorting, no looking at what is not on the page.
#[tokio::test]
async fn each_part_goes_by_the_index_of_its_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = Location::Sqlite(folder.path().join("labeler.sqlite"));
    let database = Database::open(&file).await.unwrap();
    for (index, query) in queries() {
        for (part, by) in [(Part::Public, "visibility"), (Part::Own, "owner")] {
            let mut sql = Sql::default();
            sql.text = sql.arm(part, "alice", &query);
            let plan = plan(&database, sql).await.join("; ");
            let search = format!("INDEX datasets_by_{by}{index} (");
            assert!(plan.contains(&search), "{query:?}: {plan}");
            assert!(!plan.contains("SCAN datasets") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
        let mut sql = Sql::default();
        sql.text = sql.arm(Part::Shared, "alice", &query);
        let plan = plan(&database, sql).await.join("; ");
        assert!(plan.starts_with("SEARCH shares"), "{plan}");
        assert!(plan.contains("INDEX shares_by_subject (subject=?"), "{plan}");
        // By number it is sorted already; otherwise what is shared with one user is sorted.
        assert_eq!(plan.contains("TEMP B-TREE"), !index.is_empty(), "{query:?}: {plan}");
    }
}

/// What is public and somebody's is found without a look at what is private and theirs.
#[tokio::test]
async fn another_owners_private_ones_are_not_looked_at() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = Location::Sqlite(folder.path().join("labeler.sqlite"));
    let database = Database::open(&file).await.unwrap();
    for (index, mut query) in queries() {
        let visibility = Some(Visibility::Public);
        query.filter = Filter { owner: Some("bob".into()), visibility, ..Filter::default() };
        let plan = plan(&database, Sql::visible("alice", &query).unwrap()).await.join("; ");
        let search = format!("INDEX datasets_by_owner{index} (owner=? AND visibility=?");
        assert!(plan.contains(&search), "{query:?}: {plan}");
        assert!(!plan.contains("SCAN datasets"), "{plan}");
    }
}
