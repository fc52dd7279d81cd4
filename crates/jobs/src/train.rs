//! Runs the trainer on the fetched files.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::{DATA, Engine, FETCHED, ITEMS, OUTPUT, TRAINED, Task};
use crate::failure::Failure;
use crate::leftover;
use crate::process::{self, Ending};
use crate::said::Saying;
use crate::trainer::Trainer;

/// How often it is looked whether the disk has room: a trainer asks nobody before it writes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs the trainer once, and ends it if the disk runs out.
pub(crate) async fn run<S>(
    engine: &Engine<S>,
    task: &Task,
    trainer: &Trainer,
    saying: &Saying,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    drop(engine.space.take(0).map_err(Failure::no_space)?);
    let (end, mut every) = (stop.child_token(), tokio::time::interval(LOOK_EVERY));
    let mut training = pin!(once(engine, task, trainer, saying, &end));
    let mut short = None;
    loop {
        tokio::select! {
            ended = &mut training => {
                return ended.map_err(|failure| short.map_or(failure, Failure::no_space));
            }
            _ = every.tick(), if short.is_none() => {
                short = engine.space.running_out();
                if short.is_some() {
                    end.cancel();
                }
            }
        }
    }
}

/// With an empty folder for what it makes.
async fn once<S>(
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::mpsc;

    use super::*;
    use crate::artifacts::Artifacts;
    use crate::said::Said;

    /// It never ends by itself.
    fn endless() -> Trainer {
        Trainer {
            program: "sh".into(),
            arguments: ["-c", "echo begun; exec sleep 1000"].map(str::to_owned).into(),
            environment: std::collections::BTreeMap::new(),
            time_limit: Duration::from_hours(1),
            folder: None,
            scopes: vec![Trainer::READ.to_owned()],
        }
    }

    #[tokio::test]
    async fn a_trainer_ends_when_the_disk_runs_out_and_none_begins_on_a_nearly_full_one() {
        let root = tempfile::tempdir().unwrap();
        let (free, place) = (Arc::new(AtomicU64::new(100)), root.path().join("job_1"));
        fs::create_dir(&place).unwrap();
        fs::write(place.join(FETCHED), b"").unwrap();
        let space = hallpass_store::testing::space(&free, Some(100));
        let engine = Engine {
            labeler: (),
            artifacts: Artifacts::folder(root.path(), space.clone()).unwrap(),
            folder: root.path().to_owned(),
            trainers: Arc::default(),
            grace: Duration::from_secs(1),
            most_bytes: 1,
            space,
        };
        let text = String::new;
        let task = Task {
            job_id: "job_1".to_owned(),
            owner: text(),
            dataset_id: text(),
            dataset_etag: text(),
            snapshot_id: text(),
            trainer: text(),
        };
        let (tell, mut told) = mpsc::channel(10);
        let (saying, stop, trainer) = (Saying::new(tell), CancellationToken::new(), endless());
        let fills_up = async {
            assert_eq!(told.recv().await.unwrap(), Said::Line("begun".to_owned()));
            free.store(49, Ordering::Relaxed);
        };
        let running = run(&engine, &task, &trainer, &saying, &stop);
        let (ended, ()) = tokio::join!(running, fills_up);
        let failure = ended.unwrap_err();
        assert_eq!((failure.reason.as_str(), failure.retryable), ("DISK_FULL", true));
        assert!(!stop.is_cancelled());
        free.store(99, Ordering::Relaxed);
        let refused = run(&engine, &task, &trainer, &saying, &stop).await.unwrap_err();
        assert_eq!(refused.reason, "DISK_FULL");
    }
}
