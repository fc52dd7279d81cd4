//! Tokens from a key ring: what the key's entry says is the default, and what it does not allow is not minted.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use hallpass_token::{Algorithm, Key, KeyRing, KeySpec, KeyState, Profile, TokenType, generate};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::{Ran, SECRET, hallpass, parts};

fn key(kid: &str, owner: &str, types: &[TokenType], scopes: &[&str], audience: &str) -> Key {
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: owner.to_owned(),
        owner: owner.to_owned(),
        types: types.to_vec(),
        scopes: scopes.iter().copied().collect(),
        audiences: vec![audience.to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).unwrap()
}

/// A data folder as `up` makes it.
pub(crate) struct Data(pub(crate) TempDir);

impl Data {
    pub(crate) fn new() -> Self {
        let user = key(
            "users-1",
            "hallpass",
            &[TokenType::User],
            &["datasets:read", "datasets:write", "revocations:admin"],
            "platform",
        );
        let kinds = [TokenType::Service, TokenType::Background];
        let scopes = ["labeler:read", "labeler:write"];
        let platform = key("platform-1", "platform", &kinds, &scopes, "labeler");
        let data = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(data.0.path().join("keys")).unwrap();
        data.write("platform", vec![platform.clone(), user.public().unwrap()]);
        data.write("labeler", vec![platform.public().unwrap()]);
        data.write("users", vec![user]);
        data
    }

    fn write(&self, name: &str, keys: Vec<Key>) {
        let ring = KeyRing::new(keys).unwrap().to_json();
        let file = self.ring(name);
        std::fs::write(&file, ring.expose_secret()).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn ring(&self, name: &str) -> PathBuf {
        self.0.path().join("keys").join(format!("{name}.json"))
    }

    pub(crate) fn folder(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    pub(crate) fn mint(&self, flags: &[&str]) -> Ran {
        hallpass(&[&["token", "mint", "--data", self.folder()], flags].concat()).run()
    }
}

fn life(payload: &Value) -> u64 {
    payload["exp"].as_u64().unwrap() - payload["iat"].as_u64().unwrap()
}

#[test]
fn a_user_token_has_what_the_key_may_sign_and_lives_an_hour() {
    let data = Data::new();
    let minted = data.mint(&["--subject", "alice"]);
    let (header, payload) = parts(minted.token());
    assert_eq!(header, json!({"alg": "EdDSA", "kid": "users-1", "typ": "hallpass-user+jwt"}));
    assert_eq!(payload["sub"], "alice");
    assert_eq!(payload["iss"], "hallpass");
    assert_eq!(payload["aud"], json!("platform"));
    assert_eq!(payload["scopes"], json!(["datasets:read", "datasets:write"]));
    assert_eq!(life(&payload), 3_600);
    let admin = data.mint(&["--scope", "revocations:admin"]);
    assert_eq!(
        parts(admin.token()).1["scopes"],
        json!(["revocations:admin"]),
        "only where asked for"
    );
    assert_ne!(minted.token(), data.mint(&["--subject", "alice"]).token(), "ids differ");
    assert_eq!(parts(data.mint(&[]).token()).1["sub"], "client");
}

/// What elevated operations ask for: roles, factors, and when they were shown.
#[test]
fn what_a_user_is_and_has_proved_stands_in_their_token() {
    let data = Data::new();
    let plain = parts(data.mint(&[]).token()).1;
    for claim in ["roles", "amr", "auth_time"] {
        assert!(plain.get(claim).is_none(), "{claim}");
    }
    let flags = ["--role", "admin", "--role", "keeper", "--amr", "pwd", "--amr", "otp"];
    let payload = parts(data.mint(&flags).token()).1;
    assert_eq!(payload["roles"], json!(["admin", "keeper"]));
    assert_eq!(payload["amr"], json!(["pwd", "otp"]));
    assert_eq!(payload["auth_time"], payload["iat"]);
    let refused =
        hallpass(&["token", "mint", "--role", "admin"]).env("JWT_SECRET_KEY", SECRET).run();
    assert!(refused.code == 2 && refused.stderr.contains("--role"), "{refused:?}");
}

#[test]
fn a_service_token_is_platform_s_and_reads_unless_asked() {
    let data = Data::new();
    let (header, payload) = parts(data.mint(&["--type", "service", "--subject", "alice"]).token());
    assert_eq!(header["typ"], "hallpass-service+jwt");
    assert_eq!(payload["service"], "platform");
    assert_eq!(payload["scopes"], json!(["labeler:read"]));
    assert_eq!(life(&payload), 300);
    for scopes in
        [&["--scope", "labeler:read,labeler:write"][..], &["--scope", "labeler:write labeler:read"]]
    {
        let minted = data.mint(&[&["--type", "service"], scopes].concat());
        assert_eq!(parts(minted.token()).1["scopes"], json!(["labeler:read", "labeler:write"]));
    }
}

#[test]
fn a_background_token_has_no_subject_and_knows_its_job() {
    let data = Data::new();
    let flags = ["--type", "background", "--job-id", "job-7", "--resource", "dataset:ds_1"];
    let (_, payload) = parts(data.mint(&flags).token());
    assert!(payload["sub"].is_null());
    assert_eq!(payload["service"], "platform-training");
    assert_eq!(payload["job_id"], "job-7");
    assert_eq!(payload["resource"], json!({"type": "dataset", "id": "ds_1"}));
    assert_eq!(life(&payload), 3_600);
}

#[test]
fn what_the_entry_does_not_allow_is_not_minted() {
    let data = Data::new();
    let cases: &[(&[&str], &str)] = &[
        (&["--scope", "labeler:read"], "may not sign the scope labeler:read; right: datasets:read"),
        (&["--audience", "labeler"], "audience labeler; right: platform"),
        (&["--kid", "absent"], "right: one of users-1"),
        (&["--kid", "users-1", "--type", "service"], "private part"),
        (&["--expires-in", "never"], "without end"),
        (&["--type", "service", "--expires-in", "1h"], "longer"),
        (&["--type", "background", "--expires-in", "2d"], "longer"),
        (&["--type", "background", "--subject", "alice"], "sub"),
        (&["--type", "service", "--service", "labeler"], "service"),
        (&["--service", "platform"], "service"),
    ];
    for (flags, saying) in cases {
        data.mint(flags).fails(1, saying);
    }
}

#[test]
fn the_ring_is_the_flag_s_then_the_variable_s_then_the_folder_s() {
    let data = Data::new();
    let mint = ["token", "mint"];
    let named = hallpass(&mint).env("HALLPASS_DATA", data.folder()).env("JWT_SECRET_KEY", SECRET);
    assert_eq!(parts(named.run().token()).0["kid"], "users-1");
    let ring = data.ring("users");
    let flag = hallpass(&["token", "mint", "--ring", ring.to_str().unwrap()]);
    assert_eq!(parts(flag.env("HALLPASS_DATA", "absent").run().token()).0["kid"], "users-1");
    let unset = hallpass(&mint).env("HALLPASS_DATA", "").env("JWT_SECRET_KEY", SECRET);
    assert_eq!(parts(unset.run().token()).0["alg"], "HS256");
    let secret = hallpass(&["token", "mint", "--secret", SECRET]).env("HALLPASS_DATA", "absent");
    assert_eq!(parts(secret.run().token()).0["alg"], "HS256");
}

#[test]
fn keys_are_listed_without_their_secrets() {
    let data = Data::new();
    let file = std::fs::read_to_string(data.ring("platform")).unwrap();
    let ring: Value = serde_json::from_str(&file).unwrap();
    let private = ring["keys"][0]["d"].as_str().unwrap().to_owned();
    for output in ["text", "json"] {
        let listed = hallpass(&["keys", "list", "--data", data.folder(), "--output", output]).run();
        assert_eq!(listed.code, 0, "{listed:?}");
        for kid in ["users-1", "platform-1", "labeler:write", "EdDSA", "active"] {
            assert!(listed.stdout.contains(kid), "{kid}: {listed:?}");
        }
        assert!(!listed.stdout.contains(&private));
    }
    let ring = data.ring("labeler");
    let listed =
        hallpass(&["keys", "list", "--ring", ring.to_str().unwrap(), "--output", "json"]).run();
    assert_eq!(listed.json()[0]["signs"], false);
}

#[test]
fn a_secret_that_outranks_a_data_folder_is_pointed_out() {
    let data = Data::new();
    let here = TempDir::new().unwrap();
    let mint = |secret: Option<&str>, flags: &[&str]| {
        let mut mint = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        mint.args(["token", "mint"]).args(flags).env_remove("HALLPASS_DATA");
        mint.env_remove("JWT_SECRET_KEY").envs(secret.map(|secret| ("JWT_SECRET_KEY", secret)));
        let minted = mint.current_dir(here.path()).output().unwrap();
        String::from_utf8(minted.stderr).unwrap()
    };
    let folder = here.path().join("hallpass-data");
    std::os::unix::fs::symlink(data.folder(), &folder).unwrap();
    let told = mint(Some(SECRET), &[]);
    std::fs::remove_file(&folder).unwrap();
    assert!(
        told.contains("note: JWT_SECRET_KEY is set and is used, not the keys in ./hallpass-data"),
        "{told}"
    );
    assert_eq!(mint(Some(SECRET), &[]), "", "there is no folder");
    assert_eq!(mint(Some(SECRET), &["--data", data.folder()]), "", "the folder was named");
}
