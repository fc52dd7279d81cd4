//! Bindings to what is not there or cannot hold an id, and ids that nothing binds.

use crate::{Case, build, edited, refused};

const GET: &str = "resource: {type: \"note\" field: \"note_id\" permission: \"read\"}";
const LIST: &str = "resource: {type: \"note\" permission: \"read\" list: true}";
const WRITE: &str = "resource: {type: \"note\" field: \"start.note_id\" permission: \"write\"}";

macro_rules! get {
    ($resource:literal, $says:literal) => {
        Case {
            edits: &[(
                GET,
                concat!(
                    "unbound: {field: \"note_id\" reason: \"a test\"} resource: {",
                    $resource,
                    "}"
                ),
            )],
            at: "rpc GetNote(",
            says: concat!("rpc acme.v1.NoteService/GetNote ", $says),
        }
    };
}

#[test]
fn types_and_permissions_that_are_not_declared() {
    refused(&[
        get!(
            "type: \"nota\" field: \"details.comment\" permission: \"read\"",
            "binds the type \"nota\", which is not declared; declared are \"note\""
        ),
        get!(
            "type: \"note\" field: \"details.comment\" permission: \"erase\"",
            "asks for the permission \"erase\", which \"note\" does not declare; it declares \"read\", \"write\""
        ),
    ]);
}

#[test]
fn fields_that_are_not_there_or_hold_no_id() {
    refused(&[
        get!(
            "type: \"note\" field: \"nota_id\" permission: \"read\"",
            "binds the field \"nota_id\", but acme.v1.GetNoteRequest has no field \"nota_id\""
        ),
        get!(
            "type: \"note\" field: \"details.id\" permission: \"read\"",
            "binds the field \"details.id\", but acme.v1.Details has no field \"id\""
        ),
        get!(
            "type: \"note\" field: \"details.comment.id\" permission: \"read\"",
            "binds the field \"details.comment.id\", but \"comment\" is no message"
        ),
        get!(
            "type: \"note\" field: \"details.parts.title\" permission: \"read\"",
            "binds the field \"details.parts.title\", but \"parts\" is repeated; only the last field of a binding may be"
        ),
        get!(
            "type: \"note\" field: \"details.labels\" permission: \"read\"",
            "binds the field \"details.labels\", but \"labels\" is a map; bind a plain field"
        ),
        get!(
            "type: \"note\" field: \"details.labels.value\" permission: \"read\"",
            "binds the field \"details.labels.value\", but \"labels\" is a map; bind a plain field"
        ),
        get!(
            "type: \"note\" field: \"details\" permission: \"read\"",
            "binds the field \"details\", but \"details\" is not a string; ids are strings"
        ),
        get!(
            "type: \"note\" permission: \"read\"",
            "binds \"note\" but names neither the `field` that holds the id nor `list: true`"
        ),
    ]);
}

#[test]
fn oneofs_but_for_a_client_streams_first_message() {
    refused(&[
        get!(
            "type: \"note\" field: \"details.word\" permission: \"read\"",
            "binds the field \"details.word\", but \"word\" is in the oneof \"kind\" and may be absent; move the id out of \
             it"
        ),
        get!(
            "type: \"note\" field: \"details.part.title\" permission: \"read\"",
            "binds the field \"details.part.title\", but \"part\" is in the oneof \"kind\" and may be absent; move the id \
             out of it"
        ),
        Case {
            edits: &[(
                "  string note_id = 1;\n}\nmessage PingRequest",
                "  oneof which {\n    string note_id = 1;\n  }\n}\nmessage PingRequest",
            )],
            at: "rpc WriteNote(",
            says: "rpc acme.v1.NoteService/WriteNote binds the field \"start.note_id\", but \"note_id\" is in the oneof \
                   \"which\" and may be absent; move the id out of it",
        },
    ]);
}

#[test]
fn several_ids_on_a_stream() {
    refused(&[Case {
        edits: &[(
            "  string note_id = 1;\n}\nmessage PingRequest",
            "  repeated string note_id = 1;\n}\nmessage PingRequest",
        )],
        at: "rpc WriteNote(",
        says: "rpc acme.v1.NoteService/WriteNote binds the field \"start.note_id\", but \"note_id\" is repeated; a client \
               stream names one object",
    }]);
}

#[test]
fn lists_with_a_field_on_a_stream_for_nobody_or_of_several_types() {
    refused(&[
        Case {
            edits: &[(
                LIST,
                "resource: {type: \"note\" permission: \"read\" list: true field: \"note\"}",
            )],
            at: "rpc ListNotes(",
            says: "rpc acme.v1.NoteService/ListNotes lists \"note\" and yet binds the field \"note\"; drop one of the two",
        },
        Case {
            edits: &[("rpc ListNotes(ListNotesRequest)", "rpc ListNotes(stream ListNotesRequest)")],
            at: "rpc ListNotes(",
            says: "rpc acme.v1.NoteService/ListNotes lists objects on a stream of requests; list in an RPC with one request",
        },
        Case {
            edits: &[(
                "tokens: USER\n      scope: \"notes:read\"",
                "tokens: [USER, BACKGROUND]\n      scope: \"notes:read\"",
            )],
            at: "rpc ListNotes(",
            says: "rpc acme.v1.NoteService/ListNotes lists objects for BACKGROUND tokens, which have no user to see them",
        },
    ]);
    let text = edited(&[(
        LIST,
        "resource: [{type: \"note\" permission: \"read\" list: true}, {type: \"note\" permission: \"write\" list: true}]",
    )]);
    let (problems, _) = build(&[("acme/v1/notes.proto", &text)]);
    assert!(
        problems
            .unwrap_err()
            .to_string()
            .contains("lists objects of several bindings; list one type in one RPC")
    );
}

#[test]
fn proofs_that_cannot_be_told_apart() {
    refused(&[
        Case {
            edits: &[(
                GET,
                "resource: [{type: \"note\" field: \"note_id\" permission: \"read\"}, {type: \"note\" field: \"note_id\" permission: \"write\"}]",
            )],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote makes two proofs called `note`; bind fields of different names",
        },
        Case {
            edits: &[
                ("  string note_id = 1;\n  Details", "  string permit_id = 1;\n  Details"),
                (GET, "resource: {type: \"note\" field: \"permit_id\" permission: \"read\"}"),
            ],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote makes a proof called `permit`, which adapters use themselves",
        },
    ]);
}

#[test]
fn ids_that_nothing_binds() {
    refused(&[
        Case {
            edits: &[(GET, "")],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote has a request with \"note_id\", which no `resource` binds; bind it, or say \
                   in `unbound` why it needs no check",
        },
        Case {
            edits: &[(WRITE, "")],
            at: "rpc WriteNote(",
            says: "rpc acme.v1.NoteService/WriteNote has a request with \"start.note_id\", which no `resource` binds; bind \
                   it, or say in `unbound` why it needs no check",
        },
        Case {
            edits: &[
                ("  map<string, string> labels = 3;", "  map<string, Tag> tags = 3;"),
                (
                    "message Note {}",
                    "message Note {}\nmessage Tag {\n  repeated int64 ids = 1;\n  Tag above = 2;\n}",
                ),
            ],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote has a request with \"details.tags.value.ids\", which no `resource` binds; \
                   bind it, or say in `unbound` why it needs no check",
        },
    ]);
}

#[test]
fn unbound_fields_that_are_not_there_bound_or_without_a_reason() {
    refused(&[
        Case {
            edits: &[(
                GET,
                "unbound: {field: \"nota_id\" reason: \"a test\"} resource: {type: \"note\" field: \"note_id\" permission: \"read\"}",
            )],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote leaves \"nota_id\" unbound, but the request has no such field named like \
                   an id",
        },
        Case {
            edits: &[(
                GET,
                "unbound: {field: \"note_id\" reason: \"a test\"} resource: {type: \"note\" field: \"note_id\" permission: \"read\"}",
            )],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote binds \"note_id\" and leaves it unbound; drop one of the two",
        },
        Case {
            edits: &[(GET, "unbound: {field: \"note_id\"}")],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote leaves \"note_id\" unbound without a reason",
        },
        Case {
            edits: &[(
                GET,
                "unbound: [{field: \"note_id\" reason: \"a test\"}, {field: \"note_id\" reason: \"again\"}]",
            )],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote leaves \"note_id\" unbound twice",
        },
    ]);
}
