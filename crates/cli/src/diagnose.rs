//! What a caller can find out about their own calls, at a running Platform. Nothing here prints a token.

mod explain;
pub(crate) mod facts;
mod may;
mod whoami;

pub(crate) use explain::Explain;
pub(crate) use may::May;
pub(crate) use whoami::Whoami;

use hallpass_contract::auth::diagnostics_service_client::DiagnosticsServiceClient;

use crate::caller::{self, Connection, Service};
use crate::failure::Failure;
use crate::output::Format;

/// Tells who the caller is.
pub(crate) fn whoami(wanted: &Whoami, format: Format) -> Result<(), Failure> {
    caller::wait_for(whoami::run(wanted, format))
}

/// Tells what the caller may call.
pub(crate) fn may(wanted: &May, format: Format) -> Result<(), Failure> {
    caller::wait_for(may::run(wanted, format))
}

/// Tells why a call was refused.
pub(crate) fn explain(wanted: Explain, format: Format) -> Result<(), Failure> {
    caller::wait_for(explain::run(wanted, format))
}

async fn client(connection: &Connection) -> Result<DiagnosticsServiceClient<Service>, Failure> {
    Ok(DiagnosticsServiceClient::new(connection.open_as_caller().await?))
}
