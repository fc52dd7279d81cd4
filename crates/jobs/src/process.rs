//! Runs a trainer's program to its end, or ends it.
//!
//! Invariant: when `run` has returned, or was dropped, no process of the trainer's group is left; and Platform's own environment was
//! never in it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::io::BufReader;
use tokio::net::unix::pipe::Receiver;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::leftover;
use crate::lines::follow;
use crate::said::Saying;
use crate::trainer::Trainer;

/// How a program ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// By itself, or killed by somebody else.
    Itself(ExitStatus),
    /// It was told to, or made to.
    Stopped,
    /// It ran for too long.
    TooLong,
}

/// A group of processes that ends with this value.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        leftover::kill(self.0, Signal::KILL);
    }
}

/// Runs the program in this folder. An error means that it did not even start.
pub(crate) async fn run(
    trainer: &Trainer,
    arguments: Vec<String>,
    folder: &Path,
    note: &Path,
    saying: &Saying,
    (stop, grace): (&CancellationToken, Duration),
) -> io::Result<Ending> {
    let mut child = command(trainer, arguments, folder).spawn()?;
    let group = Group(child.id());
    leftover::note(note, group.0);
    let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let mut printed = Vec::with_capacity(pipes.len());
    for pipe in pipes.into_iter().flatten() {
        let lines = follow(BufReader::new(Receiver::from_owned_fd(pipe)?), saying.clone());
        printed.push(AbortOnDropHandle::new(tokio::spawn(lines)));
    }
    let mut waiting = spawn_blocking(move || child.wait());
    let ending = tokio::select! {
        status = &mut waiting => Ending::Itself(joined(status)?),
        () = stop.cancelled() => Ending::Stopped,
        () = tokio::time::sleep(trainer.time_limit) => Ending::TooLong,
    };
    if !matches!(ending, Ending::Itself(_)) {
        end(&group, waiting, grace).await?;
    }
    // Whoever of the group has inherited the pipes ends, too, and with that what is printed. One that has left the group may hold them for
    // ever; what it prints is not waited for.
    drop(group);
    if tokio::time::timeout(grace, join_all(printed)).await.is_err() {
        tracing::warn!(
            "a process that left the trainer's group outlives it; what it prints is not read"
        );
    }
    Ok(ending)
}

/// Told first, made to after the grace.
async fn end(
    group: &Group,
    mut waiting: JoinHandle<io::Result<ExitStatus>>,
    grace: Duration,
) -> io::Result<()> {
    leftover::kill(group.0, Signal::TERM);
    if tokio::time::timeout(grace, &mut waiting).await.is_err() {
        leftover::kill(group.0, Signal::KILL);
        joined(waiting.await)?;
    }
    Ok(())
}

fn joined(
    waited: Result<io::Result<ExitStatus>, tokio::task::JoinError>,
) -> io::Result<ExitStatus> {
    waited.map_err(io::Error::other)?
}

fn command(trainer: &Trainer, arguments: Vec<String>, folder: &Path) -> Command {
    let mut command = Command::new(&trainer.program);
    command.args(arguments).env_clear().envs(&trainer.environment).current_dir(folder);
    if let Some(path) = std::env::var_os("PATH")
        && !trainer.environment.contains_key("PATH")
    {
        command.env("PATH", path);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use std::collections::BTreeMap;

    use tokio::sync::mpsc;

    use super::*;
    use crate::said::Said;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_process_that_left_the_group_keeps_no_job_from_ending() {
        let trainer = Trainer {
            program: "sh".into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            time_limit: Duration::from_mins(1),
            folder: None,
            scopes: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let (tell, mut told) = mpsc::channel(10);
        let stop = CancellationToken::new();
        let script = "setsid sleep 60 & echo $!";
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let note = folder.path().join("note");
        let grace = (&stop, Duration::from_millis(100));
        let saying = Saying::new(tell);
        let ran = run(&trainer, arguments, folder.path(), &note, &saying, grace);
        let ended = tokio::time::timeout(Duration::from_secs(20), ran).await;
        let Some(Said::Line(daemon)) = told.recv().await else { unreachable!("it says its id") };
        Command::new("kill").arg(daemon).status().unwrap();
        assert!(matches!(ended, Ok(Ok(Ending::Itself(_)))), "{ended:?}");
    }
}
