//! Databases of another state than this program knows.

use super::{STEPS, fresh};
use crate::{Migration, Problem, Store};

const NEXT: Migration = Migration {
    version: 2,
    name: "next",
    sqlite: "CREATE TABLE next (number INTEGER NOT NULL)",
    postgres: "CREATE TABLE next (number BIGINT NOT NULL)",
};

#[tokio::test]
async fn a_newer_programs_tables_are_refused_and_an_older_ones_brought_up_to_date() {
    let (_folder, location, store) = fresh().await;
    store.close().await;
    let newer = Store::open(&location, &[STEPS[0], NEXT]).await.unwrap();
    newer.ping().await.unwrap();
    newer.close().await;
    let refused = Store::open(&location, &STEPS).await.err().unwrap();
    assert!(matches!(refused.problem, Problem::Newer { found: 2, known: 1 }), "{refused:?}");
    assert!(refused.to_string().contains("version 2; this one knows 1"), "{refused}");
}

#[tokio::test]
async fn an_edited_step_is_refused() {
    let (_folder, location, store) = fresh().await;
    store.close().await;
    let edited = Migration { sqlite: NEXT.sqlite, postgres: NEXT.postgres, ..STEPS[0] };
    let refused = Store::open(&location, &[edited]).await.err().unwrap();
    assert!(matches!(refused.problem, Problem::Foreign(1)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_together_make_the_tables_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let location = crate::testing::location(&folder.path().join("store.sqlite")).await;
    let open = |_| {
        let location = location.clone();
        tokio::spawn(async move { Store::open(&location, &[STEPS[0], NEXT]).await })
    };
    for opened in (0..4).map(open).collect::<Vec<_>>() {
        opened.await.unwrap().unwrap().ping().await.unwrap();
    }
}
