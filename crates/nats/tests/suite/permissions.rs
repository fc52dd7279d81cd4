//! The configuration that ships lets each do what it must, and nobody more.

use hallpass_nats::{Login, SharedClaims};
use hallpass_revocation::{Claim, ClaimStore as _};
use hallpass_token::UnixTime;

use crate::node::{Node, print};
use crate::server::{Server, mesh_at};
use crate::sessions::Platform;

const SHIPPED: &str = include_str!("../../../../deploy/nats/nats-server.conf");

fn login(user: &str) -> Login {
    let password = match user {
        "issuer" => "issuer-password-of-a-test",
        _ => "node-password-of-a-test",
    };
    Login::Password { user: user.to_owned(), password: password.to_owned().into() }
}

async fn shipped() -> Option<Server> {
    let users = SHIPPED.split_once("authorization {").unwrap().1;
    Server::start_with(&format!("authorization {{{users}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_shipped_users_revocations_reach_the_nodes() {
    let Some(server) = shipped().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = mesh_at(server.port(), Some(login("issuer"))).await;
    let claims = SharedClaims::new(issuer.clone());
    let issuer = Node::issue(&folder.path().join("i"), issuer, "p", &["p"]);
    let node = mesh_at(server.port(), Some(login("node"))).await;
    let node = Node::follow(&folder.path().join("n"), node, &["p"]);
    issuer.revoke(1).await;
    node.until_it_has([1]).await;
    node.until_fresh().await;
    let issued_at = issuer.now().plus(std::time::Duration::from_hours(1));
    let claim = Claim { token: print(1), issued_at, expires_at: issued_at, decision: 1 };
    assert!(claims.claim(claim, UnixTime::from_secs(1)).await.unwrap());
    let [opening, other] = ["a", "b"].map(|name| folder.path().join(name));
    let opening = Platform::start(&opening, mesh_at(server.port(), Some(login("issuer"))).await);
    let other = Platform::start(&other, mesh_at(server.port(), Some(login("issuer"))).await);
    let handle = opening.open(1).await.unwrap();
    other.until_it_knows(&handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_can_change_nothing_and_an_issuer_can_remove_nothing() {
    let Some(server) = shipped().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mesh = mesh_at(server.port(), Some(login("issuer"))).await;
    let issuer = Node::issue(&folder.path().join("i"), mesh, "p", &["p"]);
    issuer.revoke(1).await;
    let context = async |user| {
        let Login::Password { user, password } = login(user) else { unreachable!() };
        let password = secrecy::ExposeSecret::expose_secret(&password).to_owned();
        let options = async_nats::ConnectOptions::with_user_and_password(user, password);
        let client = options.connect(format!("nats://127.0.0.1:{}", server.port())).await.unwrap();
        let mut context = async_nats::jetstream::new(client);
        context.set_timeout(std::time::Duration::from_millis(300));
        context
    };
    let node = context("node").await;
    let sent = node.publish("hallpass.revocations.whole.p", "".into()).await.unwrap();
    sent.await.unwrap_err();
    // Sessions are the Platforms' alone, sealed as they are.
    let mesh = mesh_at(server.port(), Some(login("issuer"))).await;
    Platform::start(&folder.path().join("s"), mesh).open(1).await.unwrap();
    let sent = node.publish("$KV.hallpass-sessions.x.opened", "".into()).await.unwrap();
    sent.await.unwrap_err();
    node.get_stream("KV_hallpass-sessions").await.unwrap_err();
    let sessions = context("issuer").await.get_stream("KV_hallpass-sessions").await.unwrap();
    sessions.purge().await.unwrap_err();
    sessions.delete_message(1).await.unwrap_err();
    for user in ["node", "issuer"] {
        let context = context(user).await;
        assert!(context.delete_stream("hallpass-revocations").await.is_err(), "{user}");
        let stream = context.get_stream("hallpass-revocations").await.unwrap();
        stream.purge().await.unwrap_err();
        stream.delete_message(1).await.unwrap_err();
        let mut config = stream.cached_info().config.clone();
        config.description = Some("changed".to_owned());
        context.update_stream(config).await.unwrap_err();
    }
    let late = mesh_at(server.port(), Some(login("node"))).await;
    let late = Node::follow(&folder.path().join("late"), late, &["p"]);
    late.until_fresh().await;
    assert!(late.has(1));
}
