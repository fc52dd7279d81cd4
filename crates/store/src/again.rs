//! Changes that were in each other's way are made again.
//!
//! Invariant: only a change that the database has undone as a whole is made again, and only so often.

use std::time::Duration;

use crate::random;

/// So often a change is tried.
const TRIES: u32 = 8;

/// What the pause after the first try is at most; each later one is at most twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(8);

/// An error of a change: perhaps the database's.
pub trait Failure: From<sqlx::Error> {
    /// What the database said, if it was the database.
    fn database(&self) -> Option<&sqlx::Error>;
}

impl Failure for sqlx::Error {
    fn database(&self) -> Option<&sqlx::Error> {
        Some(self)
    }
}

/// Counts the tries of one change.
#[derive(Debug, Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Returns when the change may be tried again; `false` if it may not.
    pub(crate) async fn again(&mut self, error: &impl Failure) -> bool {
        self.0 += 1;
        if self.0 >= TRIES || !error.database().is_some_and(lost_a_race) {
            return false;
        }
        tracing::debug!(tries = self.0, "a change was in another's way and is made again");
        tokio::time::sleep(pause(self.0)).await;
        true
    }
}

/// Whether the change would have gone well had it been alone. Among these is the unique value that another change has just taken
/// (23505): made again, the change sees that one's row.
fn lost_a_race(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(
        code.as_deref(),
        // PostgreSQL: serialization failure, deadlock, unique value. SQLite: busy, in its three ways.
        Some("40001" | "40P01" | "23505" | "5" | "261" | "517")
    )
}

/// At most 2^(tries - 1) first pauses. Without chance the longest.
fn pause(tries: u32) -> Duration {
    let longest = FIRST_PAUSE * 2_u32.pow(tries.saturating_sub(1).min(TRIES));
    let [chance, ..] = random().unwrap_or([u8::MAX; 16]);
    longest.mul_f64(f64::from(chance) / f64::from(u8::MAX))
}
