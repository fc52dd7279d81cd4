//! Rules that are missing, contradict themselves, or name what is not declared.

use crate::{Case, refused};

#[test]
fn an_rpc_without_a_rule() {
    refused(&[Case {
        edits: &[(
            "    option (hallpass.auth.v1.rule) = {\n      public: true\n      description: \"Answer\"\n    };\n",
            "",
        )],
        at: "rpc Ping(",
        says: "rpc acme.v1.NoteService/Ping has no rule; give it an option (hallpass.auth.v1.rule) that says which tokens \
               and scope a call needs, or that it is public",
    }]);
}

#[test]
fn a_rule_without_a_description() {
    refused(&[Case {
        edits: &[("description: \"Answer\"", "")],
        at: "rpc Ping(",
        says: "rpc acme.v1.NoteService/Ping has a rule without a description; say in one sentence what the RPC does",
    }]);
}

#[test]
fn a_longer_request_than_grpc_takes() {
    refused(&[Case {
        edits: &[("description: \"Answer\"", "description: \"Answer\" request_bytes: 4194305")],
        at: "rpc Ping(",
        says: "rpc acme.v1.NoteService/Ping has `request_bytes: 4194305`; 4194304 is the most",
    }]);
}

#[test]
fn a_scope_that_the_service_does_not_declare() {
    refused(&[Case {
        edits: &[(
            "scope: \"notes:read\"\n      resource: {type: \"note\" field",
            "scope: \"notes:peek\"\n      resource: {type: \"note\" field",
        )],
        at: "rpc GetNote(",
        says: "rpc acme.v1.NoteService/GetNote needs the scope \"notes:peek\", which its service does not declare; it \
               declares \"notes:read\", \"notes:write\"",
    }]);
}

#[test]
fn public_with_any_other_demand() {
    let public = |demand: &'static str, name: &'static str| {
        let new = Box::leak(format!("public: true {demand}").into_boxed_str());
        let says = Box::leak(
            format!(
                "rpc acme.v1.NoteService/Ping is public and yet has `{name}`; drop one of the two"
            )
            .into_boxed_str(),
        );
        Case { edits: Box::leak(Box::new([("public: true", &*new)])), at: "rpc Ping(", says }
    };
    refused(&[
        public("tokens: USER", "tokens"),
        public("scope: \"notes:read\"", "scope"),
        public("audience: \"notes.ping\"", "audience"),
        public("delegates: \"notes:read\"", "delegates"),
        public("resource: {type: \"note\" permission: \"read\" list: true}", "resource"),
        public("when_stale: SERVE", "when_stale"),
    ]);
}

#[test]
fn tokens_missing_unspecified_or_twice() {
    refused(&[
        Case {
            edits: &[("tokens: [USER, SERVICE]", "")],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote accepts no tokens; name the kinds that may call in `tokens`, or make it \
                   `public: true`",
        },
        Case {
            edits: &[("tokens: [USER, SERVICE]", "tokens: [USER, TOKEN_TYPE_UNSPECIFIED]")],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote names TOKEN_TYPE_UNSPECIFIED, which is no kind of token",
        },
        Case {
            edits: &[("tokens: [USER, SERVICE]", "tokens: [USER, USER]")],
            at: "rpc GetNote(",
            says: "rpc acme.v1.NoteService/GetNote names USER twice",
        },
    ]);
}

#[test]
fn delegates_that_no_service_declares_or_twice() {
    refused(&[
        Case {
            edits: &[("delegates: \"notes:read\"", "delegates: \"labeler:read\"")],
            at: "rpc WriteNote(",
            says: "rpc acme.v1.NoteService/WriteNote delegates \"labeler:read\", which no service declares as a scope",
        },
        Case {
            edits: &[("delegates: \"notes:read\"", "delegates: [\"notes:read\", \"notes:read\"]")],
            at: "rpc WriteNote(",
            says: "rpc acme.v1.NoteService/WriteNote delegates \"notes:read\" twice",
        },
    ]);
}
