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

#[test]
fn one_service_is_chosen_by_any_of_its_names() {
    for name in ["JobService", "hallpass.platform.v1.JobService", "jobservice"] {
        let rows = hallpass(&["rules", name, "--output", "json"]).run().json();
        let rows = rows.as_array().unwrap();
        let of_jobs = |row: &serde_json::Value| {
            row["rpc"].as_str().unwrap().starts_with("hallpass.platform.v1.JobService/")
        };
        assert!(rows.len() > 5 && rows.iter().all(of_jobs), "{name}: {rows:?}");
    }
    let labeler = hallpass(&["rules", "labeler"]).run();
    assert!(labeler.stdout.contains("labeler:read") && !labeler.stdout.contains("jobs:read"));
    hallpass(&["rules", "JobServic"]).run().fails(1, "no such service; right: platform, labeler");
}

#[test]
fn every_scope_is_told_with_what_it_is_for() {
    let scopes = hallpass(&["rules", "--scopes", "--output", "json"]).run().json();
    let scopes = scopes.as_array().unwrap();
    let declared = hallpass_contract::SERVICES.iter().flat_map(|service| service.scopes);
    for (scope, description) in declared {
        let told =
            scopes.iter().any(|row| row["scope"] == *scope && row["description"] == *description);
        assert!(told, "{scope}");
    }
    let text = hallpass(&["rules"]).run().stdout;
    assert!(text.lines().any(|line| line.ends_with("Read training jobs")), "{text}");
}

#[test]
fn a_list_fits_the_terminal_unless_all_of_it_is_asked_for() {
    let rules = |columns: &str, flags: &[&str]| {
        hallpass(&[&["rules", "JobService"], flags].concat()).env("COLUMNS", columns).run()
    };
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    for columns in [80, 100, 132] {
        let ran = rules(&columns.to_string(), &[]);
        assert!(widest(&ran.stdout) <= columns, "{ran:?}");
        assert!(ran.stderr.contains("--wide prints all columns"), "{ran:?}");
    }
    let wide = rules("80", &["--wide"]);
    assert!(widest(&wide.stdout) > 132 && wide.stderr.is_empty(), "{wide:?}");
    // Where nobody says how wide it is, as in a pipe, nothing is left out.
    assert_eq!(hallpass(&["rules", "JobService"]).run().stdout, wide.stdout);
}
