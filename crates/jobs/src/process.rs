//! Runs a trainer's program to its end, or ends it.
//!
//! Invariant: when `run` has returned, or was dropped, no process of the trainer's group is left; and Platform's own environment was
//! never in it.

use std::io::{self, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

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
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (said, also_said) = (saying.clone(), saying.clone());
    let printed = [
        spawn_blocking(move || stdout.map_or((), |out| follow(BufReader::new(out), &said))),
        spawn_blocking(move || stderr.map_or((), |out| follow(BufReader::new(out), &also_said))),
    ];
    let mut waiting = spawn_blocking(move || child.wait());
    let ending = tokio::select! {
        status = &mut waiting => Ending::Itself(joined(status)?),
        () = stop.cancelled() => Ending::Stopped,
        () = tokio::time::sleep(trainer.time_limit) => Ending::TooLong,
    };
    if !matches!(ending, Ending::Itself(_)) {
        end(&group, waiting, grace).await?;
    }
    // Whoever has inherited the pipes ends, too, and with that what is printed.
    drop(group);
    for printed in printed {
        // What a reader does not tell is missing in the log alone.
        let _ = printed.await;
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
