//! JWT libraries of other languages sign with each of our kinds of key what verifies here, and verify what is minted here.
//!
//! `PyJWT` is found through `TEST_PYTHON`, jose (npm) through `TEST_NODE_MODULES`. `TEST_LIBRARIES` names the folder that `.ci/full libraries` fills with
//! the others. What is not there is skipped, and said so; where `CI` is set, the first two must be there.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up shall fail loudly")]
#![expect(clippy::panic, reason = "a library that fails is named")]
#![expect(clippy::print_stderr, reason = "a skipped library shall be seen")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, UnixTime,
    generate, inspect,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// One library: the command that signs and verifies with it.
struct Library {
    name: &'static str,
    command: Vec<String>,
}

#[test]
fn pyjwt() {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = programs().join("pyjwt_tokens.py").display().to_string();
    let has_it = Command::new(&python).args(["-c", "import jwt, cryptography"]).output();
    let has_it = has_it.is_ok_and(|output| output.status.success());
    demanded("PyJWT", has_it, &[python, script]);
}

#[test]
fn jose() {
    let modules = std::env::var("TEST_NODE_MODULES").unwrap_or_default();
    let script = programs().join("jose_tokens.mjs").display().to_string();
    let has_it = Path::new(&modules).join("jose").is_dir();
    demanded("jose", has_it, &["node".to_owned(), script, modules]);
}

#[test]
fn the_libraries_of_the_full_check() {
    let Some(folder) = std::env::var_os("TEST_LIBRARIES").map(PathBuf::from) else {
        eprintln!("SKIPPED: golang-jwt, jwx, joserfc, nimbus: TEST_LIBRARIES names no folder");
        return;
    };
    let at = |path: &str| folder.join(path).display().to_string();
    let joserfc = programs().join("joserfc_tokens.py").display().to_string();
    let classes = format!("{}:{}", at("nimbus/classes"), at("nimbus/lib/*"));
    let nimbus = ["java", "-cp", &classes, "NimbusTokens"].map(str::to_owned);
    for (name, command) in [
        ("golang-jwt", vec![at("golang-jwt")]),
        ("lestrrat-go/jwx", vec![at("jwx")]),
        ("joserfc", vec![at("python/bin/python"), joserfc]),
        ("nimbus-jose-jwt", nimbus.to_vec()),
    ] {
        Library { name, command }.passes();
    }
}

/// Tests a library that `.ci/run` has.
fn demanded(name: &'static str, has_it: bool, command: &[String]) {
    if has_it {
        return Library { name, command: command.to_vec() }.passes();
    }
    assert!(std::env::var_os("CI").is_none(), "{name} is needed here");
    eprintln!("SKIPPED: there is no {name}");
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libraries")
}

impl Library {
    /// Whether it signs and verifies with each kind of key.
    fn passes(&self) {
        for algorithm in Algorithm::ALL {
            self.signs(algorithm);
            self.verifies(algorithm);
        }
    }

    fn signs(&self, algorithm: Algorithm) {
        let ring = ring(algorithm, TokenType::User);
        let now = now().as_secs();
        let token = self.run(
            "sign",
            &json!({
                "jwk": jwk(&ring, true),
                "header": {"alg": algorithm.as_str(), "typ": "hallpass-user+jwt", "kid": "made"},
                "claims": {
                    "iss": "users", "sub": "alice", "aud": "platform", "scopes": ["datasets:read"],
                    "type": "user", "iat": now, "exp": now + 300, "jti": "1",
                },
            }),
        );
        let verified = ring.verify(&token, UnixTime::from_secs(now));
        let verified =
            verified.unwrap_or_else(|error| panic!("{}: {algorithm}: {error}", self.name));
        assert_eq!(verified.claims().subject.as_deref(), Some("alice"), "{}", self.name);
    }

    /// A background token has no `sub`: libraries refuse one that is `null`.
    fn verifies(&self, algorithm: Algorithm) {
        let ring = ring(algorithm, TokenType::Background);
        let mut new = NewToken::new(TokenType::Background, TokenId::from_random([7; 16]));
        new.service = Some("users".to_owned());
        new.audience = vec!["platform".to_owned()];
        new.scopes = ["datasets:read"].into_iter().collect();
        let minted = ring.mint("made", &new, now()).unwrap();
        let request = json!({"jwk": jwk(&ring, false), "token": minted.expose()});
        let claims: Value = serde_json::from_str(&self.run("verify", &request)).unwrap();
        let payload = inspect(minted.expose()).unwrap().payload;
        for claim in ["iss", "service", "scopes", "type", "jti", "sub"] {
            assert_eq!(claims.get(claim), payload.get(claim), "{}: {claim}", self.name);
        }
    }

    fn run(&self, operation: &str, request: &Value) -> String {
        let (program, arguments) = self.command.split_first().unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .arg(operation)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {program}: {error}", self.name));
        child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let alg = &request["jwk"]["alg"];
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {operation} with {alg}: {said}", self.name);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "the libraries look at the clock")]
fn now() -> UnixTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixTime::from_secs(now.as_secs())
}

/// A ring with one key of this algorithm for this kind of token.
fn ring(algorithm: Algorithm, kind: TokenType) -> KeyRing {
    let spec = KeySpec {
        kid: "made".to_owned(),
        issuer: "users".to_owned(),
        owner: "users".to_owned(),
        types: vec![kind],
        scopes: ["datasets:read"].into_iter().collect(),
        audiences: vec!["platform".to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    KeyRing::new(vec![generate(algorithm, spec).unwrap()]).unwrap()
}

/// The ring's key as a JWK, with or without what signs; a shared secret has no public part.
fn jwk(ring: &KeyRing, private: bool) -> Value {
    let file: Value = serde_json::from_str(ring.to_json().expose_secret()).unwrap();
    let mut jwk = file["keys"][0].clone();
    let members = jwk.as_object_mut().unwrap();
    members.remove("hallpass");
    if !private && members["kty"] != "oct" {
        members.remove("d");
    }
    jwk
}
