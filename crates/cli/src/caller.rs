//! Calls a service as a user: connects, attaches the token, and says what the service answered.
//!
//! Invariant: a token leaves for another machine only under TLS, unless told otherwise.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::failure::{Failure, with_causes};
use crate::output::plain;
use crate::{rings, token};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a call without streams may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to call, and with which token.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// Platform's address.
    #[arg(
        long,
        env = "HALLPASS_SERVER",
        default_value = "http://127.0.0.1:7401",
        value_name = "URL"
    )]
    server: Uri,
    /// The certificates that sign the server's, in PEM; needed with https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send the token to another machine without TLS.
    #[arg(long)]
    insecure_plaintext: bool,
    /// A file with the token, `-` for stdin [default: the variable `HALLPASS_TOKEN`].
    #[arg(long, value_name = "FILE|-")]
    token_file: Option<PathBuf>,
}

/// A service that is called with a token.
pub(crate) type Service = InterceptedService<Channel, Credential>;

/// The metadata that carries the token. Its `Debug` does not show it.
#[derive(Debug, Clone)]
pub(crate) struct Credential(MetadataValue<Ascii>);

impl Credential {
    /// A token as metadata.
    pub(crate) fn of(token: &SecretString) -> Result<Self, Failure> {
        let header: SecretString = format!("Bearer {}", token.expose_secret().trim()).into();
        let mut value = MetadataValue::try_from(header.expose_secret())
            .map_err(|_| Failure::failed("the token holds characters that no token has"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Connection {
    /// The caller's token, if there is one.
    pub(crate) fn token(&self) -> Result<Option<SecretString>, Failure> {
        match &self.token_file {
            Some(file) if file == Path::new("-") => token::from_stdin().map(Some),
            Some(file) => std::fs::read_to_string(file)
                .map(|token| Some(token.into()))
                .map_err(|error| Failure::failed(format_args!("{}: {error}", file.display()))),
            None => Ok(rings::variable("HALLPASS_TOKEN")?.map(Into::into)),
        }
    }

    /// Connects with the caller's token.
    pub(crate) async fn open_as_caller(&self) -> Result<Service, Failure> {
        let token = self.token()?.ok_or_else(|| {
            Failure::failed("no token; right: one in HALLPASS_TOKEN, or --token-file FILE")
        })?;
        self.open(Credential::of(&token)?).await
    }

    /// Connects with this credential.
    pub(crate) async fn open(&self, credential: Credential) -> Result<Service, Failure> {
        let channel = self.endpoint()?.connect().await.map_err(|error| {
            let cause = with_causes(&error);
            Failure::failed(format_args!("{}: no connection: {cause}", self.server))
        })?;
        Ok(InterceptedService::new(channel, credential))
    }

    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let endpoint = Endpoint::from(self.server.clone()).connect_timeout(CONNECT);
        match (self.server.scheme_str(), &self.ca) {
            (Some("http"), None) if self.insecure_plaintext || is_loopback(&self.server) => Ok(endpoint),
            (Some("http"), None) => Err(self.wrong(
                "the token would leave this machine without TLS; right: https:// and --ca FILE, or --insecure-plaintext",
            )),
            (Some("http"), Some(_)) => Err(self.wrong("--ca without TLS; right: https://")),
            (Some("https"), Some(file)) => {
                let at_file = |problem: &dyn std::fmt::Display| {
                    Failure::failed(format_args!("{}: {problem}", file.display()))
                };
                let pem = std::fs::read(file).map_err(|error| at_file(&error))?;
                let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
                endpoint.tls_config(tls).map_err(|error| at_file(&with_causes(&error)))
            }
            (Some("https"), None) => Err(self.wrong("https needs --ca FILE")),
            _ => Err(self.wrong("not an address; right: such as http://127.0.0.1:7401")),
        }
    }

    fn wrong(&self, problem: &str) -> Failure {
        Failure::failed(format_args!("--server {}: {problem}", plain(&self.server.to_string())))
    }
}

/// Runs the calls to their end.
pub(crate) fn wait_for<T>(calls: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format_args!("no runtime: {error}")))?;
    runtime.block_on(calls)
}

/// A request whose answer is waited for at most half a minute.
pub(crate) fn unary<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

/// What the service answered instead of what was asked for: the code, its message, and what `ErrorInfo` and `BadRequest` add.
pub(crate) fn refused(status: &Status) -> Failure {
    let (code, message) = (status.code(), plain(status.message()));
    let details = status.get_error_details();
    let violations = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
    let added = violations.filter(|wrong| !message.contains(&*plain(&wrong.description)));
    let fields = added.fold(String::new(), |fields, wrong| {
        format!("{fields}; {}: {}", plain(&wrong.field), plain(&wrong.description))
    });
    let Some(info) = details.error_info() else {
        return Failure::failed(format_args!("{code:?}: {message}{fields}"));
    };
    let reason = plain(&info.reason);
    // What would be needed: a role, a factor, a more recent authentication.
    let mut needed: Vec<_> =
        info.metadata.iter().filter(|(name, _)| *name != "decision_id").collect();
    needed.sort();
    let needed = needed.iter().fold(String::new(), |needed, (name, value)| {
        format!("{needed}, {} {}", plain(name), plain(value))
    });
    let decision = info.metadata.get("decision_id").map(|id| format!(", decision {}", plain(id)));
    let decision = decision.unwrap_or_default();
    Failure::failed(format_args!("{code:?}: {message}{fields} (reason {reason}{needed}{decision})"))
}

/// Whether the service refused the caller's own token as revoked.
pub(crate) fn is_revoked(status: &Status) -> bool {
    let details = status.get_error_details();
    details.error_info().is_some_and(|info| info.reason == "TOKEN_REVOKED")
}

fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loopback() {
        let cases = [
            ("http://127.0.0.1:7401", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:7401", true),
            ("http://localhost:7401", true),
            ("http://10.0.0.1:7401", false),
            ("http://127.0.0.1.example:7401", false),
            ("http://localhost.example", false),
            ("http://0.0.0.0:1", false),
        ];
        for (server, loopback) in cases {
            assert_eq!(server.parse().is_ok_and(|uri| is_loopback(&uri)), loopback, "{server}");
        }
    }

    #[test]
    fn a_credential_does_not_show_the_token() {
        let credential = Credential::of(&"secret-token".into());
        assert!(!format!("{credential:?}").contains("secret-token"));
    }
}
