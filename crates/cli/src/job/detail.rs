//! One job with all that is known of it, in two columns for people.

use super::view::JobView;
use crate::output::{self, plain};

/// What a job says in one place: a row for each member that it has.
pub(super) fn text(job: &JobView) -> String {
    let mut rows = members(job);
    if let Some(trouble) = &job.failure {
        rows.push(("reason", trouble.reason.clone()));
        rows.push(("problem", trouble.message.clone()));
        rows.push(("retryable", if trouble.retryable { "yes" } else { "no" }.to_owned()));
    }
    let outcome = job.result.iter();
    let mut cells: Vec<_> = rows
        .into_iter()
        .chain(outcome.clone().flat_map(result))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), plain(&value).into_owned()])
        .collect();
    let metrics = outcome.flat_map(|of| &of.metrics);
    cells.extend(
        metrics.map(|(name, value)| vec![format!("metric {}", plain(name)), value.to_string()]),
    );
    output::table(&cells)
}

/// What every job has; empty where it does not have it yet.
fn members(job: &JobView) -> Vec<(&'static str, String)> {
    let is_running = job.state == "running";
    let at = if is_running { job.activity } else { "" };
    let progress =
        if is_running { format!("{:.0} %", job.progress * 100.0) } else { String::new() };
    vec![
        ("job_id", job.job_id.clone()),
        ("display_name", job.display_name.clone()),
        ("state", job.shown_state().to_owned()),
        ("activity", at.to_owned()),
        ("progress", progress),
        ("attempt", if job.attempt > 0 { job.attempt.to_string() } else { String::new() }),
        ("message", job.message.clone()),
        ("trainer", job.trainer.clone()),
        ("owner", job.owner.clone()),
        ("dataset_id", job.dataset_id.clone()),
        ("snapshot_id", job.snapshot_id.clone()),
        ("create_time", job.create_time.clone()),
        ("update_time", job.update_time.clone()),
        ("end_time", job.end_time.clone().unwrap_or_default()),
    ]
}

/// What a finished job has made.
fn result(of: &super::view::Outcome) -> Vec<(&'static str, String)> {
    let split =
        if of.split_item_count > 0 { of.split_item_count.to_string() } else { String::new() };
    vec![
        ("artifact", of.artifact.clone()),
        ("file_count", of.file_count.to_string()),
        ("size_bytes", of.size_bytes.to_string()),
        ("split_item_count", split),
    ]
}

#[cfg(test)]
mod tests {
    use hallpass_contract::platform::{Job, JobFailure, JobResult, JobState};

    use super::*;

    fn shown(job: Job) -> String {
        text(&job.into())
    }

    /// Every pair stands in a row of its own.
    fn has(text: &str, rows: &[(&str, &str)]) {
        for (name, value) in rows {
            let is_it = |line: &str| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.trim_start() == *value && rest != *value)
            };
            assert!(text.lines().any(is_it), "no row {name} with {value} in\n{text}");
        }
    }

    #[test]
    fn a_failed_job_tells_why_with_its_trainer_and_message() {
        let failure = JobFailure {
            reason: "TRAINER_FAILED".into(),
            message: "it ended with 3".into(),
            ..Default::default()
        };
        let job = Job {
            job_id: "job_1".into(),
            state: JobState::Failed.into(),
            trainer: "resnet".into(),
            message: "epoch 3".into(),
            attempt: 2,
            failure: Some(failure),
            ..Default::default()
        };
        let expected = [
            ("state", "failed"),
            ("trainer", "resnet"),
            ("message", "epoch 3"),
            ("attempt", "2"),
            ("reason", "TRAINER_FAILED"),
            ("problem", "it ended with 3"),
        ];
        has(&shown(job), &expected);
    }

    #[test]
    fn a_finished_job_tells_its_metrics_and_files() {
        let metrics = [("accuracy".to_owned(), 0.75)].into_iter().collect();
        let result =
            JobResult { metrics, file_count: 2, artifact: "a/1".into(), ..Default::default() };
        let job =
            Job { state: JobState::Succeeded.into(), result: Some(result), ..Default::default() };
        let expected = [
            ("state", "succeeded"),
            ("metric accuracy", "0.75"),
            ("file_count", "2"),
            ("artifact", "a/1"),
        ];
        has(&shown(job), &expected);
    }

    #[test]
    fn a_job_whose_abort_is_under_way_is_not_called_running() {
        let job =
            Job { state: JobState::Running.into(), abort_requested: true, ..Default::default() };
        has(&shown(job), &[("state", "aborting")]);
    }

    #[test]
    fn what_a_trainer_said_cannot_steer_the_terminal() {
        let job = Job { message: "a\u{1b}[2J\nstate  succeeded".into(), ..Default::default() };
        assert!(!shown(job).contains('\u{1b}'));
    }
}
