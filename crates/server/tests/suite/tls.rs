//! TLS: who is let in, and what is said of files that cannot be used.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hallpass_server::{Server, Shutdown, StartError};
use serde_json::{Value, json};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{Flags, config, gate, services, setup};

/// A file of the test's TLS. A key as Git keeps it is readable for others: a copy is not.
pub(crate) fn file(name: &str) -> PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name);
    if kept.extension().is_none_or(|extension| extension != "key") {
        return kept;
    }
    // Tests beside this one make the same copy: each is put in place whole.
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let draft = copy.with_extension(format!("{:?}", std::thread::current().id()));
    std::fs::copy(kept, &draft).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(draft, &copy).unwrap();
    copy
}

fn pem(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

async fn bind(tls: Value) -> Result<hallpass_server::Bound, StartError> {
    let (setup, _) = setup(services(&gate()));
    Server::bind(&config(&Flags::from([("tls", tls)])), setup).await
}

async fn healthy(port: u16, tls: Option<ClientTlsConfig>) -> bool {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Channel::from_shared(format!("{scheme}://localhost:{port}")).unwrap();
    if let Some(tls) = tls {
        endpoint = endpoint.tls_config(tls).unwrap();
    }
    let mut client = HealthClient::new(endpoint.connect_lazy());
    client.check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test]
async fn only_clients_that_trust_and_are_trusted_come_in() {
    let ca = || ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem("ca.pem")));
    let shown = Identity::from_pem(pem("client.pem"), pem("client.key"));
    let files = json!({"cert": file("server.pem"), "key": file("server.key")});
    let mut mutual = files.clone();
    mutual["client_ca"] = json!(file("ca.pem"));
    // Whether a plaintext client, one that shows no certificate, and one that shows one come in.
    for (files, expected) in [(files, [false, true, true]), (mutual, [false, false, true])] {
        let bound = bind(files).await.unwrap();
        let port = bound.address().port();
        let (_switch, shutdown) = Shutdown::by_hand();
        let serving = tokio::spawn(bound.serve(shutdown));
        let clients = [None, Some(ca()), Some(ca().identity(shown.clone()))];
        for (client, expected) in clients.into_iter().zip(expected) {
            assert_eq!(healthy(port, client).await, expected);
        }
        serving.abort();
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let rows = [
        (json!({"cert": file("none.pem"), "key": file("server.key")}), "none.pem: No such file"),
        (
            json!({"cert": file("server.key"), "key": file("server.key")}),
            "server.key: holds no CERTIFICATE in PEM",
        ),
        (
            json!({"cert": file("server.pem"), "key": file("client.key")}),
            "client.key cannot be used together",
        ),
        (
            json!({"cert": file("server.pem"), "key": file("server.key"), "client_ca": file("x")}),
            "x: No such file",
        ),
    ];
    for (files, expected) in rows {
        let error = bind(files).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("-----BEGIN"), "{error}");
    }
}

#[tokio::test]
async fn a_peer_is_called_as_it_is_configured() {
    let mut files = json!({"cert": file("server.pem"), "key": file("server.key")});
    files["client_ca"] = json!(file("ca.pem"));
    let bound = bind(files).await.unwrap();
    let here = format!("https://localhost:{}", bound.address().port());
    let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    let rows = [
        (json!({"address": here, "ca": ca, "cert": cert, "key": key}), "answered"),
        (
            json!({"address": here, "ca": ca, "domain": "127.0.0.1", "cert": cert, "key": key}),
            "answered",
        ),
        (json!({"address": here, "ca": ca}), "not reached"),
        (json!({"address": here, "ca": cert, "cert": cert, "key": key}), "not reached"),
        (
            json!({"address": here, "ca": ca, "domain": "x.test", "cert": cert, "key": key}),
            "not reached",
        ),
        (json!({"address": here}), "not reached"),
        (json!({"address": here, "ca": ca, "cert": cert}), "`cert` and `key` together"),
        (json!({"address": here, "ca": file("none.pem")}), "none.pem: No such file"),
    ];
    let (_switch, shutdown) = Shutdown::by_hand();
    let serving = tokio::spawn(bound.serve(shutdown));
    for (peer, expected) in rows {
        let flags = Flags::from([("peers", json!({"labeler": peer}))]);
        let config = config(&flags);
        let got = match config.peers["labeler"].channel(config.keepalive) {
            Err(error) => error.to_string(),
            Ok(channel) => {
                match HealthClient::new(channel).check(HealthCheckRequest::default()).await {
                    Ok(_) => "answered".to_owned(),
                    Err(_) => "not reached".to_owned(),
                }
            }
        };
        assert!(got.contains(expected), "{got}: {flags:?}");
    }
    serving.abort();
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/server.key");
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("server.key");
    std::fs::copy(kept, &key).unwrap();
    for (mode, allowed) in [(0o600, true), (0o640, false), (0o644, false)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let bound = bind(json!({"cert": file("server.pem"), "key": key})).await;
        let told = bound.err().map(|error| error.to_string());
        let right = format!("right: chmod 600 {}", key.display());
        assert_eq!(told.is_none(), allowed, "{mode:o}: {told:?}");
        assert!(told.is_none_or(|told| told.contains(&right)), "{mode:o}");
    }
}
