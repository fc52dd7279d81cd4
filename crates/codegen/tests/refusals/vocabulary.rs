//! Audiences, scopes and resource types that are declared badly, twice or not at all.

use crate::{Case, NOTES, build, edited, refused};

const SCOPES: &str = "    scopes: {name: \"notes:read\" description: \"Read notes\"}\n";

/// A second service, with its own package and a rule on its one RPC.
const DIARY: &str = r#"syntax = "proto3";
package acme.diary.v1;
import "hallpass/auth/v1/rule.proto";

service DiaryService {
  option (hallpass.auth.v1.service) = {
    audience: "notes"
    scopes: {name: "notes:read" description: "Read notes"}
  };
  rpc Ping(PingRequest) returns (PingResponse) {
    option (hallpass.auth.v1.rule) = {public: true description: "Answer"};
  }
}
message PingRequest {}
message PingResponse {}
"#;

#[test]
fn a_service_that_declares_nothing() {
    let (problems, root) = build(&[(
        "acme/v1/notes.proto",
        "syntax = \"proto3\";\npackage acme.v1;\nservice NoteService {\n}\n",
    )]);
    let expected = format!(
        "{root}/acme/v1/notes.proto:3: service acme.v1.NoteService declares neither audience nor scopes; give it an option \
         (hallpass.auth.v1.service)"
    );
    assert_eq!(problems.map_err(|problems| problems.to_string()), Err(expected));
}

#[test]
fn an_audience_missing_or_malformed() {
    refused(&[
        Case {
            edits: &[("audience: \"notes\"", "")],
            at: "service NoteService",
            says: "service acme.v1.NoteService has no audience; name the `aud` that tokens for it carry",
        },
        Case {
            edits: &[("audience: \"notes\"", "audience: \"the notes\"")],
            at: "service NoteService",
            says: "service acme.v1.NoteService has the audience \"the notes\", which is not one plain word",
        },
    ]);
}

#[test]
fn scopes_declared_badly_or_twice_in_one_service() {
    refused(&[
        Case {
            edits: &[
                ("name: \"notes:write\"", "name: \"notes:read\""),
                ("scope: \"notes:write\"", ""),
            ],
            at: "service NoteService",
            says: "service acme.v1.NoteService declares the scope \"notes:read\" twice",
        },
        Case {
            edits: &[("description: \"Read notes\"", "")],
            at: "service NoteService",
            says: "service acme.v1.NoteService declares the scope \"notes:read\" without a description",
        },
        Case {
            edits: &[(
                SCOPES,
                "    scopes: {name: \"notes:read\" description: \"Read notes\"}\n    scopes: {name: \"all notes\" description: \"All\"}\n",
            )],
            at: "service NoteService",
            says: "service acme.v1.NoteService declares the scope \"all notes\", which is not one plain word",
        },
    ]);
}

#[test]
fn one_scope_in_two_services() {
    let both = |diary: &str| {
        let (problems, root) =
            build(&[("acme/v1/notes.proto", NOTES), ("acme/diary/v1/diary.proto", diary)]);
        problems.map_err(|problems| problems.to_string().replace(&root, ""))
    };
    assert_eq!(both(DIARY), Ok(()), "in the same words, for the same audience");
    assert_eq!(
        both(&DIARY.replace("Read notes", "Read the diary")),
        Err("/acme/v1/notes.proto:9: service acme.v1.NoteService describes the scope \"notes:read\" differently from \
             acme.diary.v1.DiaryService; declare it in one, or in the same words"
            .to_owned())
    );
    assert_eq!(
        both(&DIARY.replace("audience: \"notes\"", "audience: \"diary\"")),
        Err("/acme/v1/notes.proto:9: service acme.v1.NoteService declares the scope \"notes:read\", which \
             acme.diary.v1.DiaryService declares for the audience \"diary\"; a scope belongs to one audience"
            .to_owned())
    );
}

#[test]
fn resource_types_declared_badly_or_twice() {
    const TYPE: &str = "{type: \"note\" permissions: [\"read\", \"write\"]};";
    refused(&[
        Case {
            edits: &[(
                TYPE,
                "{type: \"note\" permissions: [\"read\", \"write\"]};\noption (hallpass.auth.v1.resource_types) = {type: \"note\" permissions: \"read\"};",
            )],
            at: "permissions: \"read\"}",
            says: "resource type \"note\" is declared twice; declare it once, with all its permissions",
        },
        Case {
            edits: &[(
                TYPE,
                "{type: \"note\" permissions: [\"read\", \"write\"]};\noption (hallpass.auth.v1.resource_types) = {type: \"tag\"};",
            )],
            at: "\"tag\"",
            says: "resource type \"tag\" has no permissions; name what can be done to it",
        },
        Case {
            edits: &[(
                TYPE,
                "{type: \"note\" permissions: [\"read\", \"write\"]};\noption (hallpass.auth.v1.resource_types) = {type: \"Tag\" permissions: \"read\"};",
            )],
            at: "\"Tag\"",
            says: "resource type \"Tag\" is not named in lower_snake_case",
        },
        Case {
            edits: &[("[\"read\", \"write\"]", "[\"read\", \"write\", \"Erase\"]")],
            at: "(hallpass.auth.v1.resource_types)",
            says: "resource type \"note\" has the permission \"Erase\", which is not lower_snake_case",
        },
        Case {
            edits: &[("[\"read\", \"write\"]", "[\"read\", \"write\", \"read\"]")],
            at: "(hallpass.auth.v1.resource_types)",
            says: "resource type \"note\" and its permission \"read\" make `can::ReadNote` a second time",
        },
    ]);
}

#[test]
fn a_secret_where_debug_would_print_it() {
    refused(&[
        Case {
            edits: &[("    string word = 5;", "    string word = 5 [debug_redact = true];")],
            at: "string word",
            says: "field acme.v1.Details.word is marked as secret in an oneof; put it into a message of its own",
        },
        Case {
            edits: &[(
                "message Note {}",
                "message Note {\n  message Key {\n    string secret = 1 [(hallpass.auth.v1.secret) = true];\n  }\n}",
            )],
            at: "string secret",
            says: "field acme.v1.Note.Key.secret is marked as secret in a nested message; move the message to the top \
                   of its file",
        },
    ]);
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let text = edited(&[
        ("description: \"Answer\"", ""),
        ("tokens: [USER, SERVICE]", ""),
        ("audience: \"notes\"", ""),
    ]);
    let (problems, _) = build(&[("acme/v1/notes.proto", &text)]);
    let lines: Vec<_> = problems.unwrap_err().0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [9, 17, 53]);
}
