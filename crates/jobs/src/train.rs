//! Runs the trainer on the fetched files.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::engine::{DATA, Engine, FETCHED, ITEMS, OUTPUT, TRAINED, Task};
use crate::failure::Failure;
use crate::leftover;
use crate::process::{self, Ending};
use crate::said::Saying;
use crate::trainer::Trainer;

/// Runs it once, with an empty folder for what it makes.
pub(crate) async fn run<S>(
    engine: &Engine<S>,
    task: &Task,
    trainer: &Trainer,
    saying: &Saying,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let place = engine.place(task);
    if !place.join(FETCHED).is_file() {
        return Err(Failure::passing("WORKER_FAILED", "the fetched files are gone"));
    }
    leftover::end(&place);
    let output = place.join(OUTPUT);
    emptied(&place, &output).map_err(|error| Failure::local("the trainer's folder", &error))?;
    let shown = |path: &Path| path.display().to_string();
    let arguments = trainer.filled(&[
        ("{data}", shown(&place.join(DATA))),
        ("{items}", shown(&place.join(ITEMS))),
        ("{output}", shown(&output)),
        ("{job}", task.job_id.clone()),
    ]);
    let folder = trainer.folder.as_deref().unwrap_or(&output);
    let ended =
        process::run(trainer, arguments, folder, &place, saying, (stop, engine.grace)).await;
    ending(trainer, ended)?;
    fs::write(place.join(TRAINED), b"").map_err(|error| Failure::local("the job's folder", &error))
}

fn emptied(place: &Path, output: &Path) -> std::io::Result<()> {
    for left in [place.join(TRAINED), output.to_owned()] {
        if left.is_dir() {
            fs::remove_dir_all(left)?;
        } else if left.exists() {
            fs::remove_file(left)?;
        }
    }
    fs::create_dir(output)
}

fn ending(trainer: &Trainer, ended: std::io::Result<Ending>) -> Result<(), Failure> {
    let program = trainer.program.display();
    match ended {
        Ok(Ending::Itself(status)) if status.success() => Ok(()),
        Ok(Ending::Itself(status)) => Err(match (status.code(), status.signal()) {
            (Some(code), _) => {
                Failure::lasting("TRAINER_FAILED", format!("the trainer ended with code {code}"))
            }
            // Such as the kernel that needed its memory.
            (None, signal) => {
                let said = format!("the trainer was killed by signal {}", signal.unwrap_or(0));
                Failure::passing("TRAINER_KILLED", said)
            }
        }),
        Ok(Ending::Stopped) => Err(Failure::stopped()),
        Ok(Ending::TooLong) => {
            let limit = trainer.time_limit.as_secs();
            let said = format!("the trainer ran for longer than {limit} s");
            Err(Failure::lasting("TRAINER_TOO_LONG", said))
        }
        Err(error) => {
            let said = format!("{program} cannot be started: {error}");
            Err(Failure::lasting("TRAINER_MISSING", said))
        }
    }
}
