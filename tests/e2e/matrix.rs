//! Every RPC of the contract × every kind of caller, against the running mesh. The golden file is the review: a new RPC fails
//! until someone has looked at its lines. `UPDATE_GOLDEN=1` writes it anew.

mod objects;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use hallpass_contract::SERVICES;
use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{RevocationTarget, RevokeRequest, TokenName};
use hallpass_policy::{Access, Rule};
use hallpass_token::{NewToken, TokenType, UnixTime};
use prost_reflect::DescriptorPool;
use tonic::Request;
use tonic::transport::Channel;

use crate::callers::{self, Keys, kind_for, tampered, token, with_algorithm};
use crate::elevated;
use crate::mesh::{Mesh, connect, connect_from, ring_file};
use crate::raw;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/matrix.txt");

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_answers_every_caller_as_reviewed() {
    let matrix = Matrix::start().await;
    let mut text = String::new();
    for service in SERVICES {
        for rule in service.rules {
            writeln!(text, "{}", rule.path).expect("a string takes it");
            for (caller, answer) in matrix.row(rule).await {
                writeln!(text, "  {caller:<28} {answer}").expect("a string takes it");
            }
        }
    }
    compare(&text);
}

fn compare(text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(GOLDEN, text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).position(|(old, new)| old != new);
    if let Some(line) = differs {
        let (old, new) = (golden.lines().nth(line), text.lines().nth(line));
        panic!("tests/golden/matrix.txt:{}: {old:?} is now {new:?}", line + 1);
    }
    assert_eq!(
        golden.lines().count(),
        text.lines().count(),
        "tests/golden/matrix.txt has other lines"
    );
}

struct Matrix {
    _mesh: Mesh,
    keys: Keys,
    pool: DescriptorPool,
    channels: HashMap<&'static str, Channel>,
    platform: Channel,
    labeler: Channel,
}

impl Matrix {
    /// A mesh whose rings know the matrix's keys as well.
    async fn start() -> Self {
        let keys = Keys::new();
        let data = Mesh::up().kill();
        for ring in ["platform", "labeler"] {
            let file = ring_file(data.path(), ring);
            let json = std::fs::read_to_string(&file).expect("the ring is there");
            let mut ring: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            ring["keys"].as_array_mut().expect("keys").extend(keys.as_known());
            std::fs::write(&file, ring.to_string()).expect("the ring can be written");
        }
        let mesh = Mesh::over(data, &[]);
        let (platform, labeler) = (connect(&mesh.platform()).await, connect(&mesh.labeler()).await);
        // More tokens that do not verify than any one address may send: each service is called from one of its own.
        let mut channels = HashMap::new();
        for (service, host) in SERVICES.iter().zip(2..) {
            let of_labeler = service.audience == "labeler";
            let address = if of_labeler { mesh.labeler() } else { mesh.platform() };
            let from = Ipv4Addr::new(127, 0, 0, host);
            channels.insert(service.name, connect_from(&address, from).await);
        }
        Self { _mesh: mesh, keys, pool: raw::pool(), channels, platform, labeler }
    }

    fn channel(&self, rule: &Rule) -> &Channel {
        self.channels.get(rule.service).expect("a declared service")
    }

    /// What each kind of caller gets from one RPC.
    async fn row(&self, rule: &'static Rule) -> Vec<(String, String)> {
        let mut row = Vec::new();
        for (caller, credentials) in self.callers(rule).await {
            let body = raw::request(&self.pool, rule, "ds_00000000000000000000000000000000");
            let headers: Vec<_> =
                credentials.iter().map(|(name, value)| (*name, value.as_str())).collect();
            row.push((caller, raw::call(self.channel(rule), rule, body, &headers).await));
        }
        if let Some(id) = self.own_object(rule).await {
            let body = raw::request(&self.pool, rule, &id);
            let own = elevated::beside(
                &self.keys,
                rule,
                vec![("authorization", self.authorization(rule))],
            );
            let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
            row.push(("own object".into(), raw::call(self.channel(rule), rule, body, &own).await));
        }
        row
    }

    /// A request of the matrix's user, as the RPC wants it.
    fn authorized<T>(&self, path: &str, message: T) -> Request<T> {
        let rule = hallpass_contract::rule(path).expect("a declared RPC");
        let mut request = Request::new(message);
        let header = self.authorization(rule).parse().expect("ASCII");
        request.metadata_mut().insert("authorization", header);
        request
    }

    fn authorization(&self, rule: &Rule) -> String {
        let token = token(rule, kind_for(rule));
        format!("Bearer {}", self.keys.sign(&token, None, callers::now()))
    }

    async fn callers(&self, rule: &'static Rule) -> Vec<(String, Vec<(&'static str, String)>)> {
        let now = callers::now();
        let kind = kind_for(rule);
        let good = self.keys.sign(&token(rule, kind), None, now);
        let mut all: Vec<(String, Vec<(&'static str, String)>)> = vec![
            ("no token".into(), vec![]),
            ("two tokens".into(), vec![bearer(&good), bearer(&good)]),
            ("not a bearer".into(), vec![("authorization", format!("Basic {good}"))]),
            ("not a token".into(), vec![bearer("not-a-token")]),
        ];
        all.extend(TokenType::ALL.map(|kind| {
            let token = self.keys.sign(&token(rule, kind), None, now);
            (format!("{kind} token"), vec![bearer(&token)])
        }));
        all.extend(
            self.wrong(rule, kind, &good, now)
                .await
                .map(|(caller, token)| (caller.into(), vec![bearer(&token)])),
        );
        // Beside each caller's own token stands a good action token where one is demanded: each is wrong in one respect only.
        let all =
            all.into_iter().map(|(caller, own)| (caller, elevated::beside(&self.keys, rule, own)));
        let (own, mut all) = (bearer(&good), all.collect::<Vec<_>>());
        for (caller, token) in elevated::callers(&self.keys, rule, now) {
            let action = token.map(|token| ("hallpass-action", token));
            all.push((caller.into(), std::iter::once(own.clone()).chain(action).collect()));
        }
        if let Some(revoked) = elevated::to_revoke(&self.keys, rule, now) {
            self.revoke(&revoked, now).await;
            all.push(("action token revoked".into(), vec![own, ("hallpass-action", revoked)]));
        }
        all
    }

    /// The good token, wrong in one respect.
    async fn wrong(
        &self,
        rule: &Rule,
        kind: TokenType,
        good: &str,
        now: UnixTime,
    ) -> [(&'static str, String); 16] {
        let sign = |change: &dyn Fn(&mut NewToken), key: Option<&str>, now| {
            let mut token = token(rule, kind);
            change(&mut token);
            self.keys.sign(&token, key, now)
        };
        let same = &|_: &mut NewToken| {};
        let revoked = sign(same, None, now);
        self.revoke(&revoked, now).await;
        [
            (
                "no scope",
                sign(&|token| token.scopes = std::iter::empty::<&str>().collect(), None, now),
            ),
            ("other audience", sign(&|token| token.audience = vec!["other".into()], None, now)),
            ("expired", sign(same, None, now.minus(Duration::from_mins(10)))),
            (
                "not yet valid",
                sign(
                    &|token| token.not_before = Some(now.plus(Duration::from_secs(90))),
                    None,
                    now,
                ),
            ),
            ("issued in the future", sign(same, None, now.plus(Duration::from_secs(90)))),
            ("retired key", sign(same, Some("retired"), now)),
            ("unknown key", sign(same, Some("unknown"), now)),
            ("header tampered", tampered(good, 0)),
            ("payload tampered", tampered(good, 1)),
            ("signature tampered", tampered(good, 2)),
            ("alg none", with_algorithm(good, "none")),
            ("alg HS256", with_algorithm(good, "HS256")),
            ("alg ES256", with_algorithm(good, "ES256")),
            ("trailing part", format!("{good}.e30")),
            ("revoked", revoked),
            ("parent revoked", self.child_of_revoked(rule, kind, now).await),
        ]
    }

    /// A good token whose parent is revoked. Users' tokens have no parent: theirs is one of a revoked key.
    async fn child_of_revoked(&self, rule: &Rule, kind: TokenType, now: UnixTime) -> String {
        let parent_kind = if kind == TokenType::Background { kind } else { TokenType::User };
        let parent = self.keys.sign(&token(rule, parent_kind), None, now);
        self.revoke(&parent, now).await;
        if kind == TokenType::User {
            return parent;
        }
        let verified = self.keys.verify(&parent, now);
        let delegates: Vec<_> = rule.scope.into_iter().collect();
        let mut child =
            NewToken::child_of(&verified, kind, callers::fresh_id(), &delegates).expect("a child");
        let whole = token(rule, kind);
        child.audience = whole.audience;
        child.service = whole.service;
        child.scopes = delegates.into_iter().collect();
        self.keys.sign(&child, None, now)
    }

    /// Revokes a token at Platform, and returns once Labeler knows.
    async fn revoke(&self, victim: &str, now: UnixTime) {
        let claims = self.keys.verify(victim, now).claims().clone();
        let name =
            TokenName { issuer: "matrix".into(), token_id: claims.id.expect("ours have one") };
        let target = Some(RevocationTarget { target: Some(Target::Token(name)) });
        let request = RevokeRequest { target, expire_time: None, reason: String::new() };
        let request = self.authorized("/hallpass.auth.v1.RevocationService/Revoke", request);
        let mut client = RevocationServiceClient::new(self.platform.clone());
        client.revoke(request).await.expect("the administrator may revoke");
        self.until_labeler_refuses(victim).await;
    }

    async fn until_labeler_refuses(&self, victim: &str) {
        let rule = hallpass_contract::rule("/hallpass.labeler.v1.DatasetService/GetDataset")
            .expect("a rule");
        let header = format!("Bearer {victim}");
        let refused = async {
            loop {
                let answer =
                    raw::call(&self.labeler, rule, Vec::new(), &[("authorization", &header)]).await;
                if answer.ends_with("TOKEN_REVOKED") {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), refused).await.expect("Labeler learns of it");
    }
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

/// The matrix covers what the contract declares, and no RPC is public without someone having looked.
#[test]
fn public_rpcs_are_the_reviewed_ones() {
    let public: Vec<_> = SERVICES
        .iter()
        .flat_map(|service| service.rules)
        .filter(|rule| rule.access == Access::Public)
        .map(|rule| rule.path)
        .collect();
    assert_eq!(public, ["/hallpass.auth.v1.KeyService/GetJwks"]);
}
