//! Workflows that began with an earlier build go on with this one: recorded histories (`examples/record.rs`) are replayed.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{
    WorkflowReplayError, WorkflowReplayer, WorkflowReplayerOptions,
};

use crate::trace;
use crate::workflow::TrainingJob;

#[tokio::test]
async fn recorded_histories_are_replayed() {
    for (name, history) in [
        ("succeeded", include_str!("replay/succeeded.json")),
        ("failed", include_str!("replay/failed.json")),
        ("aborted", include_str!("replay/aborted.json")),
    ] {
        let replayed = replay(history).await;
        assert!(replayed.is_ok(), "{name}: {replayed:?}");
    }
}

#[tokio::test]
async fn a_history_of_another_order_is_not() {
    let history = include_str!("replay/succeeded.json");
    let other = history.replace("JobActivities::fetch", "JobActivities::train");
    assert!(replay(&other).await.is_err());
}

async fn replay(history: &str) -> Result<(), WorkflowReplayError> {
    let options = WorkflowReplayerOptions::new()
        .workflow_interceptor(trace::interceptor())
        .register_workflow::<TrainingJob>()
        .unwrap()
        .build();
    let history = WorkflowHistory::from_json(history.as_bytes()).unwrap();
    WorkflowReplayer::new(options)?.replay_workflow(history).await
}
