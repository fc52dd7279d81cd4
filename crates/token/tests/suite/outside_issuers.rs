//! Several outside issuers at once, beside the keys of this mesh; and what descends from their tokens.

use hallpass_token::{Fingerprint, KeyRing, NewToken, TokenError, TokenId, TokenType};

use crate::fixtures::{NOW, forgers_ring, ring_of};
use crate::outsiders::{ACME, OTHER, acme, other, with_both};

#[test]
fn issuers_of_the_same_names_do_not_vouch_for_each_other() {
    let ring = with_both(&forgers_ring());
    let subject =
        |token: &str| ring.verify(token, NOW).map(|of| of.claims().subject.clone().unwrap());
    assert_eq!(subject(&acme().changed(|_, _| {})), Ok("acme:alice".to_owned()));
    assert_eq!(subject(&other().changed(|_, _| {})), Ok("other:alice".to_owned()));
    let mix = |signer: &crate::outsiders::Outsider, name: &str| {
        subject(&signer.changed(|_, p| p["iss"] = name.into()))
    };
    assert_eq!(mix(acme(), OTHER), Err(TokenError::BadSignature));
    assert_eq!(mix(other(), ACME), Err(TokenError::BadSignature));
    assert_eq!(mix(acme(), "platform"), Err(TokenError::UnknownKey));
}

#[test]
fn what_descends_from_an_outside_token_names_its_issuer_where_its_keys_are_not_known() {
    let ring_here = with_both(&ring_of(hallpass_token::Algorithm::EdDsa));
    let parent = ring_here.verify(&acme().changed(|_, _| {}), NOW).unwrap();
    let id = TokenId::from_random([1; 16]);
    let mut child = NewToken::child_of(&parent, TokenType::Service, id, &["labeler:read"]).unwrap();
    child.service = Some("platform".to_owned());
    child.audience = vec!["labeler".to_owned()];
    child.scopes = ["labeler:read"].into_iter().collect();
    let minted = ring_here.mint("made", &child, NOW).unwrap();

    // Another process: it has the minter's public key and no outside issuer's.
    let there =
        KeyRing::new(ring_here.keys().filter_map(hallpass_token::Key::public).collect()).unwrap();
    let verified = there.verify(minted.expose(), NOW).unwrap();
    assert_eq!(verified.root_issuer(), Some(ACME));
    assert!(verified.lookups().contains(&parent.fingerprint()));
    assert!(verified.lookups().contains(&Fingerprint::key(&format!("{ACME}#RS256"))));
    assert!(verified.cutoffs().contains(&Fingerprint::subject(ACME, "acme:alice")));
    assert!(verified.is_of_same_holder(&parent));
}

#[test]
fn replacing_a_ring_keeps_outside_issuers_and_they_are_no_part_of_it() {
    let with = with_both(&forgers_ring());
    let reloaded = ring_of(hallpass_token::Algorithm::EdDsa).with_outside_of(&with);
    assert!(reloaded.verify(&acme().changed(|_, _| {}), NOW).is_ok());
    assert_eq!(reloaded.keys().len(), 1);
    let public = reloaded.public_jwks().to_string();
    assert!(!public.contains("acme") && !public.contains("RSA"), "{public}");
    assert!(reloaded.key(&format!("{ACME}#RS256")).is_some_and(|key| !key.can_sign()));
    assert!(reloaded.key(&format!("{ACME}#gone")).is_none());
}
