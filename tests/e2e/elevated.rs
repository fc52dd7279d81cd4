//! The matrix's callers of elevated operations: one good action token, and each way in which it can be wrong.

use std::time::Duration;

use hallpass_policy::Rule;
use hallpass_token::{NewToken, UnixTime};

use crate::callers::{Keys, action, now};

/// A caller's metadata, by name and value.
pub(crate) type Metadata = Vec<(&'static str, String)>;

/// The same metadata with a good action token where the rule demands one. Who sends no token at all sends none of these either.
pub(crate) fn beside(keys: &Keys, rule: &Rule, mut own: Metadata) -> Metadata {
    if rule.action().is_some() && !own.is_empty() {
        own.push(("hallpass-action", good(keys, rule, now())));
    }
    own
}

/// The callers whose own token is good, with the action token that each sends.
pub(crate) fn callers(
    keys: &Keys,
    rule: &Rule,
    now: UnixTime,
) -> Vec<(&'static str, Option<String>)> {
    if rule.action().is_none() {
        return vec![("an action token beside it", Some(good(keys, rule, now)))];
    }
    let sign = |change: &dyn Fn(&mut NewToken), key: Option<&str>, at| {
        let mut token = action(rule, now);
        change(&mut token);
        Some(keys.sign(&token, key, at))
    };
    let same = &|_: &mut NewToken| {};
    vec![
        ("no action token", None),
        ("good action token", sign(same, None, now)),
        (
            "another operation's",
            sign(&|token| token.audience = vec!["platform".to_owned()], None, now),
        ),
        ("another user's", sign(&|token| token.subject = Some("bob".to_owned()), None, now)),
        (
            "another actor's",
            sign(&|token| token.actor = Some(serde_json::json!({ "sub": "robot" })), None, now),
        ),
        ("action token expired", sign(same, None, now.minus(Duration::from_mins(10)))),
        ("action token of unknown key", sign(same, Some("unknown"), now)),
    ]
}

/// An action token to be revoked, where one is demanded.
pub(crate) fn to_revoke(keys: &Keys, rule: &Rule, now: UnixTime) -> Option<String> {
    rule.action().map(|_| good(keys, rule, now))
}

fn good(keys: &Keys, rule: &Rule, now: UnixTime) -> String {
    keys.sign(&action(rule, now), None, now)
}
