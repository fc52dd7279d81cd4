//! What is known of issuers while they change their keys, break down and come back; and settings that cannot be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_guard::{Clock, Keys};
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, Profile, TokenType, UnixTime, generate,
};

use crate::tests::server::{Server, answer, json};
use crate::tests::{Watching, jwks, settings};
use crate::{IssuerSettings, Oidc, ProxySettings};

/// An issuer whose JWKS the test sets; `None` is a failure.
async fn issuer(first: Option<String>) -> (Server, Arc<Mutex<Option<String>>>) {
    let body = Arc::new(Mutex::new(first));
    let said = Arc::clone(&body);
    let server = Server::start(move |_| match said.lock().unwrap().as_deref() {
        Some(body) => json(body),
        None => answer("500 Internal Server Error", "", ""),
    });
    (server.await, body)
}

fn watching(server: &Server) -> Watching {
    Watching::new(&settings(&server.url, Some(format!("{}/keys", server.url))))
}

#[tokio::test]
async fn the_known_keys_count_while_the_issuer_fails_and_not_for_ever() {
    let (server, body) = issuer(Some(jwks(&["a", "b"]))).await;
    let watching = watching(&server);
    assert!(watching.kids().is_empty() && !watching.oidc.are_known());
    assert_eq!(watching.oidc.ages(), []);
    watching.fetch().await;
    assert_eq!(watching.kids(), ["a", "b"]);
    assert!(watching.oidc.are_known());

    for wrong in [None, Some("<html>".to_owned()), Some("{}".to_owned())] {
        *body.lock().unwrap() = wrong;
        watching.clock.advance(Duration::from_mins(20));
        watching.fetch().await;
        assert_eq!(watching.kids(), ["a", "b"]);
    }
    assert_eq!(watching.oidc.ages(), [(server.url.clone(), Duration::from_hours(1))]);
    watching.clock.advance(Duration::from_secs(1));
    watching.fetch().await;
    assert!(watching.kids().is_empty() && !watching.oidc.are_known(), "an hour is over");

    *body.lock().unwrap() = Some(jwks(&["c"]));
    watching.fetch().await;
    assert_eq!(watching.kids(), ["c"]);
}

#[tokio::test]
async fn what_the_issuer_withdraws_is_gone_and_what_has_not_changed_disturbs_nobody() {
    let (server, body) = issuer(Some(jwks(&["a", "b"]))).await;
    let watching = watching(&server);
    watching.fetch().await;
    let before = watching.keys.generation();
    watching.fetch().await;
    assert_eq!(watching.keys.generation(), before, "cached tokens stay cached");
    *body.lock().unwrap() = Some(jwks(&["b"]));
    watching.fetch().await;
    assert_eq!(watching.kids(), ["b"]);
    assert_ne!(watching.keys.generation(), before);
    *body.lock().unwrap() = Some("{\"keys\":[]}".to_owned());
    watching.fetch().await;
    assert!(watching.kids().is_empty() && !watching.oidc.are_known());
}

#[tokio::test]
async fn a_secret_in_the_answer_ends_that_key_at_once() {
    let set = jwks(&["a", "b"]);
    let (server, body) = issuer(Some(set.clone())).await;
    let watching = watching(&server);
    watching.fetch().await;
    *body.lock().unwrap() = Some(set.replacen("\"crv\"", "\"d\":\"AAAA\",\"crv\"", 1));
    watching.fetch().await;
    assert_eq!(watching.kids(), ["b"]);
}

#[tokio::test]
async fn a_key_that_is_not_known_has_the_issuer_asked_once_a_minute() {
    let (server, _body) = issuer(Some(jwks(&["a"]))).await;
    let watching = watching(&server);
    watching.fetch().await;
    assert!(watching.seek(), "it is asked");
    assert!(watching.seek(), "it is being asked");
    watching.fetch().await;
    assert!(!watching.seek(), "it was asked lately");
    watching.clock.advance(Duration::from_secs(59));
    assert!(!watching.seek());
    watching.clock.advance(Duration::from_secs(1));
    assert!(watching.seek());
}

#[tokio::test]
async fn an_issuer_is_asked_without_being_told_to() {
    let (server, _body) = issuer(Some(jwks(&["a"]))).await;
    let keys = Keys::new(KeyRing::default());
    let clock = Clock::system();
    let of = settings(&server.url, Some(format!("{}/keys", server.url)));
    let oidc = Oidc::start(&[of], true, &keys, &clock).unwrap();
    let known = async {
        while !oidc.are_known() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), known).await.unwrap();
}

#[tokio::test]
async fn keys_by_https_are_fetched_through_the_proxy_that_is_set() {
    let proxy = Server::start(|_| answer("502 Bad Gateway", "", "")).await;
    let mut of = settings("https://login.acme.test", None);
    let environment = ProxySettings::of_environment(|name| match name {
        "https_proxy" => Some(proxy.url.clone()),
        "NO_PROXY" => Some("10.0.0.0/8,.inside.test".to_owned()),
        _ => None,
    });
    for through in [environment.clone(), ProxySettings::NONE.at(&proxy.url)] {
        of.proxy = through;
        Watching::new(&of).fetch().await;
        assert!(proxy.heads().pop().unwrap().starts_with("CONNECT login.acme.test:443 "));
    }
    let asked = proxy.heads().len();
    of.issuer.issuer = "https://login.inside.test".to_owned();
    of.proxy = environment.clone();
    Watching::new(&of).fetch().await;
    assert_eq!(proxy.heads().len(), asked, "NO_PROXY excepts it");
    let host = proxy.url.strip_prefix("http://").unwrap();
    of.issuer.issuer = "https://login.acme.test".to_owned();
    of.proxy = environment.at(host);
    Watching::new(&of).fetch().await;
    assert_eq!(proxy.heads().len(), asked + 1, "a host and a port will do");
    of.proxy = ProxySettings::NONE.at("http://user:Secret@127.0.0.1:1");
    assert!(!format!("{of:?}").contains("Secret"));
    for wrong in ["socks5://user:Secret@127.0.0.1:1", "http://", "a b"] {
        of.proxy = ProxySettings::NONE.at(wrong);
        let told = told(&[of.clone()], false, KeyRing::default());
        assert!(told.contains("proxy: not an HTTP proxy") && !told.contains("Secret"), "{told}");
    }
}

fn told(of: &[IssuerSettings], development: bool, ring: KeyRing) -> String {
    let clock = Clock::manual(UnixTime::from_secs(1));
    Oidc::open(of, development, &Keys::new(ring), &clock).map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn an_issuer_whose_keys_are_elsewhere_may_be_a_name_that_nobody_fetches() {
    let (server, _body) = issuer(Some(jwks(&["a"]))).await;
    let name = "http://adfs.acme.test/adfs/services/trust";
    let watching = Watching::new(&settings(name, Some(format!("{}/keys", server.url))));
    watching.fetch().await;
    assert_eq!(watching.kids(), ["a"]);
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_with_what_would_be_right() {
    type Change = fn(&mut IssuerSettings);
    let table: &[(&str, bool, Change)] = &[
        ("issuer: right: https://", false, |s| s.issuer.issuer = "http://127.0.0.1:1".to_owned()),
        ("issuer: right: https://", true, |s| {
            s.issuer.issuer = "http://login.acme.test".to_owned();
        }),
        ("jwks_uri: right: https://", false, |s| {
            s.jwks_uri = Some("http://127.0.0.1:1/k".to_owned());
        }),
        ("jwks_uri: right: https://", true, |s| s.jwks_uri = Some("file:///keys".to_owned())),
        ("refresh: right: 10s to 24h", false, |s| s.refresh = Some(Duration::from_secs(9))),
        ("keep: shorter than refresh", false, |s| s.keep = Duration::from_secs(30)),
        ("audience: ", false, |s| s.issuer.audience.clear()),
        ("subject_prefix: empty", false, |s| s.issuer.subject_prefix.clear()),
        ("ca: /none.pem: ", false, |s| s.ca = Some("/none.pem".into())),
        ("ca: Cargo.toml: no PEM certificates", false, |s| s.ca = Some("Cargo.toml".into())),
    ];
    for (problem, development, change) in table {
        let mut of = settings("https://login.acme.test", None);
        change(&mut of);
        let told = told(&[of], *development, KeyRing::default());
        assert!(told.starts_with("oidc ") && told.contains(problem), "{told}");
    }
}

#[tokio::test]
async fn issuers_that_could_be_taken_for_one_another_are_refused() {
    let of = |issuer: &str, prefix: &str| {
        let mut of = settings(issuer, None);
        prefix.clone_into(&mut of.issuer.subject_prefix);
        of
    };
    let (acme, other) = ("https://login.acme.test", "https://login.other.test");
    let twice = told(&[of(acme, "a:"), of(acme, "b:")], false, KeyRing::default());
    assert!(twice.contains("is there twice"), "{twice}");
    for (one, two) in [("a:", "a:"), ("ab:", "a"), ("a", "ab:")] {
        let told = told(&[of(acme, one), of(other, two)], false, KeyRing::default());
        assert!(told.contains("subject_prefix: a user of it could have the name"), "{told}");
    }
    let spec = KeySpec {
        kid: "mine".to_owned(),
        issuer: acme.to_owned(),
        owner: "users".to_owned(),
        types: vec![TokenType::User],
        scopes: ["datasets:read"].into_iter().collect(),
        audiences: vec!["platform".to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    let ring = KeyRing::new(vec![generate(Algorithm::EdDsa, spec).unwrap()]).unwrap();
    let told = told(&[of(acme, "a:")], false, ring);
    assert!(told.contains("the key mine of the ring is this issuer's, too"), "{told}");
}
