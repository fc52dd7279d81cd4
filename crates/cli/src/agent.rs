//! Agents that act for the caller: tokens for them, narrower than the caller's own, and their end.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hallpass_contract::auth::delegation_service_client::DelegationServiceClient;
use hallpass_contract::auth::{
    CreateDelegationRequest, Delegation, ListDelegationsRequest, RevokeDelegationRequest,
};
use serde::Serialize;
use serde_json::json;

use crate::action::{self, Elevation};
use crate::caller::{self, Connection, Service, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::life::Life;
use crate::output::{self, Format, plain};

/// What to do about agents.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Make a token with which an agent acts for you, and print it, alone, on stdout, or write it to a file.
    Delegate(Delegate),
    /// List what your agents hold.
    List(List),
    /// End what an agent holds.
    Revoke(Revoke),
}

/// Who, and for what.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass agent delegate robot --scope datasets:read --write robot.token
  hallpass agent delegate night-robot --expires-in 8h --write night.token \\
    --scope datasets:read --scope actions:issue --action datasets.delete")]
pub(crate) struct Delegate {
    /// The agent's name.
    #[arg(value_name = "AGENT")]
    agent: String,
    /// A scope that it holds, one of yours; repeatable.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// An elevated operation that it may get action tokens for; repeatable.
    #[arg(long = "action", value_name = "AUDIENCE")]
    actions: Vec<String>,
    /// How long it lives, 1m to 24h [default: 1h].
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Life>,
    /// What it is for, for your own list.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    description: String,
    /// Write the token to this file, which only you can read, and nothing to stdout.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    elevation: Elevation,
    #[command(flatten)]
    connection: Connection,
}

/// Where to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass agent list\n  hallpass agent list --output json")]
pub(crate) struct List {
    #[command(flatten)]
    connection: Connection,
}

/// Which, and why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass agent revoke $DELEGATION --reason \"done\"")]
pub(crate) struct Revoke {
    /// The delegation's id, or the agent's name where it holds one delegation; `hallpass agent list` has both.
    #[arg(value_name = "ID|AGENT")]
    id: String,
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) fn run(command: AgentCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            AgentCommand::Delegate(wanted) => delegate(wanted, format).await,
            AgentCommand::List(wanted) => list(&wanted, format).await,
            AgentCommand::Revoke(wanted) => revoke(wanted, format).await,
        }
    })
}

async fn delegate(wanted: Delegate, format: Format) -> Result<(), Failure> {
    const PATH: &str = "/hallpass.auth.v1.DelegationService/CreateDelegation";
    let message = CreateDelegationRequest {
        agent: wanted.agent,
        scopes: wanted.scopes,
        actions: wanted.actions,
        life_seconds: action::seconds(wanted.expires_in)?,
        description: wanted.description,
    };
    let service = wanted.connection.open_as_caller().await?;
    let request = action::request(&service, PATH, message, &wanted.elevation).await?;
    let created = DelegationServiceClient::new(service).create_delegation(request).await;
    let created = created.map_err(|status| refused(&status))?.into_inner();
    if let Some(file) = &wanted.write {
        return action::write(file, &created.token);
    }
    match format {
        Format::Text => output::print(&format!("{}\n", created.token)),
        Format::Json => output::print_json(&json!({
            "token": created.token,
            "delegation": created.delegation.map(Row::from),
        })),
    }
}

async fn list(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = DelegationServiceClient::new(wanted.connection.open_as_caller().await?);
    let listed = client.list_delegations(unary(ListDelegationsRequest {})).await;
    let listed = listed.map_err(|status| refused(&status))?.into_inner();
    let rows: Vec<Row> = listed.delegations.into_iter().map(Row::from).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

async fn revoke(wanted: Revoke, format: Format) -> Result<(), Failure> {
    let mut client = DelegationServiceClient::new(wanted.connection.open_as_caller().await?);
    let delegation_id = find(&mut client, wanted.id).await?;
    let request = RevokeDelegationRequest { delegation_id, reason: wanted.reason };
    client.revoke_delegation(unary(request)).await.map_err(|status| refused(&status))?;
    match format {
        Format::Text => output::print("revoked\n"),
        Format::Json => output::print_json(&json!({ "revoked": true })),
    }
}

/// The id of a delegation that is given by its id or by its agent's name. What the list does not have is left to the service to know.
async fn find(
    client: &mut DelegationServiceClient<Service>,
    given: String,
) -> Result<String, Failure> {
    // A list that cannot be had must not keep anything from being revoked.
    let Ok(listed) = client.list_delegations(unary(ListDelegationsRequest {})).await else {
        return Ok(given);
    };
    let listed = listed.into_inner().delegations;
    if listed.iter().any(|of| of.delegation_id == given) {
        return Ok(given);
    }
    let named = listed.into_iter().filter(|of| of.agent == given && !of.revoked);
    let ids: Vec<_> = named.map(|of| of.delegation_id).collect();
    match ids.as_slice() {
        [] => Ok(given),
        [id] => Ok(id.clone()),
        several => Err(Failure::failed(format_args!(
            "{} delegations are {:?}'s; right: one of their ids, {}",
            several.len(),
            plain(&given),
            plain(&several.join(", "))
        ))),
    }
}

/// A delegation as it is listed.
#[derive(Serialize)]
struct Row {
    delegation_id: String,
    agent: String,
    scopes: Vec<String>,
    actions: Vec<String>,
    create_time: String,
    expire_time: String,
    description: String,
    revoked: bool,
}

impl From<Delegation> for Row {
    fn from(of: Delegation) -> Self {
        Self {
            delegation_id: of.delegation_id,
            agent: of.agent,
            scopes: of.scopes,
            actions: of.actions,
            create_time: instant::of_timestamp(of.create_time),
            expire_time: instant::of_timestamp(of.expire_time),
            description: of.description,
            revoked: of.revoked,
        }
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["ID", "AGENT", "STATE", "ENDS", "SCOPES", "ACTIONS", "DESCRIPTION"];
    let lines = rows.iter().map(|row| {
        let cells = [
            &row.delegation_id,
            &row.agent,
            &if row.revoked { "revoked" } else { "active" }.to_owned(),
            &row.expire_time,
            &row.scopes.join(" "),
            &row.actions.join(" "),
            &row.description,
        ];
        cells.map(|cell| plain(cell).into_owned())
    });
    output::listing(head, lines, &["ID", "AGENT", "STATE", "ENDS"])
}
