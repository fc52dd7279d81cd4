//! Tokens from a bare secret: exactly `sub`, `iat` and perhaps `exp`.

use serde_json::json;

use crate::run::{SECRET, hallpass, parts};

#[test]
fn without_flags_a_token_for_client_without_end() {
    let ran = hallpass(&["token", "mint"]).env("JWT_SECRET_KEY", SECRET).run();
    let (header, payload) = parts(ran.token());
    assert_eq!(ran.stderr, "");
    assert_eq!(header, json!({"alg": "HS256", "typ": "JWT"}));
    let issued = payload["iat"].as_u64().unwrap();
    assert_eq!(payload, json!({"sub": "client", "iat": issued}));
}

#[test]
fn durations_become_exp() {
    let cases = [
        ("3600s", 3_600),
        ("30m", 1_800),
        ("24h", 86_400),
        ("7d", 604_800),
        ("30d", 2_592_000),
        ("4w", 2_419_200),
    ];
    for (text, secs) in cases {
        let arguments = ["token", "mint", "--expires-in", text, "--subject", "my-service"];
        let ran = hallpass(&arguments).env("JWT_SECRET_KEY", SECRET).run();
        let (_, payload) = parts(ran.token());
        assert_eq!(payload["sub"], "my-service");
        let life = payload["exp"].as_u64().unwrap() - payload["iat"].as_u64().unwrap();
        assert_eq!(life, secs, "{text}");
    }
}

#[test]
fn the_algorithm_is_the_flag_s_then_the_variable_s() {
    let cases = [
        (None, None, "HS256"),
        (None, Some("HS512"), "HS512"),
        (Some("HS512"), None, "HS512"),
        (Some("HS256"), Some("HS512"), "HS256"),
        (Some("HS256"), Some("nonsense"), "HS256"),
    ];
    for (flag, variable, right) in cases {
        let mut arguments = vec!["token", "mint"];
        arguments.extend(flag.iter().flat_map(|name| ["--algorithm", name]));
        let mut command = hallpass(&arguments).env("JWT_SECRET_KEY", SECRET);
        if let Some(name) = variable {
            command = command.env("JWT_ALGORITHM", name);
        }
        assert_eq!(parts(command.run().token()).0["alg"], right, "{flag:?} {variable:?}");
    }
}

#[test]
fn a_secret_on_the_command_line_works_and_warns() {
    let other = "another-secret-for-these-tests-ZyXwVuTs";
    let arguments = ["token", "mint", "--secret", SECRET];
    let ran = hallpass(&arguments).env("JWT_SECRET_KEY", other).run();
    assert!(ran.stderr.starts_with("warning: "), "{ran:?}");
    assert!(!ran.stderr.contains(SECRET));
    let verify = |secret| {
        let verify = hallpass(&["token", "verify", "-"]).env("JWT_SECRET_KEY", secret);
        verify.stdin(ran.token()).run().code
    };
    assert_eq!((verify(SECRET), verify(other)), (0, 1), "the flag wins over the variable");
}

#[test]
fn json_has_the_token_and_its_end() {
    let arguments = ["token", "mint", "--expires-in", "1h", "--output", "json"];
    let minted = hallpass(&arguments).env("JWT_SECRET_KEY", SECRET).run().json();
    let (_, payload) = parts(minted["token"].as_str().unwrap());
    assert_eq!(minted["expires_at"], payload["exp"]);
}
