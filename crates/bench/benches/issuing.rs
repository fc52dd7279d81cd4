//! Issuing action tokens under load: tokens a second and how long each takes, at a steady and at a bursting load, with the rate
//! limit on and off.
//!
//! The issuer stands behind its guard on a socket of this process; callers come when the load says, whether or not those before them
//! have been answered, so that a slow answer counts as the time that its caller waited.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot be set up should stop; its figures go to the terminal"
)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::IssueActionTokenRequest;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::{ACTIONS, rule};
use hallpass_guard::{Actions, Clock, Guard, GuardLayer, GuardSetup, Keys};
use hallpass_issuer::Issuer;
use hallpass_revocation::{Freshness, List, Options};
use hallpass_token::{
    Algorithm, Key, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, generate,
};
use tokio::time::Instant;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request};

/// How long each load lasts.
const LASTS: Duration = Duration::from_secs(10);

/// How many users ask.
const USERS: usize = 200;

/// The limit where it is on: so many a minute and at once, for each user.
const LIMIT: NonZeroU32 = NonZeroU32::new(60).expect("not zero");

/// When callers come.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    /// How many come together.
    together: u32,
    /// How often that is.
    every: Duration,
}

const LOADS: [Load; 3] = [
    Load { name: "steady, 500 a second", together: 1, every: Duration::from_millis(2) },
    Load { name: "steady, 2,000 a second", together: 4, every: Duration::from_millis(2) },
    Load { name: "bursts of 500, one a second", together: 500, every: Duration::from_secs(1) },
];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        println!(
            "{:<30} {:<10} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "load", "limit", "issued/s", "refused/s", "p50", "p99", "max"
        );
        for load in LOADS {
            for limit in [None, Some(LIMIT)] {
                run(load, limit).await;
            }
        }
    });
}

async fn run(load: Load, limit: Option<NonZeroU32>) {
    let mesh = Mesh::start(limit).await;
    // Everyone is known to the guard before it begins, as callers that have been there before are.
    for user in 0..USERS {
        mesh.ask(user).await;
    }
    let (began, mut asked, mut answers) = (Instant::now(), 0, tokio::task::JoinSet::new());
    let mut every = tokio::time::interval(load.every);
    while began.elapsed() < LASTS {
        let due = every.tick().await;
        for _ in 0..load.together {
            let (mesh, user) = (Arc::clone(&mesh), asked % USERS);
            asked += 1;
            answers.spawn(async move { (mesh.ask(user).await, due.elapsed()) });
        }
    }
    let answers = answers.join_all().await;
    print(load, limit, &answers, began.elapsed());
}

fn print(load: Load, limit: Option<NonZeroU32>, answers: &[(bool, Duration)], took: Duration) {
    let mut waits: Vec<_> = answers.iter().map(|(_, wait)| *wait).collect();
    waits.sort_unstable();
    let at = |hundredths: usize| waits[(waits.len() - 1) * hundredths / 100];
    let issued = answers.iter().filter(|(issued, _)| *issued).count();
    let each_second = |count: usize| count as f64 / took.as_secs_f64();
    let limit = limit.map_or_else(|| "off".to_owned(), |limit| format!("{limit} a min"));
    println!(
        "{:<30} {limit:<10} {:>9.0} {:>9.0} {:>9.2?} {:>9.2?} {:>9.2?}",
        load.name,
        each_second(issued),
        each_second(answers.len() - issued),
        at(50),
        at(99),
        at(100)
    );
}

/// An issuer behind its guard, and users with tokens.
struct Mesh {
    client: ActionServiceClient<Channel>,
    users: Vec<MetadataValue<Ascii>>,
    audience: &'static str,
    _folder: tempfile::TempDir,
}

impl Mesh {
    async fn start(limit: Option<NonZeroU32>) -> Arc<Self> {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), Clock::system());
        let ring = KeyRing::new(vec![users_key(), actions_key()]).expect("a ring");
        let users = (0..USERS).map(|user| authorization(&ring, user, &clock)).collect();
        let options = Options::new([7; 8], clock.now());
        let list = Arc::new(List::open(&folder.path().join("list"), &options).expect("a list"));
        let (keys, actions) = (Keys::new(ring), Actions::new(None, clock.clone()));
        let guard = Guard::start(GuardSetup {
            rules: rule,
            keys: keys.clone(),
            index: list.index(),
            changes: list.changes(),
            freshness: Freshness::always(),
            clock: clock.clone(),
            actions: Arc::clone(&actions),
            sessions: None,
            node: 7,
            cache_bytes: GuardSetup::CACHE_BYTES,
        });
        let issuer = Issuer::new(list, keys, clock, actions).issuing(limit);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut served = Server::builder().layer(GuardLayer::new(guard));
        let served = served.add_service(issuer.actions().service);
        tokio::spawn(served.serve_with_incoming(TcpListenerStream::new(listener)));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect().await.expect("it listens");
        let audience =
            ACTIONS.iter().find(|action| action.step_up.is_none() && action.roles.is_empty());
        let audience = audience.expect("an operation that anyone may do").audience;
        Arc::new(Self {
            client: ActionServiceClient::new(channel),
            users,
            audience,
            _folder: folder,
        })
    }

    /// Asks for a token; whether there was one.
    async fn ask(&self, user: usize) -> bool {
        let wish = IssueActionTokenRequest {
            audience: self.audience.to_owned(),
            ..IssueActionTokenRequest::default()
        };
        let mut request = Request::new(wish);
        request.metadata_mut().insert("authorization", self.users[user].clone());
        match self.client.clone().issue_action_token(request).await {
            Ok(_) => true,
            Err(status) if status.code() == Code::ResourceExhausted => false,
            Err(status) => unreachable!("{status}"),
        }
    }
}

fn authorization(ring: &KeyRing, user: usize, clock: &Clock) -> MetadataValue<Ascii> {
    let id = TokenId::from_random((user as u128).to_be_bytes());
    let mut token = NewToken::new(TokenType::User, id);
    token.subject = Some(format!("user-{user}"));
    token.audience = vec!["platform".to_owned()];
    token.scopes = std::iter::once("actions:issue").collect();
    let minted = ring.mint("users", &token, clock.now()).expect("a token");
    format!("Bearer {}", minted.expose()).parse().expect("ASCII")
}

fn users_key() -> Key {
    key("users", "users", TokenType::User, vec!["platform".to_owned()])
}

fn actions_key() -> Key {
    let audiences = ACTIONS.iter().map(|action| action.audience.to_owned()).collect();
    key("actions", "platform", TokenType::Action, audiences)
}

fn key(kid: &str, owner: &str, token_type: TokenType, audiences: Vec<String>) -> Key {
    let scope = (token_type == TokenType::User).then_some("actions:issue");
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: owner.to_owned(),
        owner: owner.to_owned(),
        types: vec![token_type],
        scopes: scope.into_iter().collect(),
        audiences,
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).expect("a key")
}
