//! The options of `hallpass/auth/v1/rule.proto` as Rust types. Fields and numbers are those of the file.

/// `Rule`: what a call of one RPC must prove.
#[derive(Clone, PartialEq, prost::Message)]
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
#[derive(Clone, PartialEq, prost::Message)]
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
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UnboundOption {
    #[prost(string, tag = "1")]
    pub(crate) field: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
}

/// `ServiceAuth`: a service's part in the mesh.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServiceOption {
    #[prost(string, tag = "1")]
    pub(crate) audience: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scopes: Vec<ScopeOption>,
}

/// `Scope`: one scope and what holding it allows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ScopeOption {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) description: String,
}

/// `ResourceType`: a kind of object and what can be done to it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TypeOption {
    #[prost(string, tag = "1")]
    pub(crate) r#type: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) permissions: Vec<String>,
}
