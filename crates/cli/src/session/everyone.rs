//! Everybody's open sessions, as an operator sees them. Neither a handle nor a token is printed.

use clap::Args;
use hallpass_contract::auth::diagnostics_service_client::DiagnosticsServiceClient;
use hallpass_contract::auth::{ListOpenSessionsRequest, OpenSessionFacts};
use serde::Serialize;

use super::Row;
use crate::caller::{Connection, refused, unary};
use crate::diagnose::facts::{self, Facts};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Which session.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass session show $SESSION
  hallpass session show $SESSION --output json

It needs the scope `diagnostics:admin`.")]
pub(crate) struct Show {
    /// The session's id; `hallpass session list --everyone` has it.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// A session and what its token says.
#[derive(Serialize)]
struct Shown {
    session: Row,
    token: Option<Facts>,
}

impl From<OpenSessionFacts> for Shown {
    fn from(of: OpenSessionFacts) -> Self {
        let session = of.session.unwrap_or_default().into();
        Self { session, token: of.token.map(Facts::from) }
    }
}

/// Lists them all, or one user's.
pub(super) async fn list(
    connection: &Connection,
    subject: String,
    format: Format,
) -> Result<(), Failure> {
    let all = ask(connection, ListOpenSessionsRequest { subject, ..Default::default() }).await?;
    match format {
        Format::Json => output::print_json(&all),
        Format::Text => output::print(&table(&all)),
    }
}

/// Shows one.
pub(super) async fn show(wanted: Show, format: Format) -> Result<(), Failure> {
    let session_id = wanted.id;
    let request = ListOpenSessionsRequest { session_id: session_id.clone(), ..Default::default() };
    let Some(shown) = ask(&wanted.connection, request).await?.pop() else {
        let id = plain(&session_id);
        return Err(Failure::failed(format_args!(
            "session {id}: none is open under this id; right: an id of `hallpass session list --everyone`"
        )));
    };
    match format {
        Format::Json => output::print_json(&shown),
        Format::Text => output::print(&text(&shown)),
    }
}

async fn ask(
    connection: &Connection,
    mut request: ListOpenSessionsRequest,
) -> Result<Vec<Shown>, Failure> {
    let mut client = DiagnosticsServiceClient::new(connection.open_as_caller().await?);
    let mut all = Vec::new();
    loop {
        let page = client.list_open_sessions(unary(request.clone())).await;
        let page = page.map_err(|status| refused(&status))?.into_inner();
        all.extend(page.sessions.into_iter().map(Shown::from));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(all);
        }
    }
}

fn table(all: &[Shown]) -> String {
    let head = ["ID", "USER", "STORAGE", "OPENED", "LAST USED", "ENDS", "ENDS IF IDLE"];
    let lines = all.iter().map(|Shown { session, token }| {
        let (user, storage) = token.as_ref().map(facts::in_short).unwrap_or_default();
        let cells = [
            &session.session_id,
            &user,
            &storage,
            &session.create_time,
            &session.last_use_time,
            &session.expire_time,
            &session.idle_expire_time,
        ];
        cells.map(|cell| plain(cell).into_owned())
    });
    output::listing(head, lines, &["ID", "USER", "LAST USED", "ENDS"])
}

fn text(Shown { session, token }: &Shown) -> String {
    let own = [
        ("id", &session.session_id),
        ("opened", &session.create_time),
        ("last used", &session.last_use_time),
        ("session ends", &session.expire_time),
        ("ends if idle", &session.idle_expire_time),
    ];
    let own = own.map(|(name, value)| vec![name.to_owned(), plain(value).into_owned()]);
    let token = token.iter().flat_map(facts::rows);
    output::table(&own.into_iter().chain(token).collect::<Vec<_>>())
}
