//! What is to be revoked or looked up, as arguments name it.

use clap::Args;
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{RevocationTarget, ServiceBefore, SubjectBefore, TokenName};
use prost_types::Timestamp;

/// One thing by its name.
#[derive(Debug, Clone, Args)]
#[group(id = "named", required = true, multiple = false, args = ["token_id", "fingerprint", "session", "key", "subject", "service"])]
pub(crate) struct Named {
    /// A token, by its `jti`; its descendants with it. Needs --issuer.
    #[arg(long, value_name = "JTI", requires = "issuer")]
    token_id: Option<String>,
    /// A token, by its fingerprint, which `hallpass token inspect` shows and logs name where it has no `jti`; its descendants with it.
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    /// A session, by its `sid`.
    #[arg(long, value_name = "SID")]
    session: Option<String>,
    /// A key, by its `kid`; everything that it signed with it.
    #[arg(long, value_name = "KID")]
    key: Option<String>,
    /// All of a subject, by its `sub`. Needs --issuer.
    #[arg(long, value_name = "SUB", requires = "issuer")]
    subject: Option<String>,
    /// All of a service, by its name.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The `iss` of the token, or of the subject's tokens.
    #[arg(long, value_name = "ISS")]
    issuer: Option<String>,
}

impl Named {
    /// As the contract names it; `before` is for a subject or a service.
    pub(crate) fn target(self, issued_before: Option<Timestamp>) -> RevocationTarget {
        if let Some(fingerprint) = self.fingerprint {
            return RevocationTarget { target: Some(Target::TokenFingerprint(fingerprint)) };
        }
        let issuer = self.issuer.unwrap_or_default();
        let target = match (self.token_id, self.session, self.key, self.subject, self.service) {
            (Some(token_id), ..) => Some(Target::Token(TokenName { issuer, token_id })),
            (_, Some(session), ..) => Some(Target::SessionId(session)),
            (_, _, Some(key), ..) => Some(Target::KeyId(key)),
            (_, _, _, Some(subject), _) => {
                Some(Target::Subject(SubjectBefore { issuer, subject, issued_before }))
            }
            (.., Some(service)) => Some(Target::Service(ServiceBefore { service, issued_before })),
            // The parser asks for one of them.
            (None, None, None, None, None) => None,
        };
        RevocationTarget { target }
    }
}

/// An instant such as `2026-11-23T00:00:00Z`.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "not an instant; right: such as 2026-11-23T00:00:00Z".to_owned())
}
