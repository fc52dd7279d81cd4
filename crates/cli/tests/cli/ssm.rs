//! Secrets from a parameter store: moto's server, which `TEST_S3` names, is one, too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::run::{Hallpass, Ran, SECRET, hallpass};

/// The name that the sources give theirs.
const NAME: &str = "/quilt/mcp-server/jwt-secret";

/// The store, or `None` after saying that the test is left out.
struct Store {
    url: String,
    folder: tempfile::TempDir,
}

impl Store {
    fn find() -> Option<Self> {
        let Ok(url) = std::env::var("TEST_S3") else {
            let message = "TEST_S3 names no server of moto: run .ci/s3 target/ci/moto cargo test --features ssm";
            assert!(std::env::var_os("CI").is_none(), "{message}");
            eprintln!("\n*** LEFT OUT: {message} ***\n");
            return None;
        };
        Some(Self { url, folder: tempfile::tempdir().unwrap() })
    }

    /// Puts a parameter there, in one region.
    fn put(&self, name: &str, kind: &str, value: &str) {
        let wish = json!({"Name": name, "Type": kind, "Value": value, "Overwrite": true});
        let answer = self.ask("PutParameter", &wish);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Nobody checks the signature; the region is read out of it.
    fn ask(&self, operation: &str, wish: &Value) -> String {
        let address = self.url.trim_start_matches("http://");
        let (mut socket, body) = (TcpStream::connect(address).unwrap(), wish.to_string());
        let scope = "Credential=test/20260101/eu-central-1/ssm/aws4_request, SignedHeaders=host, Signature=0";
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AmazonSSM.{operation}\r\n\
             Authorization: AWS4-HMAC-SHA256 {scope}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A ring whose one key is in the store under this name.
    fn ring(&self, name: &str) -> String {
        let entry = json!({
            "issuer": "clients", "owner": "clients", "types": ["user"], "audiences": ["platform"], "profile": "bearer-v1",
            "secret": format!("ssm:{name}"),
        });
        let ring =
            json!({"keys": [{"kty": "oct", "kid": "secret", "alg": "HS256", "hallpass": entry}]});
        let file = self.folder.path().join("ring.json");
        std::fs::write(&file, ring.to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Mints a token with that ring.
    fn mint(&self, name: &str, with: impl FnOnce(Hallpass) -> Hallpass) -> Ran {
        let ring = self.ring(name);
        with(self.usual(hallpass(&["token", "mint", "--subject", "alice", "--ring", &ring]))).run()
    }

    /// What a process has that may read the store.
    fn usual(&self, command: Hallpass) -> Hallpass {
        let nothing = "/dev/null";
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", nothing)
            .env("AWS_SHARED_CREDENTIALS_FILE", nothing)
    }
}

#[test]
fn a_secure_string_is_the_secret_that_others_sign_with() {
    let Some(store) = Store::find() else { return };
    store.put("/cli/right", "SecureString", SECRET);
    store.put(NAME, "SecureString", SECRET);
    for name in [NAME, "/cli/right"] {
        let minted = store.mint(name, |command| command);
        let verified = hallpass(&["token", "verify", "-"])
            .env("JWT_SECRET_KEY", SECRET)
            .stdin(minted.token())
            .run();
        assert_eq!(verified.code, 0, "{verified:?}");
    }
    let by_secret =
        hallpass(&["token", "mint", "--subject", "bob"]).env("JWT_SECRET_KEY", SECRET).run();
    let verify =
        hallpass(&["token", "verify", "-", "--ring", &store.ring(NAME)]).stdin(by_secret.token());
    let verified = store.usual(verify).run();
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn what_goes_wrong_names_the_parameter_and_never_its_value() {
    type With = fn(Hallpass) -> Hallpass;
    let Some(store) = Store::find() else { return };
    store.put("/cli/secret", "SecureString", SECRET);
    store.put("/cli/plain", "String", SECRET);
    store.put("/cli/short", "SecureString", "too short to be one");
    let printed = "quilt-sales-prod-mcp-jwt-secret-2025-enhanced-tokens-v2";
    store.put("/cli/printed", "SecureString", printed);
    let table: [(&str, With, &str); 8] = [
        (
            "/cli/absent",
            |c| c,
            "there is no such parameter in region eu-central-1; right: its path",
        ),
        (
            "/cli/secret",
            |c| c.env("AWS_REGION", "us-west-2"),
            "there is no such parameter in region us-west-2",
        ),
        ("/cli/secret", |c| c.without("AWS_REGION"), "no AWS region is set; right: AWS_REGION"),
        (
            "/cli/secret",
            |c| c.without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY"),
            "no AWS credentials are found; right: ",
        ),
        (
            "/cli/secret",
            |c| c.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            "the parameter store does not answer; right: ",
        ),
        ("/cli/plain", |c| c, "is kept as plain text; right: a parameter of the type SecureString"),
        ("/cli/short", |c| c, "19 bytes; right: at least 32 random bytes"),
        ("/cli/printed", |c| c, "printed in a public guide; right: 32 random bytes of your own"),
    ];
    for (name, with, right) in table {
        let refused = store.mint(name, with);
        let told = &refused.stderr;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(told.contains("key secret: secret: ") && told.contains(right), "{name}: {told}");
        assert!(!right.starts_with("there") || told.contains(&format!("ssm:{name}")), "{told}");
        for value in [SECRET, printed, "too short to be one"] {
            assert!(!told.contains(value), "{told}");
        }
    }
}
