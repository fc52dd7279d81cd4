//! Users of `OpenID` Connect issuers, with tokens that a real issuer's own process made and signed.

mod edge;
mod issuer;
mod mesh;

use serde_json::json;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use issuer::Issuer;
use mesh::{Outside, answer, at_labeler, introspect, unknown_kid};

#[tokio::test(flavor = "multi_thread")]
async fn users_of_two_issuers_come_in_as_two_users_with_what_the_mapping_names() {
    let (Some(mut acme), Some(mut other)) = (Issuer::start(), Issuer::start()) else { return };
    let mesh = Outside::start(&[&acme, &other]);
    let roles = json!({"realm_access": {"roles": ["ml-admins", "offline_access"]}, "amr": ["otp"]});
    let token = acme.token("alice", "RS256", &roles);
    let channel = mesh.platform().await;
    mesh.until_known().await;
    // Through Platform's own token, at Labeler.
    assert_eq!(answer(&channel, "ListDatasets", &token).await, "OK");
    assert_eq!(answer(&channel, "UpdateDataset", &token).await, "PermissionDenied SCOPE_MISSING");
    let said = introspect(&channel, &token).await;
    assert_eq!((said.issuer.as_str(), said.subject.as_str()), (acme.url.as_str(), "first:alice"));
    assert_eq!(said.scopes.join(" "), "actions:issue agents:delegate datasets:read");
    assert_eq!((said.roles, said.amr), (vec!["operator".to_owned()], vec!["otp".to_owned()]));

    for alg in ["PS256", "ES256", "EdDSA"] {
        let token = other.token("alice", alg, &json!({}));
        assert_eq!(answer(&channel, "ListDatasets", &token).await, "OK", "{alg}");
        let said = introspect(&channel, &token).await;
        assert_eq!(said.subject, "second:alice");
        assert!(said.roles.is_empty());
    }
    // Only the edge takes users' tokens.
    assert_eq!(at_labeler(&mesh.labeler().await, &token).await, "Unauthenticated TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_issuer_did_not_mean_for_us_is_refused() {
    let (Some(mut acme), Some(mut other)) = (Issuer::start(), Issuer::start()) else { return };
    let mesh = Outside::start(&[&acme, &other]);
    mesh.until_known().await;
    let channel = mesh.platform().await;
    let (good, id_token) = acme.tokens("alice", "RS256", &json!({}));
    assert_eq!(answer(&channel, "ListDatasets", &good).await, "OK");
    let shown = hallpass_token::inspect(&good).expect("a JWT");
    let kid = shown.header["kid"].clone();
    let with = |claim: &str, value: serde_json::Value| {
        let mut payload = shown.payload.clone();
        payload[claim] = value;
        payload
    };
    let ours = json!({
        "iss": "hallpass", "sub": "alice", "aud": "platform", "type": "user", "jti": "1",
        "scopes": ["datasets:read"], "iat": shown.payload["iat"], "exp": shown.payload["exp"],
    });
    let as_ours = json!({"typ": "hallpass-user+jwt", "kid": "users-1"});
    let good = &shown.payload;
    let elsewhere = "https://login.example.com".into();
    let mut refused = vec![
        ("an ID token", id_token),
        ("the public key as an HMAC's secret", acme.confuse(good)),
        ("another's key under this one's name", other.forge(&json!({ "kid": kid }), good)),
    ];
    for (what, header, payload) in [
        ("another audience", json!({}), with("aud", "billing".into())),
        ("no audience", json!({}), with("aud", json!([]))),
        ("no subject", json!({}), with("sub", json!(null))),
        ("another issuer's name", json!({}), with("iss", other.url.as_str().into())),
        ("an issuer that is nobody's", json!({}), with("iss", elsewhere)),
        ("no algorithm", json!({"alg": "none"}), good.clone()),
        ("another algorithm of the same key", json!({"alg": "PS256"}), good.clone()),
        ("a key brought along", json!({"jwk": {"kty": "RSA"}}), good.clone()),
        ("a key behind a URL", json!({"jku": acme.url}), good.clone()),
        ("a plain JWT", json!({"typ": "JWT"}), good.clone()),
        ("a token of this mesh", as_ours, ours),
    ] {
        refused.push((what, acme.forge(&header, &payload)));
    }
    // Both have been asked for keys that they do not have, so that nobody is told to come again.
    for issuer in [&acme.url, &other.url] {
        let unknown = unknown_kid(issuer);
        mesh::until(async || {
            answer(&channel, "ListDatasets", &unknown).await == "Unauthenticated TOKEN_INVALID"
        })
        .await;
    }
    for (what, token) in refused {
        let answer = answer(&channel, "ListDatasets", &token).await;
        assert_eq!(answer, "Unauthenticated TOKEN_INVALID", "{what}");
    }
    let ended = acme.token("alice", "RS256", &json!({"iat": 1_000_000, "exp": 1_000_300}));
    assert_eq!(answer(&channel, "ListDatasets", &ended).await, "Unauthenticated TOKEN_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_found_and_while_the_issuer_is_down_the_known_ones_count() {
    let Some(mut acme) = Issuer::start() else { return };
    let mesh = Outside::start(&[&acme]);
    mesh.until_known().await;
    let channel = mesh.platform().await;
    let before = acme.token("alice", "RS256", &json!({}));
    assert_eq!(answer(&channel, "ListDatasets", &before).await, "OK");

    acme.rotate();
    let after = acme.token("alice", "RS256", &json!({}));
    // Asked for at once because of this very token; until they are there, the caller is told to come again.
    mesh::until(async || {
        let answer = answer(&channel, "ListDatasets", &after).await;
        assert!(["OK", "Unavailable CANNOT_DECIDE"].contains(&answer.as_str()), "{answer}");
        answer == "OK"
    })
    .await;
    assert_eq!(
        answer(&channel, "ListDatasets", &before).await,
        "Unauthenticated TOKEN_INVALID",
        "its key is gone"
    );

    let unseen = acme.token("bob", "EdDSA", &json!({}));
    acme.answering(false);
    assert_eq!(answer(&channel, "ListDatasets", &after).await, "OK");
    assert_eq!(
        answer(&channel, "ListDatasets", &unseen).await,
        "OK",
        "known keys verify new tokens"
    );
    let unknown = unknown_kid(&acme.url);
    assert_eq!(answer(&channel, "ListDatasets", &unknown).await, "Unauthenticated TOKEN_INVALID");
    acme.answering(true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_not_there_yet_is_waited_for_and_health_says_so() {
    let Some(mut acme) = Issuer::start() else { return };
    let token = acme.token("alice", "ES256", &json!({}));
    acme.answering(false);
    let mesh = Outside::start(&[&acme]);
    let channel = mesh.platform().await;
    let health = async || {
        let request = HealthCheckRequest { service: "oidc".to_owned() };
        let answer = HealthClient::new(channel.clone()).check(request).await;
        answer.expect("the name is known").get_ref().status()
    };
    assert_eq!(health().await, ServingStatus::NotServing);
    let refused = answer(&channel, "ListDatasets", &token).await;
    assert!(
        ["Unauthenticated TOKEN_INVALID", "Unavailable CANNOT_DECIDE"].contains(&refused.as_str()),
        "{refused}"
    );
    acme.answering(true);
    mesh::until(async || health().await == ServingStatus::Serving).await;
    assert_eq!(answer(&channel, "ListDatasets", &token).await, "OK");
}
