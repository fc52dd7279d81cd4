//! The trainers that Platform offers: the operator's, or else the one that ships.

use std::collections::BTreeMap;
use std::time::Duration;

use hallpass_jobs::{Retries, Trainer};
use hallpass_platform::{ArtifactStore, JobLimits, Training};
use hallpass_server::{Config, JobEngine};

use crate::failure::Failure;
use crate::serve::bucket;

/// The trainer that ships with the binary.
const SHIPPED: &str = "stats";

/// How jobs are run here.
pub(super) fn of(config: &Config) -> Result<Training, Failure> {
    let mut trainers = BTreeMap::new();
    for (name, section) in &config.trainers {
        let section = section.clone();
        let trainer = Trainer {
            program: section.program,
            arguments: section.arguments,
            environment: section.environment,
            time_limit: section.time_limit,
            folder: section.folder,
            scopes: section.scopes,
        };
        trainer.check().map_err(|wrong| {
            Failure::failed(format_args!("trainers.{name}.{}: {}", wrong.key, wrong.problem))
        })?;
        trainers.insert(name.clone(), trainer);
    }
    if trainers.is_empty() {
        trainers.insert(SHIPPED.to_owned(), shipped()?);
    }
    let jobs = config.jobs;
    let retries = Retries {
        most: jobs.attempts.max(1),
        first: jobs.first_pause.max(Duration::from_secs(1)),
        longest: jobs.longest_pause.max(Duration::from_secs(1)),
    };
    let bucket = config.artifacts.as_ref();
    let bucket = bucket.map(|at| bucket::of("artifacts", at, config.insecure_plaintext));
    let artifacts = bucket.transpose()?.map_or(ArtifactStore::Folder, ArtifactStore::S3);
    let concurrency = match jobs.engine {
        JobEngine::Embedded => jobs.concurrency,
        // A worker of Temporal's takes them.
        JobEngine::Temporal => 0,
    };
    let limits = JobLimits {
        queued: jobs.queued_per_user,
        kept: jobs.kept_per_user,
        kept_bytes: jobs.kept_bytes_per_user,
        result_bytes: jobs.result_bytes,
        dispatched: jobs.dispatched_per_user,
    };
    let keep_free = config.limits.keep_free_bytes;
    Ok(Training { trainers, concurrency, retries, grace: jobs.grace, artifacts, limits, keep_free })
}

fn shipped() -> Result<Trainer, Failure> {
    let arguments = ["trainer", "--data", "{data}", "--items", "{items}", "--result", "{output}"];
    Ok(Trainer {
        program: std::env::current_exe().map_err(Failure::failed)?,
        arguments: arguments.map(str::to_owned).into(),
        environment: BTreeMap::new(),
        time_limit: Duration::from_hours(1),
        folder: None,
        scopes: vec!["labeler:read".to_owned()],
    })
}
