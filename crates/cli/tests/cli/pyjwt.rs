//! What is minted here is what `PyJWT` decodes, and what `PyJWT` mints verifies here.
//!
//! Needs a Python with `PyJWT`: `TEST_PYTHON` names the interpreter, `python3` otherwise. Without it the tests say loudly that
//! they are skipped, and fail where `CI` is set.

use std::process::Command;

use serde_json::{Value, json};

use crate::run::{SECRET, hallpass};

/// Runs a script; `None` where there is no `PyJWT`.
fn python(script: &str, arguments: &[&str]) -> Option<String> {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_pyjwt = Command::new(&python).args(["-c", "import jwt"]).output();
    if !has_pyjwt.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "{python} has no PyJWT; set TEST_PYTHON");
        eprintln!("\n*** SKIPPED: {python} has no PyJWT; TEST_PYTHON names another ***\n");
        return None;
    }
    let output = Command::new(&python).args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn pyjwt_decodes_what_is_minted() {
    let decode = "import json, jwt, sys\n\
        t, s, a = sys.argv[1:]\n\
        print(json.dumps([jwt.get_unverified_header(t), jwt.decode(t, s, algorithms=[a])]))";
    for (algorithm, ends) in [("HS256", false), ("HS256", true), ("HS512", true)] {
        let mut arguments = vec!["token", "mint", "--algorithm", algorithm];
        arguments.extend(ends.then_some(["--expires-in", "7d"]).into_iter().flatten());
        let minted = hallpass(&arguments).env("JWT_SECRET_KEY", SECRET).run();
        let Some(decoded) = python(decode, &[minted.token(), SECRET, algorithm]) else { return };
        let decoded: Value = serde_json::from_str(&decoded).unwrap();
        assert_eq!(decoded[0], json!({"alg": algorithm, "typ": "JWT"}));
        let payload = decoded[1].as_object().unwrap();
        assert_eq!(payload["sub"], "client");
        let mut members: Vec<_> = payload.keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, if ends { vec!["exp", "iat", "sub"] } else { vec!["iat", "sub"] });
    }
}

#[test]
fn what_pyjwt_mints_verifies() {
    let mint = "import jwt, sys, time\n\
        now = int(time.time())\n\
        for life in (None, 3600, -3600):\n\
        \x20   claims = {'sub': 'client', 'iat': now - 7200}\n\
        \x20   if life: claims['exp'] = now + life\n\
        \x20   print(jwt.encode(claims, sys.argv[1], algorithm='HS256'))";
    let Some(minted) = python(mint, &[SECRET]) else { return };
    let codes: Vec<_> = minted
        .lines()
        .map(|token| {
            let verify = hallpass(&["token", "verify", "-"]).env("JWT_SECRET_KEY", SECRET);
            verify.stdin(token).run().code
        })
        .collect();
    assert_eq!(codes, [0, 0, 1], "without end, in time, expired");
}
