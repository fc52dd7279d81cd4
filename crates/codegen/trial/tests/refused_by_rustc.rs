//! What must not compile does not: a service without its checks, a proof that nobody made, one proof taken for another.
//!
//! Each case is the same small program, which compiles, with one change; the compiler has to refuse it with the errors
//! expected and no others.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that serves the desk and compiles.
const DESK: &str = r"
use hallpass_trial::can;
use hallpass_trial::policy::{DecisionId, Denial, Granted, ObjectPolicy, Permit, Refusal, Seen, Visible};
use hallpass_trial::v1::{self, Answer, DeskService, ListLoansRequest, ReturnBookRequest};

struct Desk;

impl DeskService for Desk {
    type Error = Refusal;

    async fn return_book(&self, book: Granted<can::WriteBook>, _: ReturnBookRequest) -> Result<Answer, Refusal> {
        store(&book);
        Ok(Answer { given: Vec::new() })
    }

    async fn list_loans(&self, books: Visible<can::ReadBook>, _: ListLoansRequest) -> Result<Seen<Answer>, Refusal> {
        let seen = books.look(async |_| Ok(Answer { given: Vec::new() })).await;
        seen
    }
}

fn store(_: &Granted<can::WriteBook>) {}

pub fn serve(policy: impl ObjectPolicy) {
    let served = v1::serve_desk_service(Desk, policy);
    drop(served);
}
";

const RETURN: &str =
    "async fn return_book(&self, book: Granted<can::WriteBook>, _: ReturnBookRequest)";
const STORE: &str = "store(&book);";
const SEEN: &str = "        seen\n";
const SERVE: &str = "v1::serve_desk_service(Desk, policy)";

#[test]
fn the_program_that_all_cases_change_compiles() {
    assert_eq!(errors(DESK), "");
}

#[test]
fn a_proof_of_write_is_not_taken_where_read_was_checked() {
    refused(
        "a handler that takes another proof",
        &[
            ("book: Granted<can::WriteBook>, _: Ret", "book: Granted<can::ReadBook>, _: Ret"),
            (STORE, ""),
        ],
        "E0053",
    );
    refused(
        "a store that wants another proof",
        &[("fn store(_: &Granted<can::WriteBook>)", "fn store(_: &Granted<can::ReadBook>)")],
        "E0308",
    );
}

#[test]
fn a_handler_without_its_proof() {
    refused(
        "no proof",
        &[(RETURN, "async fn return_book(&self, _: ReturnBookRequest)"), (STORE, "")],
        "E0050",
    );
    refused(
        "the permit in its place",
        &[(RETURN, "async fn return_book(&self, _: Permit, _: ReturnBookRequest)"), (STORE, "")],
        "E0053",
    );
    refused(
        "a list that was not selected for the caller",
        &[
            ("Result<Seen<Answer>, Refusal>", "Result<Answer, Refusal>"),
            (SEEN, "        seen.map(Seen::into_inner)\n"),
        ],
        "E0271",
    );
}

#[test]
fn a_service_without_its_adapter() {
    refused(
        "tonic's module by its usual name",
        &[(SERVE, "v1::desk_service_server::DeskServiceServer::new(Desk)")],
        "E0433",
    );
    refused(
        "tonic's module inside the adapter's",
        &[(SERVE, "v1::desk_service_adapter::desk_service_server::DeskServiceServer::new(Desk)")],
        "E0603",
    );
    refused(
        "the adapter itself",
        &[(SERVE, "v1::desk_service_adapter::Adapter { handler: Desk, policy }")],
        "E0603",
    );
    refused("no policy", &[(SERVE, "v1::serve_desk_service(Desk)")], "E0061");
    refused("a policy that is none", &[(SERVE, "v1::serve_desk_service(Desk, ())")], "E0277");
}

#[test]
fn proofs_that_nobody_made() {
    refused(
        "a grant",
        &[(STORE, "let made = Granted::<can::WriteBook> { ..book }; store(&made);")],
        "E0451",
    );
    refused(
        "a grant by its own function",
        &[(
            STORE,
            "let made = Granted::<can::WriteBook>::make(book.permit().clone(), todo!()); store(&made);",
        )],
        "E0624",
    );
    refused(
        "a grant by default",
        &[(STORE, "let made = Granted::<can::WriteBook>::default(); store(&made);")],
        "E0599",
    );
    refused(
        "a view",
        &[(
            SEEN,
            "        let made = Visible::<can::ReadBook> { ..books };\n        drop(made);\n        seen\n",
        )],
        "E0451",
    );
    refused(
        "a seen list",
        &[(SEEN, "        drop(seen);\n        Ok(Seen(Answer { given: Vec::new() }))\n")],
        "E0423",
    );
    refused(
        "a permit",
        &[(STORE, "let made = Permit { ..book.permit().clone() }; drop(made);")],
        "E0451",
    );
    refused(
        "a public permit",
        &[(
            STORE,
            "let made = Permit::public(book.permit().rule(), DecisionId::new(0, 0)); drop(made);",
        )],
        "E0624",
    );
}

#[track_caller]
fn refused(what: &str, edits: &[(&str, &str)], code: &str) {
    let program = edits.iter().fold(DESK.to_owned(), |program, (old, new)| {
        assert_eq!(program.matches(old).count(), 1, "{old:?} in the program");
        program.replace(old, new)
    });
    assert_eq!(errors(&program), code, "{what}");
}

/// The codes of the compiler's errors, or nothing if it is content.
fn errors(program: &str) -> String {
    let built = env::current_exe().unwrap().parent().unwrap().to_owned();
    let out = tempfile::tempdir().unwrap();
    let source = out.path().join("desk.rs");
    fs::write(&source, program).unwrap();
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--cap-lints=allow"])
        .arg("--extern")
        .arg(format!("hallpass_trial={}", newest_trial(&built).display()))
        .arg("-L")
        .arg(format!("dependency={}", built.display()))
        .arg("--out-dir")
        .arg(out.path())
        .arg(&source)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let codes: BTreeSet<_> = stderr
        .lines()
        .filter_map(|line| Some(line.strip_prefix("error[")?.split_once(']')?.0))
        .collect();
    assert_eq!(output.status.success(), codes.is_empty(), "{stderr}");
    codes.into_iter().collect::<Vec<_>>().join(" ")
}

/// The trial as it was built last: this test stands on it, so cargo has just seen to it.
fn newest_trial(built: &Path) -> PathBuf {
    let libraries =
        fs::read_dir(built).unwrap().map(|entry| entry.unwrap().path()).filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("libhallpass_trial-") && name.ends_with(".rlib")
        });
    libraries
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .expect("cargo builds a package's library before its tests")
}
