//! A real `OpenID` Connect issuer on loopback: npm's `oidc-provider`, in a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::tools;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/oidc/issuer.mjs");

/// A running issuer, ended when dropped.
pub(super) struct Issuer {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
    /// Its `iss`.
    pub(super) url: String,
}

impl Issuer {
    /// Starts one, or says that the test is left out.
    pub(super) fn start() -> Option<Self> {
        let modules = tools::modules("oidc-provider")?;
        let mut command = Command::new("node");
        command.arg(SCRIPT).arg(modules).stdin(Stdio::piped()).stdout(Stdio::piped());
        // It says there that it would like a newer Node.
        let mut child = command.stderr(Stdio::null()).spawn().expect("node is there");
        let stdin = child.stdin.take().expect("stdin is piped");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut issuer = Self { child, stdin, lines, url: String::new() };
        let ready = issuer.read();
        ready["issuer"].as_str().expect("it listens").clone_into(&mut issuer.url);
        Some(issuer)
    }

    /// An access token that it signs for a user: `read` of `hallpass`, with these claims besides or instead.
    pub(super) fn token(&mut self, sub: &str, alg: &str, claims: &Value) -> String {
        self.tokens(sub, alg, claims).0
    }

    /// The same, and the ID token beside it.
    pub(super) fn tokens(&mut self, sub: &str, alg: &str, claims: &Value) -> (String, String) {
        let made = self.tell(&json!({
            "command": "token", "sub": sub, "scope": "read share openid", "aud": "hallpass", "alg": alg, "claims": claims,
        }));
        let token = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        (token("access_token"), token("id_token"))
    }

    /// What it would never sign itself, signed with its RS256 key all the same.
    pub(super) fn forge(&mut self, header: &Value, payload: &Value) -> String {
        let made = self.tell(&json!({"command": "forge", "header": header, "payload": payload}));
        made["access_token"].as_str().expect("a token").to_owned()
    }

    /// The same with an HMAC whose secret is the public half of that key.
    pub(super) fn confuse(&mut self, payload: &Value) -> String {
        let header = json!({"alg": "HS256"});
        let made = json!({"command": "forge", "header": header, "payload": payload, "hmac": true});
        self.tell(&made)["access_token"].as_str().expect("a token").to_owned()
    }

    /// Makes new keys and forgets the old ones.
    pub(super) fn rotate(&mut self) {
        self.tell(&json!({"command": "rotate"}));
    }

    /// Stops or starts to answer over HTTP.
    pub(super) fn answering(&mut self, answering: bool) {
        self.tell(&json!({"command": if answering { "up" } else { "down" }}));
    }

    fn tell(&mut self, command: &Value) -> Value {
        writeln!(self.stdin, "{command}").expect("it reads");
        let answer = self.read();
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the issuer says {line:?}"))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
