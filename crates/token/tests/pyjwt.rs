//! Tokens minted by `PyJWT`, the library of the services that Hallpass takes over from, with exactly their claims.
//!
//! Needs a Python with `PyJWT`: `TEST_PYTHON` names the interpreter, `python3` otherwise. Without it the test says loudly that it
//! is skipped, and fails where `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up shall fail loudly")]
#![expect(clippy::print_stderr, reason = "a skipped test shall be seen")]

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::{KeyRing, TokenError, TokenType, UnixTime, inspect};
use serde_json::{Value, json};

const SERVICES: &str = "test only: shared by Platform and Labeler";
const CLIENTS: &str = "test only: the secret of the API's clients";
const MINT: &str = include_str!("pyjwt_mint.py");

fn python() -> String {
    std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// What the script mints, by name; `None` where there is no `PyJWT`.
fn mint() -> Option<Value> {
    let output = Command::new(python()).args(["-c", MINT, SERVICES, CLIENTS]).output();
    match output {
        Ok(output) if output.status.success() => {
            Some(serde_json::from_slice(&output.stdout).unwrap())
        }
        problem => {
            assert!(
                std::env::var_os("CI").is_none(),
                "PyJWT is needed here: set TEST_PYTHON to a Python that has it: {problem:?}"
            );
            eprintln!("SKIPPED: {} has no PyJWT; TEST_PYTHON names another", python());
            None
        }
    }
}

fn ring() -> KeyRing {
    let key = |kid: &str, algorithm: &str, secret: &str, entry: Value| {
        let k = URL_SAFE_NO_PAD.encode(secret);
        json!({"kty": "oct", "kid": kid, "alg": algorithm, "k": k, "hallpass": entry})
    };
    let services = json!({
        "issuer": "platform", "owner": "platform", "types": ["service", "background"],
        "scopes": ["labeler:read", "labeler:write"], "audiences": ["labeler"],
        "profile": "hybrid-v1",
    });
    let clients = json!({
        "issuer": "clients", "owner": "platform", "types": ["user"],
        "scopes": ["platform:read"], "audiences": ["platform"], "profile": "bearer-v1",
    });
    let ring = json!({"keys": [
        key("services", "HS256", SERVICES, services),
        key("clients", "HS256", CLIENTS, clients),
    ]});
    KeyRing::parse(&ring.to_string(), &|_| Err("none in this test".to_owned())).unwrap()
}

#[test]
fn tokens_of_pyjwt() {
    let Some(minted) = mint() else { return };
    let now = UnixTime::from_secs(minted["now"].as_u64().unwrap());
    let ring = ring();
    let verify = |name: &str| ring.verify(minted[name].as_str().unwrap(), now);

    let service = verify("service").unwrap();
    let claims = service.claims();
    assert_eq!(claims.token_type, TokenType::Service);
    assert_eq!(claims.subject.as_deref(), Some("1"));
    assert_eq!(claims.service.as_deref(), Some("platform"));
    assert_eq!(claims.scopes.to_string(), "labeler:read");
    assert_eq!(claims.audience, ["labeler"]);
    assert_eq!(claims.expires_at.unwrap().as_secs(), now.as_secs() + 300);

    for (name, job) in [("background", None), ("job", Some("123")), ("job-text", Some("job-7"))] {
        let token = verify(name).unwrap();
        let claims = token.claims();
        assert_eq!(claims.token_type, TokenType::Background, "{name}");
        assert_eq!(claims.subject, None);
        assert_eq!(claims.service.as_deref(), Some("platform-training"));
        assert_eq!(claims.job_id.as_deref(), job);
        assert_eq!(claims.expires_at.unwrap().as_secs(), now.as_secs() + 3600);
    }

    for (name, ends) in [("client", None), ("client-week", Some(now.as_secs() + 604_800))] {
        let token = verify(name).unwrap();
        assert_eq!(token.claims().token_type, TokenType::User, "{name}");
        assert_eq!(token.claims().subject.as_deref(), Some("client"));
        assert_eq!(token.expires_at().map(UnixTime::as_secs), ends);
    }
    assert!(verify("named").is_ok());

    assert_eq!(verify("expired").unwrap_err(), TokenError::Expired);
    assert_eq!(verify("other-secret").unwrap_err(), TokenError::BadSignature);
    assert_eq!(verify("none").unwrap_err(), TokenError::UnknownKey);
    // RFC 7519, section 2: a NumericDate may have a fraction.
    assert!(verify("float").is_ok());
    assert_eq!(verify("wide").unwrap_err(), TokenError::ScopeNotAllowed);
}

/// The other way round: what is minted here for a bare secret is what `PyJWT` makes of the same claims, and `PyJWT` takes it.
#[test]
fn pyjwt_takes_a_bearer_token() {
    use hallpass_token::{Algorithm, mint_bearer};
    let Some(minted) = mint() else { return };
    let now = UnixTime::from_secs(minted["now"].as_u64().unwrap());
    let token = mint_bearer(&CLIENTS.into(), Algorithm::Hs256, "client", now, None).unwrap();
    let theirs = inspect(minted["client"].as_str().unwrap()).unwrap();
    let ours = inspect(token.expose()).unwrap();
    assert_eq!((ours.header, ours.payload), (theirs.header, theirs.payload));
    let check =
        "import jwt, sys; print(jwt.decode(sys.argv[1], sys.argv[2], algorithms=['HS256'])['sub'])";
    let output = Command::new(python()).args(["-c", check, token.expose(), CLIENTS]).output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap().trim(), "client");
}
