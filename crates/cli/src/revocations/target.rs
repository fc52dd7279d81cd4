//! What is to be revoked or looked up, as arguments name it.

use clap::{ArgGroup, Args};
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{RevocationTarget, ServiceBefore, SubjectBefore, TokenName};
use prost_types::Timestamp;

/// What one thing can be named by.
const NAMES: [&str; 6] = ["token_id", "fingerprint", "session", "key", "subject", "service"];

/// One thing by its name. The group that clap would derive counts `--issuer` as a name, so it is written out.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("named").args(NAMES).required(true)))]
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
    /// The `iss` of the token, or of the subject's tokens. Only with --token-id or --subject.
    #[arg(long, value_name = "ISS", conflicts_with_all = ["fingerprint", "session", "key", "service"])]
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::arguments::Arguments;

    fn is_taken(arguments: &str) -> bool {
        Arguments::try_parse_from(format!("hallpass revocations {arguments}").split(' ')).is_ok()
    }

    #[test]
    fn one_name_is_taken_and_an_issuer_where_the_name_needs_one() {
        for command in ["revoke", "show"] {
            for named in [
                "--issuer hallpass --subject alice",
                "--subject alice --issuer hallpass",
                "--issuer hallpass --token-id 0123",
                "--fingerprint F",
                "--session s-1",
                "--key k-1",
                "--service labeler",
            ] {
                assert!(is_taken(&format!("{command} {named}")), "{command} {named}");
            }
            for wrong in [
                "--subject alice",
                "--token-id 0123",
                "--issuer hallpass",
                "--issuer hallpass --key k-1",
                "--issuer hallpass --session s-1",
                "--key k-1 --session s-1",
                "--issuer hallpass --subject alice --token-id 0123",
            ] {
                assert!(!is_taken(&format!("{command} {wrong}")), "{command} {wrong}");
            }
        }
    }

    #[test]
    fn an_instant_is_taken_for_what_can_be_cut_off_at_one() {
        let before = "--before 2026-11-23T00:00:00Z";
        for (named, right) in [
            ("--issuer hallpass --subject alice", true),
            ("--service labeler", true),
            ("--key k-1", false),
            ("--session s-1", false),
            ("--fingerprint F", false),
            ("--issuer hallpass --token-id 0123", false),
        ] {
            assert_eq!(is_taken(&format!("revoke {named} {before}")), right, "{named}");
        }
    }
}
