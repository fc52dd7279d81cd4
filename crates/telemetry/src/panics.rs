//! What panics is said to have panicked: in the log where it happens, and for as long as the process runs in its health.
//!
//! Invariant: a background task that panics is never just gone.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use tokio::task::{JoinError, JoinHandle};

/// The background tasks that have panicked.
static GONE: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// Logs each panic of the process. The message of a panic may hold anything, so where it happened is logged alone.
pub(crate) fn log() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            let place = about.location().map(ToString::to_string).unwrap_or_default();
            let thread = std::thread::current();
            tracing::error!(place, thread = thread.name(), "panicked");
            former(about);
        }));
    });
}

/// Runs a task that the process needs to its end. If it panics, the log says which it was, and so does [`gone`].
pub fn spawn_watched(
    name: &'static str,
    task: impl Future<Output: Send + 'static> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        // A task of its own, so that its panic is an answer. It ends with this one.
        let mut running = tokio::task::JoinSet::new();
        running.spawn(task);
        if let Some(Err(error)) = running.join_next().await
            && error.is_panic()
        {
            tracing::error!(task = name, "a background task panicked: restart the process");
            GONE.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        }
    })
}

/// A background task that has panicked, if one has.
pub fn gone() -> Option<&'static str> {
    GONE.lock().unwrap_or_else(PoisonError::into_inner).first().copied()
}

/// How a task ended that gave no answer.
pub fn ending(error: &JoinError) -> &'static str {
    if error.is_panic() { "panicked; the log says where" } else { "was cancelled" }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test")]

    use super::*;

    #[tokio::test]
    async fn a_background_task_that_panics_is_named_and_one_that_ends_is_not() {
        spawn_watched("ends", async {}).await.unwrap();
        let stopped = spawn_watched("stopped", std::future::pending::<()>());
        stopped.abort();
        assert!(stopped.await.is_err());
        assert_eq!(gone(), None);
        spawn_watched("breaks", async { panic!("in a test") }).await.unwrap();
        assert_eq!(gone(), Some("breaks"));
        let panicked = tokio::spawn(async { panic!("in a test") }).await.unwrap_err();
        assert!(ending(&panicked).starts_with("panicked"));
    }
}
