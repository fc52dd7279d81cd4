//! A small contract, written by hand, beside the real one.

use std::time::Duration;

use hallpass_policy::{Access, Action, Rule, WhenStale};
use hallpass_token::TokenType;

const BASE: Rule = Rule {
    path: "",
    service: "t.Service",
    method: "",
    audience: "platform",
    access: Access::Tokens { types: &[TokenType::User], action: None },
    scope: Some("platform:read"),
    resources: &[],
    delegates: &["labeler:read"],
    when_stale: WhenStale::Refuse,
    request_bytes: 16 << 10,
    client_streaming: false,
    server_streaming: false,
    description: "",
};

static ABORTING: Action = Action {
    audience: "jobs.abort",
    owner: "platform",
    description: "",
    shortest_life: Duration::from_secs(30),
    longest_life: Duration::from_mins(10),
    usual_life: Duration::from_mins(2),
    single_use: true,
    roles: &[],
    step_up: None,
};

const LABELER: Rule = Rule {
    audience: "labeler",
    access: Access::Tokens { types: &[TokenType::Service, TokenType::Background], action: None },
    scope: Some("labeler:read"),
    delegates: &["audit:write"],
    ..BASE
};

pub(crate) static RULES: [Rule; 16] = [
    Rule { path: "/t.Platform/Read", ..BASE },
    Rule { path: "/t.Platform/Admin", scope: Some("platform:admin"), ..BASE },
    Rule { path: "/t.Platform/Open", access: Access::Public, ..BASE },
    Rule { path: "/t.Platform/Revoke", when_stale: WhenStale::Serve, delegates: &[], ..BASE },
    Rule {
        path: "/t.Platform/Abort",
        access: Access::Tokens { types: &[TokenType::User], action: Some(&ABORTING) },
        ..BASE
    },
    Rule { path: "/t.Labeler/Read", ..LABELER },
    Rule { path: "/t.Labeler/Write", scope: Some("labeler:write"), ..LABELER },
    Rule {
        path: "/t.Labeler/Work",
        access: Access::Tokens { types: &[TokenType::Background], action: None },
        ..LABELER
    },
    Rule {
        path: "/t.Labeler/Elevated",
        access: Access::Tokens { types: &[TokenType::Service], action: Some(&ABORTING) },
        ..LABELER
    },
    Rule { path: "/t.Labeler/Unscoped", scope: None, ..LABELER },
    Rule { path: "/t.Audit/Write", audience: "audit", scope: Some("audit:write"), ..LABELER },
    Rule { path: "/t.Streams/Down", server_streaming: true, ..BASE },
    Rule { path: "/t.Streams/One", ..BASE },
    Rule { path: "/t.Streams/Up", client_streaming: true, ..BASE },
    Rule { path: "/t.Streams/Both", client_streaming: true, server_streaming: true, ..BASE },
    Rule { path: "/t.Streams/Feed", server_streaming: true, when_stale: WhenStale::Serve, ..BASE },
];

pub(crate) fn rule(path: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.path == path).or_else(|| hallpass_contract::rule(path))
}
