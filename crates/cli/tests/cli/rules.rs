//! The matrix of rules, reviewed as a diff: `UPDATE_GOLDEN=1 cargo test` writes it anew.

use std::path::Path;

use hallpass_contract::RULES;

use crate::run::hallpass;

fn compare(name: &str, printed: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, printed).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        golden == printed,
        "tests/golden/{name} differs from what is printed; if the change is meant, run with UPDATE_GOLDEN=1 and review the \
         diff. Printed:\n{printed}"
    );
}

#[test]
fn the_table_is_as_reviewed() {
    compare("rules.txt", &hallpass(&["rules"]).run().stdout);
}

#[test]
fn the_json_is_as_reviewed_and_has_every_rpc() {
    let ran = hallpass(&["rules", "--output", "json"]).run();
    compare("rules.json", &ran.stdout);
    let json = ran.json();
    let rows = json.as_array().unwrap();
    for rule in RULES {
        let row = rows.iter().find(|row| row["rpc"] == rule.path.trim_start_matches('/'));
        let row = row.unwrap_or_else(|| panic!("{} is not printed", rule.path));
        for member in [
            "tokens",
            "scope",
            "audience",
            "resource",
            "delegates",
            "when_stale",
            "request_bytes",
            "description",
        ] {
            assert!(row.get(member).is_some(), "{}: no {member}", rule.path);
        }
    }
}
