//! Changes: whole or not at all, as if one came after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::Row as _;

use super::fresh;
use crate::{Connection, Store};

async fn put(change: &mut Connection, name: &str, amount: i64) -> Result<(), sqlx::Error> {
    let put = sqlx::query("INSERT INTO accounts (name, amount) VALUES ($1, $2)");
    put.bind(name).bind(amount).execute(change).await.map(|_| ())
}

async fn amount(change: &mut Connection, name: &str) -> Result<Option<i64>, sqlx::Error> {
    let row = sqlx::query("SELECT amount FROM accounts WHERE name = $1").bind(name);
    row.fetch_optional(change).await?.map(|row| row.try_get("amount")).transpose()
}

async fn add_one(change: &mut Connection, name: &str) -> Result<i64, sqlx::Error> {
    let next = amount(change, name).await?.unwrap_or(0) + 1;
    let set = sqlx::query("UPDATE accounts SET amount = $1 WHERE name = $2");
    set.bind(next).bind(name).execute(change).await?;
    Ok(next)
}

/// Makes the account unless it is there; whether it was this call.
async fn make(change: &mut Connection, name: &str) -> Result<bool, sqlx::Error> {
    if amount(change, name).await?.is_some() {
        return Ok(false);
    }
    put(change, name, 1).await.map(|()| true)
}

async fn put_and_fail(change: &mut Connection, name: &str) -> Result<(), sqlx::Error> {
    put(change, name, 1).await?;
    Err(sqlx::Error::RowNotFound)
}

async fn held(store: &Store, name: &str) -> Option<i64> {
    amount(&mut store.read().await.unwrap(), name).await.unwrap()
}

#[tokio::test]
async fn a_change_that_fails_leaves_nothing() {
    let (_folder, _, store) = fresh().await;
    let failed = store.change("a", |change, name| Box::pin(put_and_fail(change, name))).await;
    assert!(matches!(failed, Err(sqlx::Error::RowNotFound)), "{failed:?}");
    assert_eq!(held(&store, "a").await, None);
}

/// Two changes that have both read before either writes.
struct Meeting {
    point: tokio::sync::Barrier,
    tries: AtomicUsize,
}

async fn add_after_meeting(change: &mut Connection, meeting: &Meeting) -> Result<i64, sqlx::Error> {
    let next = amount(change, "a").await?.unwrap_or(0) + 1;
    if meeting.tries.fetch_add(1, Ordering::Relaxed) < 2 {
        meeting.point.wait().await;
    }
    let set = sqlx::query("UPDATE accounts SET amount = $1 WHERE name = 'a'").bind(next);
    set.execute(change).await?;
    Ok(next)
}

#[tokio::test]
async fn of_two_changes_in_each_others_way_one_is_made_again() {
    let (_folder, location, store) = fresh().await;
    if !location.is_shared() {
        // The second one does not begin before the first one has ended.
        return;
    }
    store.change("a", |change, name| Box::pin(put(change, name, 0))).await.unwrap();
    let meeting = Meeting { point: tokio::sync::Barrier::new(2), tries: AtomicUsize::new(0) };
    let add =
        || store.change(&meeting, |change, meeting| Box::pin(add_after_meeting(change, meeting)));
    let (one, other) = tokio::join!(add(), add());
    assert_eq!([one.unwrap(), other.unwrap()].iter().sum::<i64>(), 3, "both saw the same");
    assert_eq!(held(&store, "a").await, Some(2));
    assert!(meeting.tries.load(Ordering::Relaxed) > 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost() {
    const EACH: usize = 10;
    let (_folder, _, store) = fresh().await;
    store.change("a", |change, name| Box::pin(put(change, name, 0))).await.unwrap();
    let writers = (0..3).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut done = 0;
            for _ in 0..EACH {
                let added = store.change("a", |change, name| Box::pin(add_one(change, name)));
                done += i64::from(added.await.is_ok());
            }
            done
        })
    });
    let mut done = 0;
    for writer in writers.collect::<Vec<_>>() {
        done += writer.await.unwrap();
    }
    assert_eq!(held(&store, "a").await, Some(done), "what was acknowledged is there, once");
    assert!(done > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_make_the_same_thing_one_does() {
    let (_folder, _, store) = fresh().await;
    for round in 0..10 {
        let makers = (0..4).map(|_| {
            let (store, name) = (store.clone(), format!("account {round}"));
            tokio::spawn(async move {
                store.change(name.as_str(), |change, name| Box::pin(make(change, name))).await
            })
        });
        let mut made = 0;
        for maker in makers.collect::<Vec<_>>() {
            made += u32::from(maker.await.unwrap().unwrap());
        }
        assert_eq!(made, 1, "round {round}");
    }
}

#[tokio::test]
async fn reads_see_one_state() {
    let (_folder, _, store) = fresh().await;
    store.change("a", |change, name| Box::pin(put(change, name, 1))).await.unwrap();
    let mut state = store.reading().await.unwrap();
    assert_eq!(amount(&mut state, "a").await.unwrap(), Some(1));
    store.change("a", |change, name| Box::pin(add_one(change, name))).await.unwrap();
    assert_eq!(amount(&mut state, "a").await.unwrap(), Some(1), "the state moved");
    drop(state);
    assert_eq!(held(&store, "a").await, Some(2));
}

#[tokio::test]
async fn text_is_ordered_by_its_bytes() {
    let (_folder, _, store) = fresh().await;
    let names = ["Z", "_", "a", "a b", "a-b", "ab", "z", "ä", "É"];
    for name in names.iter().rev() {
        store.change(*name, |change, name| Box::pin(put(change, name, 1))).await.unwrap();
    }
    let rows = sqlx::query("SELECT name FROM accounts WHERE name > $1 ORDER BY name").bind("Z");
    let rows = rows.fetch_all(&mut *store.read().await.unwrap()).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.try_get("name").unwrap()).collect();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected[1..]);
}

#[tokio::test]
async fn a_store_keeps_its_first_own_key() {
    let (_folder, _, store) = fresh().await;
    assert_eq!(store.own_key("pages", &[1; 32]).await.unwrap(), [1; 32]);
    assert_eq!(store.own_key("pages", &[2; 32]).await.unwrap(), [1; 32]);
    assert_eq!(store.own_key("others", &[3; 32]).await.unwrap(), [3; 32]);
}
