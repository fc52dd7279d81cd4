//! Rings are made, given away and changed; what signs stays where it is, and what would leave a service without a key is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::run::{Ran, SECRET, hallpass};

fn keys(folder: &TempDir, arguments: &str) -> Ran {
    let path = |word: &str| {
        let named = word.contains(".json") || word == "FOLDER";
        if named {
            folder.path().join(word.replace("FOLDER", "")).display().to_string()
        } else {
            word.to_owned()
        }
    };
    let arguments: Vec<_> =
        std::iter::once("keys".to_owned()).chain(arguments.split(' ').map(path)).collect();
    hallpass(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).run()
}

fn made(folder: &TempDir) {
    let made = keys(
        folder,
        "generate orders-1 --ring orders.json --owner orders --type service --scope labeler:read --audience labeler",
    );
    assert_eq!(made.code, 0, "{made:?}");
}

fn text(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

fn state(folder: &TempDir, ring: &str, kid: &str) -> String {
    let listed = keys(folder, &format!("list --ring {ring} --output json")).json();
    let rows = listed.as_array().unwrap().clone();
    let row = rows.iter().find(|row| row["kid"] == kid).unwrap_or_else(|| panic!("{listed}"));
    format!(
        "{} {}",
        row["state"].as_str().unwrap(),
        if row["signs"] == true { "signs" } else { "verifies" }
    )
}

#[test]
fn a_key_is_made_given_away_and_rotated() {
    let folder = TempDir::new().unwrap();
    made(&folder);
    let mode = std::fs::metadata(folder.path().join("orders.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "its owner alone can read it");

    let exported = keys(&folder, "export --ring orders.json");
    assert!(
        exported.stdout.contains("\"orders-1\"") && !exported.stdout.contains("\"d\""),
        "{exported:?}"
    );
    std::fs::write(folder.path().join("public.json"), &exported.stdout).unwrap();
    let gateway = keys(
        &folder,
        "generate gateway-1 --ring gateway.json --owner gateway --type service --audience orders",
    );
    assert_eq!(gateway.code, 0, "{gateway:?}");
    assert_eq!(keys(&folder, "add public.json --ring gateway.json").code, 0);
    assert_eq!(state(&folder, "gateway.json", "orders-1"), "active verifies");

    let prepared =
        keys(&folder, "rotate orders-1 --ring orders.json --ring gateway.json --prepare");
    assert_eq!(prepared.code, 0, "{prepared:?}");
    assert_eq!(state(&folder, "orders.json", "orders-2"), "next signs");
    assert_eq!(state(&folder, "gateway.json", "orders-2"), "next verifies");
    // The second step takes the key that the first has made.
    let rotated =
        keys(&folder, "rotate orders-1 --ring orders.json --ring gateway.json --settle 0");
    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert_eq!(state(&folder, "orders.json", "orders-2"), "active signs");
    assert_eq!(state(&folder, "orders.json", "orders-1"), "active verifies");
    assert_eq!(state(&folder, "gateway.json", "orders-2"), "active verifies");
    assert!(!text(&folder, "orders.json").contains("orders-3"));

    assert_eq!(keys(&folder, "retire orders-1 --ring orders.json --ring gateway.json").code, 0);
    assert_eq!(state(&folder, "gateway.json", "orders-1"), "retired verifies");
}

#[test]
fn a_plain_jwks_has_what_the_standard_has() {
    let folder = TempDir::new().unwrap();
    made(&folder);
    let jwks = keys(&folder, "export --ring orders.json --jwks").json();
    let members: Vec<_> = jwks["keys"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
}

#[test]
fn what_must_not_be_is_refused_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    made(&folder);
    let shared = "generate group-1 --ring group.json --owner group --type service --audience labeler --algorithm HS256";
    assert_eq!(keys(&folder, shared).code, 0);
    std::fs::copy(folder.path().join("orders.json"), folder.path().join("private.json")).unwrap();
    std::fs::write(
        folder.path().join("public.json"),
        keys(&folder, "export --ring orders.json").stdout,
    )
    .unwrap();
    let before = (text(&folder, "orders.json"), text(&folder, "group.json"));
    let refused = [
        (
            "generate orders-1 --ring orders.json --owner orders --type service --audience labeler",
            "orders-1",
        ),
        (
            "generate x --ring orders.json --owner orders --type user --type service --audience labeler",
            "x",
        ),
        ("export --ring group.json", "shared secrets are not given away"),
        ("export --ring orders.json --kid other", "has no such key"),
        ("add private.json --ring group.json", "holds what signs"),
        ("add public.json --ring orders.json", "this ring signs with a key of that name"),
        ("retire orders-1 --ring orders.json", "nothing else here signs"),
        ("retire other --ring orders.json", "in no ring here"),
        ("rotate other --ring orders.json", "in no ring here"),
        ("rotate orders-1 --ring public.json", "no ring here holds what signs"),
        ("rotate orders-1 --ring absent.json", "absent.json"),
    ];
    for (arguments, saying) in refused {
        keys(&folder, arguments).fails(1, saying);
    }
    assert_eq!((text(&folder, "orders.json"), text(&folder, "group.json")), before);
    assert_eq!(keys(&folder, "retire orders-1 --ring orders.json --force").code, 0);
}

#[test]
fn two_commands_do_not_change_the_rings_of_a_folder_at_once() {
    let folder = TempDir::new().unwrap();
    made(&folder);
    let lock = std::fs::File::create(Path::new(folder.path()).join(".lock")).unwrap();
    lock.lock().unwrap();
    keys(&folder, "retire orders-1 --ring orders.json --force").fails(1, "another command");
    lock.unlock().unwrap();
    assert_eq!(keys(&folder, "retire orders-1 --ring orders.json --force").code, 0);
}

#[test]
fn a_shared_secret_is_added_by_its_place_and_never_written_down() {
    let folder = TempDir::new().unwrap();
    made(&folder);
    let ring = folder.path().join("orders.json");
    let ring = ring.to_str().unwrap();
    let add = |place: &str| {
        let own = ["keys", "add", "--secret", place, "--kid", "old", "--owner", "platform"];
        let more = ["--type", "service", "--profile", "hybrid-v1", "--scope", "labeler:read"];
        let rest = ["--audience", "labeler", "--ring", ring];
        hallpass(&[&own[..], &more, &rest].concat()).env("OLD_SECRET", SECRET)
    };
    add(SECRET).run().fails(2, "--secret: names no place; right: env:NAME, file:PATH or ssm:/path");
    assert!(!add(SECRET).run().stderr.contains(SECRET));
    add("env:NO_SECRET").run().fails(1, "env:NO_SECRET: not set");
    let added = add("env:OLD_SECRET").run();
    assert_eq!((added.code, added.stdout.contains("its secret in env:OLD_SECRET")), (0, true));
    let kept = std::fs::read_to_string(ring).unwrap();
    assert!(kept.contains("env:OLD_SECRET") && !kept.contains(SECRET), "{kept}");
    let list = hallpass(&["keys", "list", "--ring", ring, "--output", "json"]);
    let listed = list.env("OLD_SECRET", SECRET).run().json();
    let rows = listed.as_array().unwrap();
    let row = rows.iter().find(|row| row["kid"] == "old").unwrap();
    assert_eq!((&row["profile"], &row["issuer"]), (&"hybrid-v1".into(), &"platform".into()));
    hallpass(&["keys", "add", "--ring", ring]).run().fails(2, "--secret");
    hallpass(&["keys", "add", "--secret", "env:OLD_SECRET", "--ring", ring])
        .run()
        .fails(2, "--kid");
}
