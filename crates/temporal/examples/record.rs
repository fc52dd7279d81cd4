//! Records a workflow's history, for the replay tests: `cargo run -p hallpass-temporal --example record -- URL WORKFLOW > FILE`.
//!
//! What names the machine is left out; a job's history holds nothing else that is anybody's.
#![expect(clippy::print_stdout, reason = "it prints the history")]

use std::error::Error;

use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, UntypedWorkflow,
    WorkflowFetchHistoryOptions,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(workflow)) = (arguments.next(), arguments.next()) else {
        return Err("right: URL WORKFLOW".into());
    };
    let connection =
        Connection::connect(ConnectionOptions::new(url::Url::parse(&address)?).build());
    let client = Client::new(connection.await?, ClientOptions::new("default").build())?;
    let workflow = client.get_workflow_handle::<UntypedWorkflow>(workflow);
    let history = workflow.fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?;
    let mut history: serde_json::Value = serde_json::from_slice(&history)?;
    forget(&mut history);
    println!("{}", serde_json::to_string(&history)?);
    Ok(())
}

fn forget(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "identity" => *value = "worker".into(),
                    _ => forget(value),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(forget),
        _ => {}
    }
}
