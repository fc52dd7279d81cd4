//! Published attacks on JSON Web Tokens and mistakes of their verifiers, each against one ring. None is accepted.
//!
//! The attacker of this table knows every public key, holds tokens of all kinds that were issued to others for other purposes, and,
//! where a row says that the signature is good, has a key that signs less than the token claims.

mod claims;
mod forms;
mod keys;
mod lab;
mod outside;

use lab::Lab;

/// An attack: what it does, where it was published, and the token.
type Attack = (&'static str, &'static str, fn(&Lab) -> String);

#[test]
fn none_is_accepted() {
    let lab = Lab::new();
    lab.check();
    let mut accepted = Vec::new();
    for (name, source, token) in attacks() {
        if lab.accepts(&token(&lab)) {
            accepted.push(format!("{name} ({source})"));
        }
    }
    assert!(accepted.is_empty(), "accepted: {accepted:#?}");
}

#[test]
fn the_table_names_at_least_sixty_attacks_once_each() {
    let names: std::collections::BTreeSet<_> = attacks().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), attacks().count(), "a name stands twice");
    assert!(names.len() >= 60, "{} attacks", names.len());
    assert!(attacks().all(|(_, source, _)| !source.is_empty()));
}

fn attacks() -> impl Iterator<Item = Attack> {
    [forms::ATTACKS, keys::ATTACKS, claims::ATTACKS, outside::ATTACKS]
        .into_iter()
        .flatten()
        .copied()
}
