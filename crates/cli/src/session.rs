//! Sessions: a handle for the caller's token, which sessions are open, and their end.

mod everyone;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hallpass_contract::auth::session_service_client::SessionServiceClient;
use hallpass_contract::auth::{
    CloseAllSessionsRequest, CloseSessionRequest, ListSessionsRequest, OpenSessionRequest, Session,
};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;

use crate::action;
use crate::caller::{self, Connection, Credential, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, plain};

/// What to do about sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Open a session with your token, and print its handle, alone, on stdout, or write it to a file.
    Open(Open),
    /// List your open sessions, or as an operator everybody's.
    List(List),
    /// Show a session and what its token says, to an operator.
    Show(everyone::Show),
    /// Close one of your sessions, or all.
    Close(Close),
}

/// Where to open.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export HALLPASS_TOKEN=$(hallpass session open)
  hallpass session open --write session.handle")]
pub(crate) struct Open {
    /// Write the handle to this file, which only you can read, and nothing to stdout.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Where to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass session list
  hallpass session list --everyone --subject alice --output json")]
pub(crate) struct List {
    /// Everybody's, with what their tokens say; needs the scope `diagnostics:admin`.
    #[arg(long)]
    everyone: bool,
    /// With --everyone: only this user's.
    #[arg(
        long,
        value_name = "USER",
        default_value = "",
        hide_default_value = true,
        requires = "everyone"
    )]
    subject: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which, and why.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass session close $SESSION\n  hallpass session close --all --reason \"laptop lost\""
)]
pub(crate) struct Close {
    /// The session's id; `hallpass session list` has it.
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Close all of them.
    #[arg(long)]
    all: bool,
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) fn run(command: SessionCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            SessionCommand::Open(wanted) => open(&wanted, format).await,
            SessionCommand::List(wanted) if wanted.everyone => {
                everyone::list(&wanted.connection, wanted.subject, format).await
            }
            SessionCommand::List(wanted) => list(&wanted, format).await,
            SessionCommand::Show(wanted) => everyone::show(wanted, format).await,
            SessionCommand::Close(wanted) => close(wanted, format).await,
        }
    })
}

async fn open(wanted: &Open, format: Format) -> Result<(), Failure> {
    let token = wanted.connection.token()?.ok_or_else(|| {
        Failure::failed("no token; right: one in HALLPASS_TOKEN, or --token-file FILE")
    })?;
    let message = OpenSessionRequest { token: token.expose_secret().trim().to_owned() };
    let service = wanted.connection.open(Credential::of(&token)?).await?;
    let mut client = SessionServiceClient::new(service);
    let opened = client.open_session(unary(message)).await.map_err(|status| refused(&status))?;
    let opened = opened.into_inner();
    if let Some(file) = &wanted.write {
        return action::write(file, &opened.handle);
    }
    match format {
        Format::Text => output::print(&format!("{}\n", opened.handle)),
        Format::Json => output::print_json(&json!({
            "handle": opened.handle,
            "session": opened.session.map(Row::from),
        })),
    }
}

async fn list(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = SessionServiceClient::new(wanted.connection.open_as_caller().await?);
    let listed = client.list_sessions(unary(ListSessionsRequest {})).await;
    let listed = listed.map_err(|status| refused(&status))?.into_inner();
    let rows: Vec<Row> = listed.sessions.into_iter().map(Row::from).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

async fn close(wanted: Close, format: Format) -> Result<(), Failure> {
    let mut client = SessionServiceClient::new(wanted.connection.open_as_caller().await?);
    let closed = if let Some(session_id) = wanted.id {
        let message = CloseSessionRequest { session_id, reason: wanted.reason };
        client.close_session(unary(message)).await.map_err(|status| refused(&status))?;
        1
    } else {
        let message = CloseAllSessionsRequest { reason: wanted.reason };
        let closed = client.close_all_sessions(unary(message)).await;
        closed.map_err(|status| refused(&status))?.into_inner().closed
    };
    match format {
        Format::Text => output::print(&format!("closed {closed}\n")),
        Format::Json => output::print_json(&json!({ "closed": closed })),
    }
}

/// A session as it is listed.
#[derive(Serialize)]
struct Row {
    session_id: String,
    create_time: String,
    expire_time: String,
    last_use_time: String,
    idle_expire_time: String,
    current: bool,
}

impl From<Session> for Row {
    fn from(of: Session) -> Self {
        Self {
            session_id: of.session_id,
            create_time: instant::of_timestamp(of.create_time),
            expire_time: instant::of_timestamp(of.expire_time),
            last_use_time: instant::of_timestamp(of.last_use_time),
            idle_expire_time: instant::of_timestamp(of.idle_expire_time),
            current: of.current,
        }
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["ID", "OPENED", "LAST USED", "ENDS", "ENDS IF IDLE", "THIS ONE"];
    let lines = rows.iter().map(|row| {
        let cells = [
            &row.session_id,
            &row.create_time,
            &row.last_use_time,
            &row.expire_time,
            &row.idle_expire_time,
            &if row.current { "yes" } else { "" }.to_owned(),
        ];
        cells.map(|cell| plain(cell).into_owned())
    });
    output::listing(head, lines, &["ID", "LAST USED", "ENDS"])
}
