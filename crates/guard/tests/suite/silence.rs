//! What the operator's log says about decisions, and what nobody gets to read: tokens.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use hallpass_guard::on_behalf;
use hallpass_token::TokenType;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::caller::{Caller, LABELER, SERVED};
use crate::fixture::{Outcome, action, request, service};

/// A log kept in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Takes everything that this thread logs, from now until the guard is dropped.
    pub(crate) fn take_all(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// What was logged since the last time.
    pub(crate) fn news(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    /// The news have one line of decisions with this message, and it has all of these.
    pub(crate) fn has(&self, message: &str, parts: &[&str]) {
        let (news, message) = (self.news(), format!(": {message} "));
        let lines: Vec<_> = news.lines().filter(|line| line.contains(&message)).collect();
        let [line] = lines[..] else { panic!("not one line {message:?} in {news}") };
        for part in parts {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_cause_and_who_it_was() {
    let log = Log::default();
    let caller = Caller::start();
    let (token, print) = caller.mesh.revocable();
    caller.mesh.revoke(print);
    let _logging = log.take_all();
    let outcome = caller.mesh.call(SERVED, &token).await;
    let text = log.text();
    let details = tonic_types::StatusExt::get_error_details(outcome.status());
    let decision = &details.error_info().unwrap().metadata["decision_id"];
    for part in ["INFO", decision, SERVED, "TOKEN_REVOKED", "token revoked", "ann", "user", "jti"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn what_is_minted_is_logged_with_for_whom_and_for_how_long() {
    let log = Log::default();
    let caller = Caller::start();
    let permit = caller.serving_user().await;
    let _logging = log.take_all();
    let sent = caller.sends(LABELER, on_behalf(&permit, ())).await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("minted")).expect("a line");
    let jti = sent.claims().id.as_deref().unwrap();
    for part in ["hallpass::audit", "ann", "labeler", "labeler:read", jti, "life_seconds=300"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    caller.sent.lock().unwrap().take();
    caller.refuses("/t.Labeler/Write", on_behalf(&permit, ())).await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("call not sent")).expect("a line");
    assert!(line.contains("ann") && line.contains("DELEGATION_REFUSED"), "{line}");
}

#[tokio::test]
async fn no_token_is_in_any_log_or_debug() {
    let log = Log::default();
    let _logging = log.take_all();
    let caller = Caller::start();
    let mesh = &caller.mesh;
    let good = mesh.user_token();
    let strange = mesh.mint("platform-1", &service(TokenType::Service));
    let own = mesh.mint("users", &action("ann", "jobs.abort"));
    for token in [&good, &strange, &own] {
        mesh.call(SERVED, token).await;
        mesh.send(request(SERVED, &[("authorization", token)])).await;
        let two = [("authorization", token.as_str()), ("authorization", token.as_str())];
        mesh.send(request(SERVED, &two)).await;
    }
    let bearer = format!("Bearer {good}");
    let headers = [("authorization", bearer.as_str()), ("hallpass-action", own.as_str())];
    let elevated = mesh.send(request("/t.Platform/Abort", &headers)).await;
    let permit = caller.serving_user().await;
    caller.sends(LABELER, on_behalf(&permit, ())).await;
    let minted = caller.headers()["authorization"].to_str().unwrap().to_owned();

    let Outcome::Entered(parts) = elevated else { panic!("refused") };
    let shown = format!("{permit:?} {:?} {:?} {:?}", mesh.guard, mesh.keys, caller.attach);
    let said = format!("{} {shown} {:?}", log.text(), parts.extensions);
    assert!(said.contains("allowed") && said.contains("refused"));
    for token in [&good, &strange, &own, &minted] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!said.contains(signature), "a token was shown");
        assert!(!said.contains(&signature[..16]), "a part of a token was shown");
    }
}
