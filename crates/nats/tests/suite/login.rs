//! How a process shows the server who it is, and what is said of a server without streams.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hallpass_nats::{ConnectError, Login, Mesh, SharedClaims};
use hallpass_revocation::ClaimStore as _;
use nkeys::KeyPair;
use serde_json::{Value, json};

use crate::node::print;
use crate::server::{Server, mesh_at, settings, until};

/// Whether a process that logs in like this gets what the mesh needs.
async fn comes_in(server: &Server, login: Login) -> bool {
    let claims = SharedClaims::new(mesh_at(server.port(), Some(login)).await);
    let asked =
        async { until("it comes in", async || claims.is_claimed(print(1)).await.is_ok()).await };
    tokio::time::timeout(Duration::from_secs(5), asked).await.is_ok()
}

fn seed(pair: &KeyPair) -> String {
    pair.seed().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_an_nkey_comes_in_and_another_does_not() {
    let (known, other) = (KeyPair::new_user(), KeyPair::new_user());
    let users = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", known.public_key());
    let Some(server) = Server::start_with(&users).await else { return };
    // As it stands in a file.
    assert!(comes_in(&server, Login::Nkey(format!("{}\n", seed(&known)).into())).await);
    assert!(!comes_in(&server, Login::Nkey(seed(&other).into())).await);
}

/// A JWT of NATS: signed by another key with its own name of the algorithm.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "jti": "of-a-test", "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "test",
        "sub": subject.public_key(), "nats": nats,
    });
    let signed =
        format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ed25519-nkey"})), part(&claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_credentials_file_comes_in() {
    let (operator, account, user) =
        (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let system = KeyPair::new_account();
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let of_operator = jwt(&operator, &operator, &json!({"type": "operator", "version": 2}));
    let of_account =
        jwt(&operator, &account, &json!({"type": "account", "version": 2, "limits": limits}));
    let of_user = jwt(
        &account,
        &user,
        &json!({"type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}),
    );
    let of_system = jwt(&operator, &system, &json!({"type": "account", "version": 2}));
    let (account, system) = (account.public_key(), system.public_key());
    let lines = format!(
        "operator: {of_operator}\nsystem_account: {system}\nresolver: MEMORY\n\
         resolver_preload: {{ {account}: {of_account}, {system}: {of_system} }}"
    );
    let Some(server) = Server::start_with(&lines).await else { return };
    let file = format!(
        "-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n\
         ************************* IMPORTANT *************************\nNKEY Seed printed below can be used to sign and \
         prove identity.\n\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        seed(&user)
    );
    assert!(comes_in(&server, Login::Credentials(file.into())).await);
}

#[tokio::test]
async fn what_is_no_seed_or_credentials_file_is_refused_at_start_and_not_shown() {
    let account = seed(&KeyPair::new_account());
    for (login, named) in [
        (Login::Nkey("s3cr3t".into()), "nats.nkey"),
        (Login::Nkey(account.clone().into()), "nats.nkey"),
        (Login::Credentials("s3cr3t".into()), "nats.credentials"),
    ] {
        let refused = Mesh::connect(&settings(4222, Some(login))).await.err().unwrap();
        assert!(matches!(refused, ConnectError::Nkey | ConnectError::Credentials), "{refused:?}");
        let said = refused.to_string();
        assert!(said.starts_with(named) && !said.contains("s3cr3t") && !said.contains(&account));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_streams_is_reported_as_such() {
    let Some(server) = Server::start_without_streams().await else { return };
    let claims = SharedClaims::new(server.mesh().await);
    until("it is said", async || {
        let refused = claims.is_claimed(print(1)).await.unwrap_err().to_string();
        refused.contains("JetStream is off on the NATS server") && refused.contains("-js")
    })
    .await;
}
