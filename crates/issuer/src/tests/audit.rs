//! Every attempt to get a token has its line in the log, whatever its end: who, what for, which id, how long; and no token.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use hallpass_contract::auth::{
    ActionService as _, CreateDelegationRequest, DelegationService as _, IntrospectTokenRequest,
    IssueActionTokenRequest, RevokeDelegationRequest, RevokeTokenRequest, TokenService as _,
};
use hallpass_policy::{Denial, Failure, Permit, Refusal, Witness};
use hallpass_token::{Fingerprint, MintedToken};
use tracing_subscriber::fmt::MakeWriter;

use super::world::{ALICE, Wish, World};

thread_local! {
    /// The log that takes what this thread logs.
    static TAKEN: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// A log kept in memory.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

/// What one thread logs is taken until this is dropped.
pub(super) struct Taking;

impl Drop for Taking {
    fn drop(&mut self) {
        TAKEN.set(None);
    }
}

impl Log {
    /// Takes what this thread logs, as the operator has it, until the guard is dropped.
    pub(super) fn take(&self) -> Taking {
        // One subscriber for all threads: those that come and go leave marks at which nothing is logged for a moment.
        static ALL: Once = Once::new();
        ALL.call_once(|| {
            let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(Routed).finish();
            tracing::subscriber::set_global_default(lines).unwrap();
        });
        TAKEN.set(Some(self.clone()));
        Taking
    }

    /// The lines of the record since the last time.
    pub(super) fn lines(&self) -> Vec<String> {
        self.all().into_iter().filter(|line| line.contains("hallpass::audit")).collect()
    }

    /// All lines since the last time.
    pub(super) fn all(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(str::to_owned).collect()
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

/// Writes into the log that takes what this thread logs, or nowhere.
struct Routed;

impl MakeWriter<'_> for Routed {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        TAKEN.with_borrow(|taken| taken.clone().unwrap_or_default())
    }
}

/// The one line, which has all of these and nothing of a token.
fn expect(lines: &[String], parts: &[&str], tokens: &[&str]) {
    let [line] = lines else { panic!("{lines:?}") };
    for part in parts {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    for token in tokens {
        assert!(!line.contains(token.rsplit('.').next().unwrap()), "a token is in {line}");
    }
}

#[tokio::test]
async fn every_wish_for_an_action_token_has_its_line() {
    let (world, log) = (World::new(), Log::default());
    let caller = world.mint(&ALICE);
    let ask = async |caller: &MintedToken, audience: &str, life_seconds| {
        let permit = world.permit(caller, "ActionService/IssueActionToken");
        let audience = audience.to_owned();
        let request = IssueActionTokenRequest { audience, life_seconds, resource: None };
        world.issuer.actions.issue_action_token(permit, request).await
    };
    let _logging = log.take();
    let issued = ask(&caller, "datasets.delete", 60).await.unwrap();
    let parts =
        ["issued", "action", "datasets.delete", "alice", &issued.token_id, "life_seconds=60"];
    expect(&log.lines(), &parts, &[&issued.token, caller.expose()]);
    for (audience, life, parts) in [
        ("datasets.delete", 601, ["not issued", "datasets.delete", "alice", "30 to 600"]),
        ("none", 60, ["not issued", "none", "alice", "must be one of"]),
        ("keys.rotate", 0, ["not issued", "keys.rotate", "alice", "authentication"]),
    ] {
        ask(&caller, audience, life).await.unwrap_err();
        expect(&log.lines(), &parts, &[caller.expose()]);
    }
    ask(&caller, &"é".repeat(1_000), 0).await.unwrap_err();
    assert!(log.lines()[0].len() < 1_000, "the caller's own words are kept in bounds");
}

#[tokio::test]
async fn every_wish_for_an_agent_has_its_line() {
    let (world, log) = (World::new(), Log::default());
    let caller = world.mint(&Wish { scopes: &["tokens:introspect"], ..ALICE });
    let handler = world.issuer.delegation_handler(world.delegations());
    let ask = async |agent: &str, scope: &str| {
        let permit = world.permit(&caller, "DelegationService/CreateDelegation");
        let request = CreateDelegationRequest {
            agent: agent.to_owned(),
            scopes: vec![scope.to_owned()],
            ..CreateDelegationRequest::default()
        };
        handler.create_delegation(permit, request).await
    };
    let _logging = log.take();
    let made = ask("robot", "tokens:introspect").await.unwrap();
    let id = made.delegation.unwrap().delegation_id;
    let parts = ["issued", "agent", "robot", "alice", &id, "life_seconds=3600"];
    expect(&log.lines(), &parts, &[&made.token, caller.expose()]);
    ask("robot", "actions:admin").await.unwrap_err();
    expect(&log.lines(), &["not issued", "robot", "alice", "scopes"], &[caller.expose()]);
}

/// Has no line to spare, as the guard where a caller has used up theirs.
#[derive(Debug)]
struct NoLines;

impl Witness for NoLines {
    fn refused(&self, _: &Permit, _: &Refusal) {}

    fn failed(&self, _: &Permit, _: &Failure) {}

    fn answered(&self, _: &Permit) {}

    fn lists(&self, _: &Permit, _: &'static str, _: Option<Fingerprint>) -> bool {
        false
    }

    fn upholds(&self, _: &Permit) -> Result<(), Denial> {
        Ok(())
    }
}

#[tokio::test]
async fn what_changes_nothing_has_a_limited_number_of_lines_and_what_does_has_all() {
    let (world, log) = (World::new(), Log::default());
    let (caller, other) = (world.mint(&ALICE), world.mint(&ALICE));
    let permit = |method: &str| world.permit(&caller, method).witnessed(Arc::new(NoLines));
    let handler = world.issuer.delegation_handler(world.delegations());
    let request = CreateDelegationRequest {
        agent: "robot".to_owned(),
        scopes: vec!["tokens:introspect".to_owned()],
        ..CreateDelegationRequest::default()
    };
    let giver = world.mint(&Wish { scopes: &["tokens:introspect"], ..ALICE });
    let giving = world.permit(&giver, "DelegationService/CreateDelegation");
    let made = handler.create_delegation(giving, request).await.unwrap();
    let delegation_id = made.delegation.unwrap().delegation_id;
    let revoke = async |token: &str| {
        let request = RevokeTokenRequest { token: token.to_owned(), reason: String::new() };
        let revoked = world.tokens.revoke_token(permit("TokenService/RevokeToken"), request).await;
        revoked.unwrap().recorded
    };
    let _logging = log.take();
    let token = "garbage".to_owned();
    let introspect = permit("TokenService/IntrospectToken");
    world.tokens.introspect_token(introspect, IntrospectTokenRequest { token }).await.unwrap();
    assert!(!revoke("garbage").await);
    let request = IssueActionTokenRequest { audience: "none".to_owned(), ..Default::default() };
    let issue = permit("ActionService/IssueActionToken");
    world.issuer.actions.issue_action_token(issue, request).await.unwrap_err();
    assert_eq!(log.lines(), Vec::<String>::new());
    let (mut revoked, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        assert!(revoke(other.expose()).await);
        revoked.extend(log.lines());
        let (delegation_id, reason) = (delegation_id.clone(), String::new());
        let request = RevokeDelegationRequest { delegation_id, reason };
        let revoke = permit("DelegationService/RevokeDelegation");
        handler.revoke_delegation(revoke, request).await.unwrap();
        ended.extend(log.lines());
    }
    expect(&revoked, &["presented token", "outcome=\"revoked\"", "alice"], &[other.expose()]);
    expect(&ended, &["delegation ended", "robot", &delegation_id], &[]);
}
