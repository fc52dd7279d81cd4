//! Elevated operations that are declared badly, in two ways or by two processes, and rules that do not go with them.

use crate::{Case, NOTES, build, refused};

const BURN: &str =
    "actions: {audience: \"notes.burn\" description: \"Burn a note\" single_use: true}";

/// One operation changed, and what is wrong with it.
fn declared(new: &'static str, problem: &'static str) -> Case {
    let says = format!("service acme.v1.NoteService declares the action {problem}");
    Case {
        edits: Box::leak(Box::new([(BURN, new)])),
        at: "service NoteService",
        says: Box::leak(says.into_boxed_str()),
    }
}

#[test]
fn an_operation_that_cannot_be_kept() {
    let life = "\"notes.burn\", whose life has no bounds within 30 to 600 seconds";
    refused(&[
        declared(
            "actions: {audience: \"notes.burn\" single_use: true}",
            "\"notes.burn\", without a description; say in one sentence what it does",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" shortest_life_seconds: 29}",
            life,
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" longest_life_seconds: 601}",
            life,
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" shortest_life_seconds: 90 longest_life_seconds: 60}",
            life,
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" longest_life_seconds: 60 usual_life_seconds: 90}",
            "\"notes.burn\", whose usual life is not within its bounds",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" roles: [\"a\", \"a\"]}",
            "\"notes.burn\", whose roles are not plain words, each named once",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" step_up: {amr: [\"o t p\"]}}",
            "\"notes.burn\", whose factors are not plain words, each named once",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\" step_up: {}}",
            "\"notes.burn\", whose step-up demands nothing; name factors in `amr`, or `max_age_seconds`",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\"} actions: {audience: \"notes.burn\" description: \"B\"}",
            "\"notes.burn\" twice",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\"} actions: {audience: \"notes\" description: \"B\"}",
            "\"notes\", which is a service's audience; name the operation instead",
        ),
        declared(
            "actions: {audience: \"notes.burn\" description: \"B\"} actions: {audience: \"burn it\" description: \"B\"}",
            "\"burn it\", which is not one plain word",
        ),
    ]);
}

#[test]
fn a_rule_that_does_not_go_with_an_operation() {
    refused(&[
        Case {
            edits: &[("      audience: \"notes.burn\"\n", "")],
            at: "rpc BurnNote(",
            says: "rpc acme.v1.NoteService/BurnNote demands an ACTION token without an `audience`; name the operation",
        },
        Case {
            edits: &[("tokens: ACTION", "tokens: USER")],
            at: "rpc BurnNote(",
            says: "rpc acme.v1.NoteService/BurnNote has the audience \"notes.burn\" without ACTION among its tokens; an \
                   audience is an action token's",
        },
        Case {
            edits: &[("tokens: ACTION", "tokens: [USER, ACTION]")],
            at: "rpc BurnNote(",
            says: "rpc acme.v1.NoteService/BurnNote names other tokens beside ACTION; name it alone: the caller's own token \
                   is a user's",
        },
        Case {
            edits: &[("tokens: ACTION", "tokens: [ACTION, BACKGROUND]")],
            at: "rpc BurnNote(",
            says: "rpc acme.v1.NoteService/BurnNote names other tokens beside ACTION; name it alone: the caller's own token \
                   is a user's",
        },
        Case {
            edits: &[("      audience: \"notes.burn\"", "      audience: \"notes.tear\"")],
            at: "rpc BurnNote(",
            says: "rpc acme.v1.NoteService/BurnNote has the audience \"notes.tear\", which its service does not declare as \
                   an action; it declares \"notes.burn\"",
        },
    ]);
}

/// A second service that declares the same operation, as this one says.
fn beside(audience: &str, action: &str) -> String {
    format!(
        "syntax = \"proto3\";

package acme.v1;

import \"hallpass/auth/v1/rule.proto\";

service OtherService {{
  option (hallpass.auth.v1.service) = {{audience: {audience:?} {action}}};

  rpc Burn(OtherRequest) returns (OtherRequest) {{
    option (hallpass.auth.v1.rule) = {{
      tokens: ACTION
      audience: \"notes.burn\"
      description: \"Burn it here\"
    }};
  }}
}}

message OtherRequest {{}}
"
    )
}

#[test]
fn two_services_of_one_process_say_the_same_of_an_operation() {
    let other = |action: &str| {
        let text = beside("notes", action);
        let (problems, root) =
            build(&[("acme/v1/notes.proto", NOTES), ("acme/v1/other.proto", &text)]);
        problems.map_err(|problems| problems.to_string().replace(&root, ""))
    };
    assert_eq!(other(BURN), Ok(()));
    let forgetful = BURN.replace(" single_use: true", "");
    assert_eq!(
        other(&forgetful),
        Err("/acme/v1/other.proto:7: service acme.v1.OtherService declares the action \"notes.burn\" differently from \
             acme.v1.NoteService; declare it in the same words"
            .to_owned())
    );
}

/// Two processes would each claim a token that is good for one call.
#[test]
fn an_operation_belongs_to_one_process() {
    let text = beside("others", BURN);
    let (problems, root) = build(&[("acme/v1/notes.proto", NOTES), ("acme/v1/other.proto", &text)]);
    assert_eq!(
        problems.unwrap_err().to_string().replace(&root, ""),
        "/acme/v1/other.proto:7: service acme.v1.OtherService declares the action \"notes.burn\", which \
         acme.v1.NoteService declares for the audience \"notes\"; one process owns it"
    );
}
