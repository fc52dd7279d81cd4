//! The options of `hallpass/auth/v1/rule.proto` as Rust types. Fields and numbers are those of the file.
//!
//! Invariant: an option is read whole or not at all; a demand that these types do not know is never dropped.

use prost::Message;

/// Reads an option; nothing if the bytes hold more than the type knows.
pub(crate) fn whole<M: Message + Default>(stated: &[u8]) -> Option<M> {
    M::decode(stated).ok().filter(|option| option.encode_to_vec() == stated)
}

/// `Rule`: what a call of one RPC must prove.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RuleOption {
    #[prost(bool, tag = "1")]
    pub(crate) public: bool,
    #[prost(enumeration = "TokenKind", repeated, tag = "2")]
    pub(crate) tokens: Vec<i32>,
    #[prost(string, tag = "3")]
    pub(crate) scope: String,
    #[prost(string, tag = "4")]
    pub(crate) audience: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) resource: Vec<BindingOption>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) unbound: Vec<UnboundOption>,
    #[prost(string, repeated, tag = "7")]
    pub(crate) delegates: Vec<String>,
    #[prost(enumeration = "WhenStale", tag = "8")]
    pub(crate) when_stale: i32,
    #[prost(string, tag = "9")]
    pub(crate) description: String,
    #[prost(uint32, tag = "10")]
    pub(crate) request_bytes: u32,
}

impl RuleOption {
    /// The longest request message that a rule can allow: what gRPC servers and clients take unless told otherwise.
    pub(crate) const MOST_REQUEST_BYTES: u32 = 4 << 20;

    /// The longest request message.
    pub(crate) const fn request_bytes(&self) -> u32 {
        match (self.request_bytes, self.public) {
            (0, true) => 4 << 10,
            (0, false) => 16 << 10,
            (stated, _) => stated,
        }
    }
}

/// `Rule.TokenType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum TokenKind {
    Unspecified = 0,
    User = 1,
    Service = 2,
    Background = 3,
    Action = 4,
}

impl TokenKind {
    /// As the contract writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "TOKEN_TYPE_UNSPECIFIED",
            Self::User => "USER",
            Self::Service => "SERVICE",
            Self::Background => "BACKGROUND",
            Self::Action => "ACTION",
        }
    }
}

/// `Rule.WhenStale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum WhenStale {
    Unspecified = 0,
    Serve = 1,
}

/// `Binding`: one object that a request names.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BindingOption {
    #[prost(string, tag = "1")]
    pub(crate) r#type: String,
    #[prost(string, tag = "2")]
    pub(crate) field: String,
    #[prost(string, tag = "3")]
    pub(crate) permission: String,
    #[prost(bool, tag = "4")]
    pub(crate) list: bool,
}

/// `Unbound`: a request field that looks like an object's id and is not checked.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct UnboundOption {
    #[prost(string, tag = "1")]
    pub(crate) field: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
}

/// `ServiceAuth`: a service's part in the mesh.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ServiceOption {
    #[prost(string, tag = "1")]
    pub(crate) audience: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scopes: Vec<ScopeOption>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) actions: Vec<ActionOption>,
}

/// `Action`: one elevated operation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ActionOption {
    #[prost(string, tag = "1")]
    pub(crate) audience: String,
    #[prost(string, tag = "2")]
    pub(crate) description: String,
    #[prost(uint32, tag = "3")]
    pub(crate) shortest_life_seconds: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) longest_life_seconds: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) usual_life_seconds: u32,
    #[prost(bool, tag = "6")]
    pub(crate) single_use: bool,
    #[prost(string, repeated, tag = "7")]
    pub(crate) roles: Vec<String>,
    #[prost(message, optional, tag = "8")]
    pub(crate) step_up: Option<StepUpOption>,
}

/// `StepUp`: how a user must have proved who they are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StepUpOption {
    #[prost(string, repeated, tag = "1")]
    pub(crate) amr: Vec<String>,
    #[prost(uint32, tag = "2")]
    pub(crate) max_age_seconds: u32,
}

/// `Scope`: one scope and what holding it allows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeOption {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) description: String,
}

/// `ResourceType`: a kind of object and what can be done to it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TypeOption {
    #[prost(string, tag = "1")]
    pub(crate) r#type: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) permissions: Vec<String>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use std::path::PathBuf;

    use prost::Message as _;
    use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

    use super::*;
    use crate::compile::{RULE_PROTO, compile};

    /// A message with every field set to something that is sent.
    fn full(message: &MessageDescriptor) -> DynamicMessage {
        let mut full = DynamicMessage::new(message.clone());
        for field in message.fields() {
            let one = one(&field);
            let value = if field.is_list() { Value::List(vec![one]) } else { one };
            full.set_field(&field, value);
        }
        full
    }

    fn one(field: &FieldDescriptor) -> Value {
        match field.kind() {
            Kind::Bool => Value::Bool(true),
            Kind::Uint32 => Value::U32(1),
            Kind::String => Value::String("a".to_owned()),
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Message(nested) => Value::Message(full(&nested)),
            other => unreachable!("rule.proto has no {other:?}"),
        }
    }

    #[test]
    fn every_field_of_the_file_is_known() {
        let none = tempfile::tempdir().unwrap();
        let sources = compile(&[none.path().to_owned()], &[PathBuf::from(RULE_PROTO)]).unwrap();
        let stated = |name: &str| {
            let name = format!("hallpass.auth.v1.{name}");
            full(&sources.pool.get_message_by_name(&name).unwrap()).encode_to_vec()
        };
        assert!(whole::<RuleOption>(&stated("Rule")).is_some());
        assert!(whole::<ServiceOption>(&stated("ServiceAuth")).is_some());
        assert!(whole::<TypeOption>(&stated("ResourceType")).is_some());
    }

    #[test]
    fn an_option_with_more_in_it_is_not_read() {
        let mut stated = RuleOption { public: true, ..RuleOption::default() }.encode_to_vec();
        assert!(whole::<RuleOption>(&stated).unwrap().public);
        stated.extend([0xf8, 0x01, 1]);
        assert_eq!(whole::<RuleOption>(&stated), None);
    }
}
