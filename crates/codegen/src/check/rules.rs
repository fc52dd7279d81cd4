//! One rule by itself: what it demands must be declared, and must not contradict itself.

use super::vocabulary::Vocabulary;
use crate::options::{RuleOption, ServiceOption, TokenKind, WhenStale};
use crate::problem::{Place, Report};

/// Reports what is wrong with a rule, its bindings left aside.
pub(super) fn check(
    place: &Place,
    rule: &RuleOption,
    service: &ServiceOption,
    vocabulary: &Vocabulary,
    report: &mut Report,
) {
    if rule.description.is_empty() {
        report
            .add(place, "has a rule without a description; say in one sentence what the RPC does");
    }
    if rule.request_bytes > RuleOption::MOST_REQUEST_BYTES {
        let (stated, most) = (rule.request_bytes, RuleOption::MOST_REQUEST_BYTES);
        report.add(place, format!("has `request_bytes: {stated}`; {most} is the most"));
    }
    if rule.public {
        return public(place, rule, report);
    }
    tokens(place, rule, report);
    action(place, rule, service, report);
    scope(place, rule, service, report);
    delegates(place, rule, vocabulary, report);
}

/// A public RPC demands nothing else.
fn public(place: &Place, rule: &RuleOption, report: &mut Report) {
    let others = [
        ("tokens", !rule.tokens.is_empty()),
        ("scope", !rule.scope.is_empty()),
        ("audience", !rule.audience.is_empty()),
        ("resource", !rule.resource.is_empty()),
        ("delegates", !rule.delegates.is_empty()),
        ("when_stale", rule.when_stale() != WhenStale::Unspecified),
    ];
    for (name, _) in others.iter().filter(|(_, stated)| *stated) {
        report.add(place, format!("is public and yet has `{name}`; drop one of the two"));
    }
}

fn tokens(place: &Place, rule: &RuleOption, report: &mut Report) {
    if rule.tokens.is_empty() {
        report.add(place, "accepts no tokens; name the kinds that may call in `tokens`, or make it `public: true`");
    }
    for (at, token) in rule.tokens.iter().enumerate() {
        match TokenKind::try_from(*token) {
            Ok(TokenKind::Unspecified) | Err(_) => {
                report.add(place, "names TOKEN_TYPE_UNSPECIFIED, which is no kind of token");
            }
            Ok(kind) if rule.tokens[..at].contains(token) => {
                report.add(place, format!("names {} twice", kind.name()));
            }
            Ok(_) => {}
        }
    }
}

/// An action token and its audience go together, and beside it the caller's own token is a user's.
fn action(place: &Place, rule: &RuleOption, service: &ServiceOption, report: &mut Report) {
    let demanded = rule.tokens().any(|token| token == TokenKind::Action);
    let audience = rule.audience.as_str();
    if demanded && rule.tokens.len() > 1 {
        report.add(
            place,
            "names other tokens beside ACTION; name it alone: the caller's own token is a user's",
        );
    }
    match (demanded, audience.is_empty()) {
        (true, true) => {
            report.add(place, "demands an ACTION token without an `audience`; name the operation");
        }
        (false, false) => report.add(
            place,
            format!("has the audience {audience:?} without ACTION among its tokens; an audience is an action token's"),
        ),
        (false, true) | (true, false) => {}
    }
    let declared: Vec<_> = service.actions.iter().map(|action| &*action.audience).collect();
    if !audience.is_empty() && !declared.contains(&audience) {
        report.add(
            place,
            format!(
                "has the audience {audience:?}, which its service does not declare as an action; it declares {}",
                list(&declared)
            ),
        );
    }
}

fn scope(place: &Place, rule: &RuleOption, service: &ServiceOption, report: &mut Report) {
    let declared: Vec<_> = service.scopes.iter().map(|scope| scope.name.as_str()).collect();
    if !rule.scope.is_empty() && !declared.contains(&rule.scope.as_str()) {
        let scope = &rule.scope;
        report.add(
            place,
            format!(
                "needs the scope {scope:?}, which its service does not declare; it declares {}",
                list(&declared)
            ),
        );
    }
}

fn delegates(place: &Place, rule: &RuleOption, vocabulary: &Vocabulary, report: &mut Report) {
    for (at, scope) in rule.delegates.iter().enumerate() {
        if !vocabulary.scopes.contains(scope) {
            let text = format!("delegates {scope:?}, which no service declares as a scope");
            report.add(place, text);
        }
        if rule.delegates[..at].contains(scope) {
            report.add(place, format!("delegates {scope:?} twice"));
        }
    }
}

/// Words in quotes, for a report.
pub(super) fn list<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => "none".to_owned(),
        _ => words.iter().map(|word| format!("{:?}", word.as_ref())).collect::<Vec<_>>().join(", "),
    }
}
