//! Users who share the connections: none of them waits for all that another one has asked for.

use std::pin::pin;
use std::time::Duration;

use sqlx::Row as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::fresh;
use crate::{Connection, Store};

tokio::task_local! {
    static USER: u128;
}

const MALLORY: u128 = 1;
const ALICE: u128 = 2;

/// Longer than anything takes that need not wait, and shorter than whoever waits is let wait.
const SOON: Duration = Duration::from_secs(4);

fn user() -> Option<u128> {
    USER.try_with(|user| *user).ok()
}

/// A change that is not over until the test lets it be.
struct Slow {
    name: String,
    over: Semaphore,
}

async fn insert(change: &mut Connection, slow: &Slow) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("INSERT INTO accounts (name, amount) VALUES ($1, 0)");
    insert.bind(&slow.name).execute(change).await?;
    slow.over.acquire().await.unwrap().forget();
    Ok(())
}

async fn add(store: Store, slow: &Slow) -> Result<(), sqlx::Error> {
    store.change(slow, |change, slow| Box::pin(insert(change, slow))).await
}

fn slow(name: String, over: usize) -> Slow {
    Slow { name, over: Semaphore::new(over) }
}

async fn names(store: &Store) -> Vec<String> {
    let rows = sqlx::query("SELECT name FROM accounts ORDER BY rowid");
    let rows = rows.fetch_all(&mut *store.read().await.unwrap()).await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

#[tokio::test]
async fn over_sqlite_a_read_waits_for_no_write_and_a_write_for_one_of_each_user() {
    let (_folder, location, store) = fresh().await;
    if location.is_shared() {
        return;
    }
    let store = store.shared_by(user);
    let first = slow("first".to_owned(), 0);
    let mut first_one = pin!(USER.scope(MALLORY, add(store.clone(), &first)));
    // It has the lock, and waits for the test.
    let holding = async {
        let reading = async {
            let mut writers = JoinSet::new();
            for number in 0..100 {
                let (store, slow) = (store.clone(), slow(format!("mallory {number}"), 1));
                writers.spawn(USER.scope(MALLORY, async move { add(store, &slow).await }));
            }
            tokio::task::yield_now().await;
            let (alices, of_alice) = (store.clone(), slow("alice".to_owned(), 1));
            writers.spawn(USER.scope(ALICE, async move { add(alices, &of_alice).await }));
            tokio::task::yield_now().await;
            let read = USER.scope(ALICE, async { store.ping().await });
            // A read that waited for writes would not be over.
            timeout(SOON, read).await.unwrap().unwrap();
            first.over.add_permits(1);
            writers.join_all().await
        };
        tokio::join!(&mut first_one, reading)
    };
    let (one, others) = timeout(10 * SOON, holding).await.unwrap();
    one.unwrap();
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    let order = names(&store).await;
    let at = order.iter().position(|name| name == "alice").unwrap();
    assert!(at <= 2, "alice's write came behind {at} of mallory's: {order:?}");
}

#[tokio::test]
async fn one_users_reads_leave_connections_to_others() {
    let (_folder, _, store) = fresh().await;
    let store = store.shared_by(user);
    let mallorys = USER.scope(MALLORY, async {
        let mut held = Vec::new();
        // Whoever gets none for so long waits for a turn.
        while let Ok(read) = timeout(SOON / 4, store.reading()).await {
            held.push(read.unwrap());
            assert!(held.len() < 10, "mallory has all connections");
        }
        held
    });
    let held = mallorys.await;
    let mut waiting = JoinSet::new();
    for _ in 0..1000 {
        let store = store.clone();
        waiting.spawn(USER.scope(MALLORY, async move { store.ping().await }));
    }
    tokio::task::yield_now().await;
    for others in [USER.scope(ALICE, store.ping()).await, store.ping().await] {
        others.unwrap();
    }
    waiting.abort_all();
    drop(held);
    USER.scope(MALLORY, store.ping()).await.unwrap();
}

#[tokio::test]
async fn over_sqlite_a_readers_connection_writes_nothing() {
    let (_folder, location, store) = fresh().await;
    if location.is_shared() {
        return;
    }
    let write = sqlx::query("INSERT INTO accounts (name, amount) VALUES ('a', 0)");
    let written = write.execute(&mut *store.read().await.unwrap()).await;
    assert!(written.unwrap_err().to_string().contains("readonly"));
}
