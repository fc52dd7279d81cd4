//! Why a call was refused.

use clap::Args;
use hallpass_contract::auth::{ExplainRefusalRequest, ExplainRefusalResponse};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant::of_timestamp;
use crate::output::{self, Format, plain};

/// Which call.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass explain $DECISION
  hallpass explain $DECISION --output json

The id stands in the refusal, after `decision`. Each process remembers its latest refusals; only whose call it was is told.")]
pub(crate) struct Explain {
    /// The decision's id.
    #[arg(value_name = "DECISION_ID")]
    decision: String,
    #[command(flatten)]
    connection: Connection,
}

/// The explanation as programs read it.
#[derive(Serialize)]
struct Told {
    decision_id: String,
    environment: String,
    refuse_time: String,
    rpc: String,
    code: String,
    reason: String,
    explanation: String,
    remedy: String,
    token_type: String,
    token_id: String,
    cause: String,
    object: String,
    subject: String,
    session_id: String,
    key_id: String,
}

impl From<ExplainRefusalResponse> for Told {
    fn from(of: ExplainRefusalResponse) -> Self {
        Self {
            decision_id: of.decision_id,
            environment: of.environment,
            refuse_time: of_timestamp(of.refuse_time),
            rpc: of.rpc,
            code: of.code,
            reason: of.reason,
            explanation: of.explanation,
            remedy: of.remedy,
            token_type: of.token_type,
            token_id: of.token_id,
            cause: of.cause,
            object: of.object,
            subject: of.subject,
            session_id: of.session_id,
            key_id: of.key_id,
        }
    }
}

/// Asks and prints.
pub(super) async fn run(wanted: Explain, format: Format) -> Result<(), Failure> {
    let mut client = super::client(&wanted.connection).await?;
    let request = unary(ExplainRefusalRequest { decision_id: wanted.decision });
    let told = client.explain_refusal(request).await.map_err(|status| refused(&status))?;
    let told = Told::from(told.into_inner());
    match format {
        Format::Json => output::print_json(&told),
        Format::Text => output::print(&text(&told)),
    }
}

fn text(told: &Told) -> String {
    let head = format!("{} refused {}: {}", told.environment, told.rpc, told.explanation);
    let all = [
        ("what to do", &told.remedy),
        ("answered", &told.code),
        ("reason", &told.reason),
        ("when", &told.refuse_time),
        ("object", &told.object),
        ("user", &told.subject),
        ("token", &told.token_type),
        ("token id", &told.token_id),
        ("session", &told.session_id),
        ("key", &told.key_id),
        ("cause", &told.cause),
    ];
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    let rows: Vec<_> =
        said.map(|(name, value)| vec![name.to_owned(), plain(value).into_owned()]).collect();
    format!("{}\n\n{}", plain(&head), output::table(&rows))
}
