//! What comes from outside steers neither the program nor the terminal.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::run::{SECRET, hallpass};

fn token(header: &str, payload: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(header), encode(payload), encode("signature"))
}

/// Texts that are no token, or a strange one.
fn hostile() -> Vec<Vec<u8>> {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut texts: Vec<Vec<u8>> = [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d",
        "Bearer a.b.c",
        "=.=.=",
        "\0.\0.\0",
        "é.é.é",
        "-",
        "--",
        "%00.%00.%00",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let payloads = [
        "",
        "null",
        "[]",
        "7",
        "\"x\"",
        "{",
        "{}}",
        r#"{"a":1,"a":2}"#,
        "{\"a\":\"\u{1b}[2J\"}",
        r#"{"exp":-1}"#,
        r#"{"exp":1e400}"#,
        r#"{"exp":18446744073709551615}"#,
        r#"{"exp":1.5e300,"iat":"x","nbf":null}"#,
        r#"{"exp":99999999999999999999999}"#,
        &deep,
        r#"{"sub":"\ud800"}"#,
        r#"{"iat":[1],"nbf":{"a":1}}"#,
        r#"{"":""}"#,
    ];
    texts.extend(payloads.map(|payload| token(header, payload).into_bytes()));
    let headers = [
        "",
        "{}",
        "[]",
        r#"{"alg":7}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256","crit":["x"]}"#,
        &deep,
    ];
    texts.extend(headers.map(|header| token(header, r#"{"sub":"a"}"#).into_bytes()));
    texts.push(vec![b'a'; 2_000_000]);
    texts.push(vec![0xff, 0xfe, b'.', 0xff]);
    texts
}

#[test]
fn inspect_and_verify_never_panic() {
    for text in hostile() {
        for command in ["inspect", "verify"] {
            for output in ["text", "json"] {
                let arguments = ["token", command, "-", "--output", output];
                let ran = hallpass(&arguments).env("JWT_SECRET_KEY", SECRET);
                let ran = ran.stdin(text.clone()).run();
                let shown = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
                assert!(matches!(ran.code, 0 | 1), "{command} {shown:?}: {ran:?}");
                assert!(!ran.stderr.contains("panicked"), "{command} {shown:?}: {ran:?}");
                assert!(!(command == "verify" && ran.code == 0), "{shown:?}: {ran:?}");
            }
        }
    }
}

#[test]
fn what_a_token_says_is_printed_without_steering_the_terminal() {
    let payload = "{\"sub\":\"\\u001b[2Jx\\u009b1m\\u202ey\",\"\\u001b]0;t\\u0007\":\"\u{202e}\"}";
    for output in ["text", "json"] {
        let arguments = ["token", "inspect", "-", "--output", output];
        let ran = hallpass(&arguments).stdin(token(r#"{"alg":"HS256"}"#, payload)).run();
        assert_eq!(ran.code, 0, "{ran:?}");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.stdout.contains(steers), "{:?}", ran.stdout);
    }
}

#[test]
fn inspect_says_that_it_does_not_verify_and_keeps_the_signature_back() {
    let minted = hallpass(&["token", "mint", "--expires-in", "2h"]).env("JWT_SECRET_KEY", SECRET);
    let minted = minted.run();
    let signature = minted.token().rsplit('.').next().unwrap();
    let text = hallpass(&["token", "inspect", minted.token()]).run();
    assert!(text.stdout.starts_with("NOT VERIFIED"), "{text:?}");
    assert!(text.stdout.contains("Z, in "), "times in human form: {text:?}");
    assert!(text.stdout.contains("lives for another "), "{text:?}");
    let json = hallpass(&["token", "inspect", "-", "--output", "json"]).stdin(minted.token()).run();
    assert_eq!(json.json()["verified"], false);
    assert!((7_190..=7_200).contains(&json.json()["remaining_seconds"].as_u64().unwrap()));
    for ran in [text, json] {
        assert!(!ran.stdout.contains(signature), "{ran:?}");
    }
}
