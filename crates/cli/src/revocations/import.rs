//! Revokes everything that a file names, in one call; goes on after the last answer where the connection breaks.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{
    RevocationTarget, RevokeManyRequest, ServiceBefore, SubjectBefore, TokenName,
};
use serde::Deserialize;
use serde_json::json;
use tonic::{Code, Status};

use super::target::instant;
use crate::caller::{Connection, refused};
use crate::failure::Failure;
use crate::output::{self, Format};

/// How often a broken connection is made anew without any progress, and the wait before it.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

/// Which file, and where.
#[derive(Debug, Args)]
#[command(
    after_help = "One JSON object a line, with exactly one of \"token_id\" (and \"issuer\"), \"fingerprint\", \"session\", \"key\", \"subject\" (and \"issuer\"),
\"service\"; \"before\" for the latter two, \"until\" and \"reason\" where wanted.

Examples:
  hallpass revocations import leaked.jsonl
  echo '{\"session\": \"s-1\", \"reason\": \"stolen\"}' | hallpass revocations import -"
)]
pub(crate) struct Import {
    /// The file, or `-` for stdin.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Begin with this line; what a broken run has said was done need not be sent again.
    #[arg(long, value_name = "LINE", default_value_t = 1)]
    from: u64,
    #[command(flatten)]
    connection: Connection,
}

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    issuer: Option<String>,
    token_id: Option<String>,
    fingerprint: Option<String>,
    session: Option<String>,
    key: Option<String>,
    subject: Option<String>,
    service: Option<String>,
    before: Option<String>,
    until: Option<String>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn run(wanted: &Import, format: Format) -> Result<(), Failure> {
    let requests = read(&wanted.file, wanted.from)?;
    let (mut done, mut tries) = (0, 0);
    while let Err(status) = send(wanted, &requests, &mut done, &mut tries).await? {
        tries += 1;
        let passing = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
        if !passing || tries > TRIES {
            let wrong = refused(&status);
            return Err(Failure::failed(format_args!(
                "{wrong}; done up to line {done}; right: mend line {} or what it says, then --from {0}",
                next(&requests, done),
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let count = requests.len();
    match format {
        Format::Text => output::print(&format!("revoked {count}\n")),
        Format::Json => output::print_json(&json!({ "revoked": count })),
    }
}

/// The line after those that are done.
fn next(requests: &[RevokeManyRequest], done: u64) -> u64 {
    requests.iter().map(|request| request.number).find(|number| *number > done).unwrap_or(done)
}

/// One call with what is not done yet. Without a connection there is nothing to go on with.
async fn send(
    wanted: &Import,
    requests: &[RevokeManyRequest],
    done: &mut u64,
    tries: &mut u32,
) -> Result<Result<(), Status>, Failure> {
    let left: Vec<_> = requests.iter().filter(|request| request.number > *done).cloned().collect();
    let Some(last) = left.last().map(|last| last.number) else { return Ok(Ok(())) };
    let opened = wanted.connection.open_as_caller().await;
    let service = match opened {
        Ok(service) => service,
        Err(_) if *tries > 0 => return Ok(Err(Status::unavailable("no connection"))),
        Err(failure) => return Err(failure),
    };
    let call = RevocationServiceClient::new(service).revoke_many(tokio_stream::iter(left)).await;
    let mut answers = match call {
        Ok(answers) => answers.into_inner(),
        Err(status) => return Ok(Err(status)),
    };
    loop {
        match answers.message().await {
            Ok(Some(answer)) => (*done, *tries) = (answer.number, 0),
            Ok(None) if *done == last => return Ok(Ok(())),
            Ok(None) => return Ok(Err(Status::unavailable("the server ended the call early"))),
            Err(status) => return Ok(Err(status)),
        }
    }
}

/// Everything is read and understood before anything is sent.
fn read(file: &Path, from: u64) -> Result<Vec<RevokeManyRequest>, Failure> {
    let at_file = |problem: &dyn std::fmt::Display| {
        Failure::failed(format_args!("{}: {problem}", file.display()))
    };
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| at_file(&error))?;
    let numbered =
        (1..).zip(text.lines()).filter(|(number, line)| *number >= from && !line.trim().is_empty());
    numbered
        .map(|(number, line)| {
            let of = |problem: &dyn std::fmt::Display| {
                at_file(&format_args!("line {number}: {problem}"))
            };
            let line: Line = serde_json::from_str(line).map_err(|error| of(&error))?;
            line.request(number).map_err(|problem| of(&problem))
        })
        .collect()
}

impl Line {
    fn request(self, number: u64) -> Result<RevokeManyRequest, String> {
        const ONE: &str =
            "right: exactly one of token_id, fingerprint, session, key, subject, service";
        let before = self.before.as_deref().map(instant).transpose()?;
        let expire_time = self.until.as_deref().map(instant).transpose()?;
        let issuer = || self.issuer.clone().ok_or("issuer is missing");
        let token = |token_id| Ok(Target::Token(TokenName { issuer: issuer()?, token_id }));
        let subject = |subject| {
            let issuer = issuer()?;
            Ok(Target::Subject(SubjectBefore { issuer, subject, issued_before: before }))
        };
        let service = |service| Target::Service(ServiceBefore { service, issued_before: before });
        let named: [Option<Result<Target, &str>>; 6] = [
            self.token_id.map(token),
            self.fingerprint.map(|of| Ok(Target::TokenFingerprint(of))),
            self.session.map(|sid| Ok(Target::SessionId(sid))),
            self.key.map(|kid| Ok(Target::KeyId(kid))),
            self.subject.map(subject),
            self.service.map(|name| Ok(service(name))),
        ];
        let mut named = named.into_iter().flatten();
        let (Some(target), None) = (named.next(), named.next()) else {
            return Err(ONE.to_owned());
        };
        let target = target?;
        let target = Some(RevocationTarget { target: Some(target) });
        Ok(RevokeManyRequest { number, target, expire_time, reason: self.reason })
    }
}
