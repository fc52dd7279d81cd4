//! Calls a service as a user: connects, attaches the token, and says what the service answered.
//!
//! Invariant: a token leaves for another machine only under TLS, unless told otherwise.

mod reach;
mod renewal;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use hallpass_guard::{PatienceLayer, Patient};
use hallpass_server::pem;
use hallpass_telemetry::urls;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use tower::Layer as _;

use crate::failure::{Failure, with_causes};
use crate::output::plain;
use crate::rings::{self, RingFile};
use crate::token;
use renewal::Renewal;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a call without streams may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The variable with Platform's address.
const SERVER_VARIABLE: &str = "HALLPASS_SERVER";

/// Where Platform listens where nothing else is said.
const USUAL_SERVER: &str = "http://127.0.0.1:7401";

/// Where to call, and with which token.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// Platform's address [env: `HALLPASS_SERVER`; default: <http://127.0.0.1:7401>].
    #[arg(long, value_name = "URL")]
    server: Option<Uri>,
    /// The certificates that sign the server's, in PEM [default: those that this system trusts].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send the token to another machine without TLS.
    #[arg(long)]
    insecure_plaintext: bool,
    /// A file with the token, `-` for stdin [default: the variable `HALLPASS_TOKEN`].
    #[arg(long, value_name = "FILE|-")]
    token_file: Option<PathBuf>,
    /// The ring that signed the token: before the token ends another one like it is minted [default: the users' ring of the folder
    /// in `HALLPASS_DATA`, where there is one; else --token-file is read again].
    #[arg(long, value_name = "RING")]
    mint_with: Option<PathBuf>,
}

/// A service that is called with a token, and that is waited for where it says how long.
pub(crate) type Service = InterceptedService<Patient<Channel>, Credential>;

/// What carries the token in a call's metadata. Its `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Credential(Arc<Mutex<Held>>);

/// A token as metadata, and how it is renewed if it can be.
struct Held {
    header: MetadataValue<Ascii>,
    renewal: Option<Renewal>,
}

impl Credential {
    /// A token as metadata.
    pub(crate) fn of(token: &SecretString) -> Result<Self, Failure> {
        Self::renewed(token, None)
    }

    fn renewed(token: &SecretString, renewal: Option<Renewal>) -> Result<Self, Failure> {
        let header = header(token)
            .ok_or_else(|| Failure::failed("the token holds characters that no token has"))?;
        Ok(Self(Arc::new(Mutex::new(Held { header, renewal }))))
    }

    /// Whether there will be another token when this one ends.
    fn is_renewed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).renewal.is_some()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = held.renewal.as_mut().and_then(Renewal::next);
        if let Some(next) = next.as_ref().and_then(header) {
            held.header = next;
        }
        request.metadata_mut().insert("authorization", held.header.clone());
        Ok(request)
    }
}

fn header(token: &SecretString) -> Option<MetadataValue<Ascii>> {
    let header: SecretString = format!("Bearer {}", token.expose_secret().trim()).into();
    let mut value = MetadataValue::try_from(header.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A user's way to a service, for commands that last.
pub(crate) struct Caller {
    /// The service.
    pub(crate) service: Service,
    /// Whether there will be another token when the one at hand ends.
    pub(crate) is_renewed: bool,
    /// Who the user is, as the token says it; nobody has verified that here.
    pub(crate) subject: String,
}

impl Connection {
    /// The caller's token, if there is one.
    pub(crate) fn token(&self) -> Result<Option<SecretString>, Failure> {
        match &self.token_file {
            Some(file) if file == Path::new("-") => token::from_stdin().map(Some),
            Some(file) => {
                let source = file.display().to_string();
                let text = std::fs::read_to_string(file);
                let text =
                    text.map_err(|error| Failure::failed(format_args!("{source}: {error}")))?;
                token::pasted(&source, &text.into()).map(Some)
            }
            None => {
                let variable = rings::variable("HALLPASS_TOKEN")?;
                let variable = variable.filter(|text| !text.is_empty());
                variable.map(|text| token::pasted("HALLPASS_TOKEN", &text.into())).transpose()
            }
        }
    }

    /// Connects with the caller's token.
    pub(crate) async fn open_as_caller(&self) -> Result<Service, Failure> {
        Ok(self.open_caller().await?.service)
    }

    /// Connects with the caller's token, which is renewed while the command lasts, if it can be.
    pub(crate) async fn open_caller(&self) -> Result<Caller, Failure> {
        let token = self.token()?.ok_or_else(|| {
            Failure::failed("no token; right: one in HALLPASS_TOKEN, or --token-file FILE")
        })?;
        let claims = hallpass_token::inspect(token.expose_secret().trim());
        let subject = claims.ok().and_then(|of| of.payload["sub"].as_str().map(str::to_owned));
        let credential = Credential::renewed(&token, self.renewal(&token)?)?;
        let is_renewed = credential.is_renewed();
        let service = self.open(credential).await?;
        Ok(Caller { service, is_renewed, subject: subject.unwrap_or_default() })
    }

    /// Platform's address as it was given, less a user and a password.
    pub(crate) fn server(&self) -> Result<String, Failure> {
        Ok(urls::redacted(&self.address()?.to_string()).into_owned())
    }

    /// Platform's address: what the flag says, else the variable, else this machine's usual port.
    fn address(&self) -> Result<Uri, Failure> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        match rings::variable(SERVER_VARIABLE)?.filter(|server| !server.is_empty()) {
            None => Ok(Uri::from_static(USUAL_SERVER)),
            Some(server) => server.parse().map_err(|_| {
                let server = plain(&server).into_owned();
                Failure::failed(format_args!(
                    "{SERVER_VARIABLE} {server}: not an address; right: such as {USUAL_SERVER}"
                ))
            }),
        }
    }

    fn renewal(&self, token: &SecretString) -> Result<Option<Renewal>, Failure> {
        if let Some(ring) = &self.mint_with {
            return Renewal::by_key(RingFile::read(ring.clone())?, token).map(Some);
        }
        if let Some(file) = self.token_file.as_ref().filter(|file| *file != Path::new("-")) {
            return Ok(Some(Renewal::from_file(file.clone(), token)));
        }
        // A folder that is there for other commands may have signed this token or not.
        let data = std::env::var_os("HALLPASS_DATA").filter(|data| !data.is_empty());
        let ring = data.and_then(|data| RingFile::of(Path::new(&data), "users").ok());
        Ok(ring.and_then(|ring| Renewal::by_key(ring, token).ok()))
    }

    /// Connects with this credential.
    pub(crate) async fn open(&self, credential: Credential) -> Result<Service, Failure> {
        let server = self.address()?;
        let channel = self.endpoint(&server)?.connect().await.map_err(|error| {
            let cause = with_causes(&error);
            let right = reach::remedy(&error, &server);
            Failure::failed(format_args!("{server}: no connection: {cause}; check: {right}"))
        })?;
        let patient = PatienceLayer::new(hallpass_contract::rule).layer(channel);
        Ok(InterceptedService::new(patient, credential))
    }

    fn endpoint(&self, server: &Uri) -> Result<Endpoint, Failure> {
        if urls::has_login(&server.to_string()) {
            let problem = "--server has a user or a password: give the token in HALLPASS_TOKEN or --token-file";
            return Err(Failure::failed(problem));
        }
        let wrong = |problem: &str| {
            Failure::failed(format_args!("--server {}: {problem}", plain(&server.to_string())))
        };
        let endpoint = Endpoint::from(server.clone()).connect_timeout(CONNECT);
        match (server.scheme_str(), &self.ca) {
            (Some("http"), None) if self.insecure_plaintext || is_loopback(server) => Ok(endpoint),
            (Some("http"), None) => Err(wrong(
                "the token would leave this machine without TLS; right: https://, or --insecure-plaintext",
            )),
            (Some("http"), Some(_)) => Err(wrong("--ca without TLS; right: https://")),
            (Some("https"), Some(file)) => {
                let at_file = |problem: &dyn fmt::Display| {
                    Failure::failed(format_args!("{}: {problem}", file.display()))
                };
                let pem = pem::read(file, pem::Kind::Authority).map_err(Failure::failed)?;
                let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
                endpoint.tls_config(tls).map_err(|error| at_file(&with_causes(&error)))
            }
            (Some("https"), None) => {
                let tls = ClientTlsConfig::new().with_native_roots();
                endpoint.tls_config(tls).map_err(|error| {
                    let cause = with_causes(&error);
                    wrong(&format!(
                        "this system's certificate authorities: {cause}; right: --ca FILE"
                    ))
                })
            }
            _ => Err(wrong("not an address; right: such as http://127.0.0.1:7401")),
        }
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
        if let Some(cause) = std::error::Error::source(status) {
            let right = reach::remedy_of_call(cause);
            let cause = with_causes(cause);
            return Failure::failed(format_args!(
                "{code:?}: the connection broke: {}; check: {right}",
                plain(&cause)
            ));
        }
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
