//! Files that do not compile at all, and options that this build does not know.

use crate::{NOTES, build};

fn report(files: &[(&str, &str)]) -> String {
    let (problems, root) = build(files);
    problems.unwrap_err().to_string().replace(&root, "")
}

#[test]
fn the_contract_that_all_cases_change_builds() {
    assert!(build(&[("acme/v1/notes.proto", NOTES)]).0.is_ok());
}

#[test]
fn a_file_that_is_no_proto() {
    let text = NOTES.replace("message Note {}", "massage Note {}");
    let line = 1 + text.lines().position(|line| line.contains("massage")).unwrap();
    let report = report(&[("acme/v1/notes.proto", &text)]);
    assert!(report.starts_with(&format!("/acme/v1/notes.proto:{line}: expected")), "{report}");
}

#[test]
fn a_type_that_is_not_there() {
    let report = report(&[("acme/v1/notes.proto", &NOTES.replace("message Note {}", ""))]);
    assert!(report.starts_with("/acme/v1/notes.proto:16: "), "{report}");
    assert!(report.contains("'Note'"), "{report}");
}

#[test]
fn an_import_that_is_not_there() {
    let text = NOTES.replace("hallpass/auth/v1/rule.proto", "hallpass/auth/v1/rules.proto");
    let report = report(&[("acme/v1/notes.proto", &text)]);
    assert_eq!(report, "/acme/v1/notes.proto:5: import 'hallpass/auth/v1/rules.proto' not found");
}

#[test]
fn an_option_of_another_version() {
    let text = NOTES.replace("description: \"Answer\"", "description: \"Answer\" roles: \"admin\"");
    let line = 1 + text.lines().position(|line| line.contains("rpc Ping(")).unwrap();
    assert_eq!(
        report(&[("acme/v1/notes.proto", &text)]),
        format!(
            "/acme/v1/notes.proto:{}: invalid value of type 'hallpass.auth.v1.Rule' for option '(hallpass.auth.v1.rule)'",
            line + 1
        )
    );
    let other = "syntax = \"proto3\";\npackage hallpass.auth.v1;\n";
    assert_eq!(
        report(&[("acme/v1/notes.proto", NOTES), ("hallpass/auth/v1/rule.proto", other)]),
        "/hallpass/auth/v1/rule.proto: is not the definition of the options that this build knows; take its version"
    );
}
