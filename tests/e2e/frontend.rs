//! Compressed tokens that another system mints, on the running mesh: they open sessions, and do in a bucket what they name.
//!
//! Needs a Python with `PyJWT`, an encoder that is not ours: `TEST_PYTHON` names the interpreter, `python3` otherwise. Without it the
//! tests say loudly that they are skipped, and fail where `CI` is set.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::datasets::text;
use crate::mesh::{HALLPASS, Mesh, ring_file};
use crate::tools::{Ran, run};

const SECRET: &str = "q7VJx2mN0sKc9eRzB4uYhT1wLpDfGa8iOoXk5ZCnM3E";

/// 32 buckets and 24 permissions as `patterns` and codes; then the same with the claims of the argument laid over.
const MINT: &str = "import json, jwt, sys, time\n\
    secret, change = sys.argv[1], json.loads(sys.argv[2])\n\
    now = int(time.time())\n\
    codes = 'g p d l la gv pa amu gm pm dm gl pl dl gt pt dt gr pr dr gc pc dc gb'.split()\n\
    teams = ['%d-a-bucket-with-a-long-name-as-real-ones-have' % n for n in range(31)]\n\
    claims = {'iss': 'frontend', 'aud': 'platform', 'sub': 'alice', 'iat': now, 'exp': now + 3600,\n\
    \x20   'jti': str(time.time_ns()), 's': 'datasets:read datasets:write', 'p': codes, 'r': ['ReadWrite'],\n\
    \x20   'b': {'_type': 'patterns', '_data': {'quilt': teams, 'other': ['datasets']}}}\n\
    claims.update(change)\n\
    claims = {k: v for k, v in claims.items() if v is not None}\n\
    print(jwt.encode(claims, secret, algorithm='HS256', headers={'kid': 'frontend'}))";

/// A token of the frontend; `None` where there is no `PyJWT`.
fn mint(change: &Value) -> Option<String> {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_pyjwt = Command::new(&python).args(["-c", "import jwt"]).output();
    if !has_pyjwt.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "{python} has no PyJWT; set TEST_PYTHON");
        eprintln!("\n*** SKIPPED: {python} has no PyJWT; TEST_PYTHON names another ***\n");
        return None;
    }
    let minted = run(Command::new(&python).args(["-c", MINT, SECRET, &change.to_string()]));
    assert_eq!(minted.code, 0, "{minted:?}");
    Some(minted.stdout.trim_end().to_owned())
}

/// A mesh whose Platform takes the frontend's tokens, as docs/authentication.md tells.
fn mesh() -> Mesh {
    let data = Mesh::up().kill();
    let secret = data.path().join("frontend.secret");
    fs::write(&secret, SECRET).expect("written");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("its owner's alone");
    let ring = ring_file(data.path(), "platform");
    let mut keys: Value =
        serde_json::from_slice(&fs::read(&ring).expect("a ring")).expect("a ring is JSON");
    keys["keys"].as_array_mut().expect("keys").push(json!({
        "kty": "oct", "kid": "frontend", "alg": "HS256",
        "hallpass": {
            "issuer": "frontend", "owner": "frontend", "types": ["user"], "profile": "storage-v1",
            "scopes": ["datasets:read", "datasets:write"], "audiences": ["platform"],
            "state": "active", "secret": format!("file:{}", secret.display()),
        },
    }));
    fs::write(&ring, keys.to_string()).expect("written");
    Mesh::over(data, &[])
}

fn with(mesh: &Mesh, credential: &str, arguments: &[&str]) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    run(command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", credential))
}

/// The handle of a session for this token.
fn opened(mesh: &Mesh, token: &str) -> String {
    let ran = with(mesh, token, &["session", "open"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout.trim_end().to_owned()
}

#[test]
fn a_compressed_token_opens_a_session_and_does_in_its_buckets_what_it_names() {
    let Some(token) = mint(&json!({})) else { return };
    let mesh = mesh();
    let handle = opened(&mesh, &token);
    let told = with(&mesh, &handle, &["whoami"]);
    assert!(told.stdout.contains("Buckets: 32 | Permissions: 24"), "{told:?}");
    let listed = with(&mesh, &handle, &["dataset", "list", "--output", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&listed.stdout).expect("a list");
    let id = rows[0]["dataset_id"].as_str().expect("the sample lies in a granted bucket");
    let target = tempfile::tempdir().expect("a folder");
    let pull = |credential: &str, name: &str| {
        with(&mesh, credential, &["dataset", "pull", id, text(&target.path().join(name))])
    };
    assert_eq!(pull(&handle, "whole").code, 0);
    let narrow = |change: &Value| opened(&mesh, &mint(change).expect("PyJWT is there"));
    let elsewhere = narrow(&json!({"b": ["elsewhere"]}));
    let refused = pull(&elsewhere, "elsewhere");
    assert!(refused.code != 0 && refused.stderr.contains("STORAGE_NOT_GRANTED"), "{refused:?}");
    let reader = narrow(&json!({"l": "read"}));
    assert_eq!(pull(&reader, "reader").code, 0);
    let renamed = with(&mesh, &reader, &["dataset", "update", id, "--name", "Other"]);
    assert!(renamed.code != 0 && renamed.stderr.contains("STORAGE_NOT_GRANTED"), "{renamed:?}");
    let none = narrow(&json!({"p": ["l"]}));
    assert!(pull(&none, "none").stderr.contains("STORAGE_NOT_GRANTED"));
}

#[test]
fn what_conflicts_or_claims_more_than_the_key_may_opens_nothing() {
    let Some(conflicting) = mint(&json!({"buckets": ["elsewhere"]})) else { return };
    let mesh = mesh();
    let changes = [
        json!({"b": {"_type": "compressed", "_data": "not base64"}}),
        json!({"b": {"_type": "zip", "_data": {}}}),
        json!({"s": "datasets:read keys:admin"}),
        json!({"iss": "users"}),
        json!({"aud": "labeler"}),
        json!({"exp": null}),
        json!({"type": "user"}),
    ];
    let minted = changes.iter().map(|change| mint(change).expect("PyJWT is there"));
    for (token, change) in
        [(conflicting, &json!("two lists of buckets"))].into_iter().chain(minted.zip(&changes))
    {
        let refused = with(&mesh, &token, &["session", "open"]);
        assert!(
            refused.code != 0 && refused.stderr.contains("TOKEN_INVALID"),
            "{change} {refused:?}"
        );
        assert!(!refused.stderr.contains(&token), "{change}");
    }
}
