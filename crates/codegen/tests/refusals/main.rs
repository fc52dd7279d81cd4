//! Every way in which a contract does not build, and that each is reported with file, line, service and RPC.
//!
//! A case is a change to a contract that builds; the report has to be exactly one line, at the place named.

#![expect(clippy::unwrap_used, reason = "tests")]

mod actions;
mod files;
mod objects;
mod rules;
mod vocabulary;

use std::fs;

use hallpass_codegen::{Contract, Problems};
use tempfile::TempDir;

/// A contract that builds.
const NOTES: &str = r#"syntax = "proto3";

package acme.v1;

import "hallpass/auth/v1/rule.proto";

option (hallpass.auth.v1.resource_types) = {type: "note" permissions: ["read", "write"]};

service NoteService {
  option (hallpass.auth.v1.service) = {
    audience: "notes"
    scopes: {name: "notes:read" description: "Read notes"}
    scopes: {name: "notes:write" description: "Write notes"}
    actions: {audience: "notes.burn" description: "Burn a note" single_use: true}
  };

  rpc GetNote(GetNoteRequest) returns (Note) {
    option (hallpass.auth.v1.rule) = {
      tokens: [USER, SERVICE]
      scope: "notes:read"
      resource: {type: "note" field: "note_id" permission: "read"}
      description: "Get one note"
    };
  }

  rpc ListNotes(ListNotesRequest) returns (ListNotesResponse) {
    option (hallpass.auth.v1.rule) = {
      tokens: USER
      scope: "notes:read"
      resource: {type: "note" permission: "read" list: true}
      description: "List notes"
    };
  }

  rpc WriteNote(stream WriteNoteRequest) returns (Note) {
    option (hallpass.auth.v1.rule) = {
      tokens: USER
      scope: "notes:write"
      delegates: "notes:read"
      resource: {type: "note" field: "start.note_id" permission: "write"}
      description: "Write a note in pieces"
    };
  }

  rpc BurnNote(BurnNoteRequest) returns (Note) {
    option (hallpass.auth.v1.rule) = {
      tokens: ACTION
      audience: "notes.burn"
      description: "Burn the oldest note"
    };
  }

  rpc Ping(PingRequest) returns (PingResponse) {
    option (hallpass.auth.v1.rule) = {
      public: true
      description: "Answer"
    };
  }
}

message Note {}
message GetNoteRequest {
  string note_id = 1;
  Details details = 2;
}
message Details {
  string comment = 1;
  repeated Part parts = 2;
  map<string, string> labels = 3;
  oneof kind {
    Part part = 4;
    string word = 5;
  }
}
message Part {
  string title = 1;
}
message ListNotesRequest {}
message ListNotesResponse {}
message WriteNoteRequest {
  oneof part {
    Start start = 1;
    bytes piece = 2;
  }
}
message Start {
  string note_id = 1;
}
message PingRequest {}
message PingResponse {}
message BurnNoteRequest {}
"#;

/// A change to the contract above, and what it is refused with.
struct Case {
    /// What is replaced by what.
    edits: &'static [(&'static str, &'static str)],
    /// What stands on the line reported.
    at: &'static str,
    /// The report, after file and line.
    says: &'static str,
}

/// Every case is refused with its own report and no other.
fn refused(cases: &[Case]) {
    for case in cases {
        let text = edited(case.edits);
        let line = 1 + text.lines().position(|line| line.contains(case.at)).unwrap();
        let (problems, root) = build(&[("acme/v1/notes.proto", &text)]);
        let expected = format!("{root}/acme/v1/notes.proto:{line}: {}", case.says);
        assert_eq!(problems.map_err(|problems| problems.to_string()), Err(expected));
    }
}

/// The contract with some of its text replaced; what is to be replaced has to be there once.
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(NOTES.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old:?} in the contract");
        text.replace(old, new)
    })
}

/// Builds files in a folder of their own; the folder's name is returned with the outcome.
fn build(files: &[(&str, &str)]) -> (Result<(), Problems>, String) {
    let (root, out) = (folder(files), tempfile::tempdir().unwrap());
    let outcome = Contract::new().root(root.path()).compile(out.path());
    assert_eq!(outcome.is_ok(), out.path().join("contract.rs").exists());
    (outcome, root.path().display().to_string())
}

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}
