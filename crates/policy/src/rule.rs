//! What an RPC demands, as static data that the build wrote from the contract. Nothing here is made at run time.

use hallpass_token::TokenType;

use crate::Action;

/// What a call of one RPC must prove.
#[derive(Debug)]
pub struct Rule {
    /// The request's path: `/package.Service/Method`.
    pub path: &'static str,
    /// The service's full name: `package.Service`.
    pub service: &'static str,
    /// The method's name.
    pub method: &'static str,
    /// The `aud` that tokens for this service carry.
    pub audience: &'static str,
    /// Who may call at all.
    pub access: Access,
    /// The scope that the caller's token must hold.
    pub scope: Option<&'static str>,
    /// The objects that the request names.
    pub resources: &'static [Resource],
    /// The scopes of other services that the handler may ask for in the caller's name.
    pub delegates: &'static [&'static str],
    /// What a node with a stale list does.
    pub when_stale: WhenStale,
    /// The longest request message, in bytes; of a stream, each message.
    pub request_bytes: u32,
    /// Whether the client streams.
    pub client_streaming: bool,
    /// Whether the server streams.
    pub server_streaming: bool,
    /// One sentence for people.
    pub description: &'static str,
}

impl Rule {
    /// Whether tokens of this kind may call.
    pub fn accepts(&self, token_type: TokenType) -> bool {
        match self.access {
            Access::Public => true,
            Access::Tokens { types, .. } => types.contains(&token_type),
        }
    }

    /// The elevated operation that a call is, if it is one.
    pub const fn action(&self) -> Option<&'static Action> {
        match self.access {
            Access::Public => None,
            Access::Tokens { action, .. } => action,
        }
    }

    /// Whether each of its calls is recorded: those of the services that give, revoke and look into tokens. Who calls without a token is nobody
    /// to name.
    pub fn is_audited(&self) -> bool {
        self.access != Access::Public && self.service.starts_with("hallpass.auth.")
    }

    /// Whether a node becomes fresh again, or a token is revoked, by its calls: they are served while the node is stale, and have room of
    /// their own.
    pub fn is_vital(&self) -> bool {
        self.access != Access::Public && self.when_stale == WhenStale::Serve
    }

    /// Whether either side streams, so that the call can outlive its token.
    pub const fn streams(&self) -> bool {
        self.client_streaming || self.server_streaming
    }
}

/// Who may call an RPC at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a token.
    Public,
    /// Holders of a token.
    Tokens {
        /// The kinds accepted for the caller's own token.
        types: &'static [TokenType],
        /// The operation whose action token is demanded beside it.
        action: Option<&'static Action>,
    },
}

/// One object, or several of one type, that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// The declared type, such as "dataset".
    pub kind: &'static str,
    /// The request's field with the id, dotted where nested; `None` for lists.
    pub field: Option<&'static str>,
    /// What the caller must be allowed to do.
    pub permission: &'static str,
}

/// What a node does with a call while its revocation list is too old to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenStale {
    /// Refuse it: the node cannot know.
    Refuse,
    /// Decide it against what is known: for the few RPCs that make nodes fresh again.
    Serve,
}

/// A service as the contract declares it.
#[derive(Debug)]
pub struct ServiceDeclaration {
    /// Its full name: `package.Service`.
    pub name: &'static str,
    /// The `aud` that tokens for it carry.
    pub audience: &'static str,
    /// Its scopes with their descriptions.
    pub scopes: &'static [(&'static str, &'static str)],
    /// The rules of its methods, in the contract's order.
    pub rules: &'static [Rule],
}
