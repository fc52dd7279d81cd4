//! Files that do not compile at all, and options that this build does not know.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use hallpass_codegen::Contract;

use crate::{NOTES, build, folder};

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
    assert!(report.starts_with("/acme/v1/notes.proto:17: "), "{report}");
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

fn out_dir() -> PathBuf {
    env::var_os("OUT_DIR").unwrap().into()
}

/// Runs itself once more, as a build script.
#[test]
fn what_cargo_is_told() {
    const ROOT: &str = "ROOT_OF_THE_CONTRACT";
    if let Some(root) = env::var_os(ROOT) {
        let outcome = Contract::new().root(root).build();
        std::fs::write(out_dir().join("outcome"), format!("{outcome:?}")).unwrap();
        return;
    }
    let (root, out) = (folder(&[("acme/v1/notes.proto", NOTES)]), tempfile::tempdir().unwrap());
    let root = root.path();
    let told = || {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "files::what_cargo_is_told", "--nocapture"])
            .env(ROOT, root)
            .env("OUT_DIR", out.path())
            .output()
            .unwrap();
        let outcome = std::fs::read_to_string(out.path().join("outcome")).unwrap();
        String::from_utf8(output.stdout).unwrap() + &outcome
    };
    let good = told();
    assert!(good.contains(&format!("cargo::rerun-if-changed={}\n", root.display())), "{good}");
    assert!(good.contains("ExitCode(unix_exit_status(0))") && !good.contains("error"), "{good}");
    let broken = NOTES.replace("description: \"Answer\"", "");
    std::fs::write(root.join("acme/v1/notes.proto"), broken).unwrap();
    let bad = told();
    let error = format!(
        "cargo::error={}/acme/v1/notes.proto:53: rpc acme.v1.NoteService/Ping has a rule without a description",
        root.display()
    );
    assert!(bad.contains(&error) && bad.contains("ExitCode(unix_exit_status(1))"), "{bad}");
}
