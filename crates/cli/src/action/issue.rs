//! Gets an action token. Invariant: it is printed alone, or written to a file that only its owner can read.

use std::path::PathBuf;

use clap::Args;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::auth::{ActionObject, IssueActionTokenRequest};
use serde_json::json;

use crate::caller::{Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::life::Life;
use crate::named;
use crate::output::{self, Format};

/// Which operation, and how its token shall be.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export ACTION=$(hallpass action issue datasets.delete)
  hallpass action issue datasets.delete --write action.token \\
    --expires-in 60s --resource dataset:$DATASET")]
pub(crate) struct Issue {
    /// The operation's audience; `hallpass action list` has them.
    #[arg(value_name = "AUDIENCE")]
    audience: String,
    /// How long it shall live, such as 60s or 10m [default: as the operation's tokens usually do].
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Life>,
    /// The one object that it shall be for, such as `dataset:ds_1`, by its id or name.
    #[arg(long, value_name = "TYPE:ID", value_parser = object)]
    resource: Option<ActionObject>,
    /// Write the token to this file, which only you can read, and nothing to stdout.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Gets and prints.
pub(super) async fn run(wanted: Issue, format: Format) -> Result<(), Failure> {
    let life_seconds = super::seconds(wanted.expires_in)?;
    let service = wanted.connection.open_as_caller().await?;
    let Issue { audience, resource, .. } = wanted;
    let resource = match resource {
        Some(object) => Some(by_id(&service, object).await?),
        None => None,
    };
    let request = IssueActionTokenRequest { audience, life_seconds, resource };
    let mut client = ActionServiceClient::new(service);
    let issued = client.issue_action_token(unary(request)).await.map_err(|s| refused(&s))?;
    let issued = issued.into_inner();
    if let Some(file) = &wanted.write {
        return super::write(file, &issued.token);
    }
    match format {
        Format::Text => output::print(&format!("{}\n", issued.token)),
        Format::Json => output::print_json(&json!({
            "token": issued.token,
            "token_id": issued.token_id,
            "expires_at": issued.expire_time.map(|end| end.seconds),
            "single_use": issued.single_use,
        })),
    }
}

/// The object, which may have been given by its name.
async fn by_id(
    service: &Service,
    ActionObject { r#type, id }: ActionObject,
) -> Result<ActionObject, Failure> {
    let id = match r#type.as_str() {
        "dataset" => named::dataset(service, &id).await?,
        "snapshot" => named::snapshot(service, &id).await?,
        "job" => named::job(service, &id).await?,
        _ => id,
    };
    Ok(ActionObject { r#type, id })
}

fn object(text: &str) -> Result<ActionObject, &'static str> {
    match text.split_once(':') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
            Ok(ActionObject { r#type: kind.to_owned(), id: id.to_owned() })
        }
        _ => Err("not an object; right: its type and id, such as dataset:ds_1"),
    }
}
