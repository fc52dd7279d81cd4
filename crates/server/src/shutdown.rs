//! When a process has to stop: first it drains, and if it is told again it stops at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How far the process has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Draining,
    Stopping,
}

/// Tells when to stop. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Stage>);

/// Says when to stop.
#[derive(Debug)]
pub struct ShutdownSwitch(watch::Sender<Stage>);

impl Shutdown {
    /// Stops when the process is told to by SIGTERM or SIGINT; the second time at once.
    pub fn on_signals() -> io::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (switch, shutdown) = Self::by_hand();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                switch.press();
            }
        });
        Ok(shutdown)
    }

    /// Stops when the switch is pressed. A switch that is dropped is never pressed.
    pub fn by_hand() -> (ShutdownSwitch, Self) {
        let (switch, shutdown) = watch::channel(Stage::Serving);
        (ShutdownSwitch(switch), Self(shutdown))
    }

    /// Whether nothing new should be begun.
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Stage::Draining
    }

    /// Waits until the process is told to stop.
    pub async fn draining(self) {
        self.reached(Stage::Draining).await;
    }

    /// Waits until the process is told to stop a second time.
    pub async fn stopping(self) {
        self.reached(Stage::Stopping).await;
    }

    async fn reached(mut self, stage: Stage) {
        if self.0.wait_for(|now| *now >= stage).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl ShutdownSwitch {
    /// Begins to drain, or, pressed again, stops at once.
    pub fn press(&self) {
        self.0.send_modify(|stage| {
            *stage = match stage {
                Stage::Serving => Stage::Draining,
                Stage::Draining | Stage::Stopping => Stage::Stopping,
            };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn first_drain_then_stop() {
        let (switch, shutdown) = Shutdown::by_hand();
        assert!(!shutdown.is_draining());
        switch.press();
        shutdown.clone().draining().await;
        assert!(shutdown.is_draining());
        let stopping = tokio::spawn(shutdown.stopping());
        assert!(!stopping.is_finished());
        switch.press();
        assert!(stopping.await.is_ok());
    }
}
