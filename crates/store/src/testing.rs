//! Databases for tests: a suite is run on SQLite and, by running itself again, on PostgreSQL.
//!
//! Invariant: two tests never share tables. Without a PostgreSQL server a plain run says so on the terminal, and CI fails.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on should stop"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::space::Room;
use crate::{Location, Space};

/// The space of a disk that has as many free bytes as the test says.
pub fn space(free: &Arc<AtomicU64>, keep: Option<u64>) -> Space {
    let free = Arc::clone(free);
    let look = move || Ok(Room { free: free.load(Ordering::Relaxed), size: u64::MAX });
    Space::looked_at(look, keep)
}

/// Names the server: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. The user may make schemas in the database; nothing removes them.
pub const SERVER: &str = "TEST_POSTGRES";

/// Set in the second run of a suite.
const SECOND_RUN: &str = "TEST_ON_POSTGRES";

/// The server's URL, or `None` after saying that what needs it is left out.
pub fn server() -> Option<String> {
    if let Ok(url) = std::env::var(SERVER) {
        return Some(url);
    }
    let message =
        format!("{SERVER} is not set: .ci/postgres FOLDER COMMAND runs a command with it");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    // Past the test harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "\n*** LEFT OUT, tests on PostgreSQL: {message} ***\n");
    None
}

/// Where a test's database is: this file, or in a suite's second run a schema of its own on the server, always the same for the file.
pub async fn location(file: &Path) -> Location {
    match std::env::var_os(SECOND_RUN).and_then(|_| server()) {
        Some(server) => schema(&server, file).await,
        None => Location::Sqlite(file.to_owned()),
    }
}

/// A schema on this server that belongs to this file's name.
pub async fn schema(server: &str, file: &Path) -> Location {
    let url = schema_url(server, file).await;
    Location::postgres(SecretString::from(url)).expect("the URL is right")
}

/// The URL of a schema on this server that belongs to this file's name.
pub async fn schema_url(server: &str, file: &Path) -> String {
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, file.as_os_str().as_encoded_bytes());
    let first = <[u8; 16]>::try_from(&digest.as_ref()[..16]).expect("a digest has 32 bytes");
    let name = format!("{:032x}", u128::from_be_bytes(first));
    let mut connection =
        sqlx::PgConnection::connect(server).await.expect("the PostgreSQL server answers");
    let make = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS test_{name}"));
    sqlx::raw_sql(make).execute(&mut connection).await.expect("the user may make schemas");
    connection.close().await.expect("a connection can be closed");
    format!("{server}?options[search_path]=test_{name}")
}

/// Every row of every table in the schema of this URL, as text.
pub async fn everything(url: &str) -> String {
    let mut connection =
        sqlx::PgConnection::connect(url).await.expect("the PostgreSQL server answers");
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables: Vec<String> =
        sqlx::query_scalar(tables).fetch_all(&mut connection).await.expect("a list of tables");
    let mut all = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT \"{table}\"::text FROM \"{table}\""));
        let rows: Vec<String> =
            sqlx::query_scalar(rows).fetch_all(&mut connection).await.expect("a table's rows");
        all.extend(rows);
    }
    connection.close().await.expect("a connection can be closed");
    all
}

/// Takes a database's ownership away from its owner, as it goes when the owner's connection is lost; given back when it is dropped.
pub async fn usurp(url: &str) -> sqlx::PgConnection {
    const LOCK: &str =
        "SELECT pg_advisory_lock(hashtextextended('hallpass owner of ' || current_schema(), 0))";
    const END_OWNER: &str = "SELECT pg_terminate_backend(owner.pid) FROM pg_locks owner JOIN pg_locks waiting \
                             USING (locktype, database, classid, objid) \
                             WHERE waiting.pid = $1 AND owner.granted AND NOT waiting.granted";
    let connect = || async { sqlx::PgConnection::connect(url).await.expect("the server answers") };
    let (mut waiting, mut ending) = (connect().await, connect().await);
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut waiting)
        .await
        .expect("a connection has a process");
    let waits = tokio::spawn(async move {
        sqlx::query(LOCK).execute(&mut waiting).await.expect("the lock comes");
        waiting
    });
    // Whoever waits already is served before the owner, which has to connect again.
    let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        every.tick().await;
        let ended = sqlx::query(END_OWNER).bind(pid).fetch_all(&mut ending).await;
        if !ended.expect("a superuser may end a connection").is_empty() {
            return waits.await.expect("it has the lock");
        }
    }
}

/// Runs this test binary again, on PostgreSQL, without the test that calls this, which is named `this`.
pub fn run_again_on_postgres(this: &str) {
    if std::env::var_os(SECOND_RUN).is_some() || server().is_none() {
        return;
    }
    let binary = std::env::current_exe().expect("this process has a binary");
    let again = Command::new(binary).args(["--skip", this]).env(SECOND_RUN, "1").output();
    let again = again.expect("a test binary can be run again");
    if !again.status.success() {
        let said = String::from_utf8_lossy(&again.stdout);
        panic!("on PostgreSQL:\n{said}\n{}", String::from_utf8_lossy(&again.stderr));
    }
}
