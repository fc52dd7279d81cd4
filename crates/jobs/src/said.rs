//! What an activity says while it goes on.

use tokio::sync::mpsc::Sender;

/// One thing that was said.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// So much is done, 0 to 1, and perhaps a word about it.
    Progress(f64, Option<String>),
    /// A line for the log.
    Line(String),
}

/// Where it is said. A listener that is slow slows the activity down; one that has gone is not waited for.
#[derive(Debug, Clone)]
pub struct Saying(Sender<Said>);

impl Saying {
    /// To this listener.
    pub const fn new(to: Sender<Said>) -> Self {
        Self(to)
    }

    /// How much is done.
    pub(crate) async fn progress(&self, done: f64, message: Option<String>) {
        self.say(Said::Progress(done.clamp(0.0, 1.0), message)).await;
    }

    pub(crate) async fn say(&self, said: Said) {
        // The activity goes on whether somebody listens or not.
        let _ = self.0.send(said).await;
    }
}
