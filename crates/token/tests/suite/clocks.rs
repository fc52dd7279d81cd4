//! Minters that have their verifiers' clock, and fractions of seconds.

use std::time::Duration;

use hallpass_token::{
    Algorithm, Key, KeyRing, KeyState, Profile, SKEW, TokenError, TokenType, UnixTime, generate,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::fixtures::{NOW, no_secret, service_token, spec};

const HALF: UnixTime = UnixTime::from_parts(NOW.as_secs(), 500_000);

fn key(kid: &str, issuer: &str, shares_clock: bool) -> Key {
    let mut spec = spec(kid, Profile::Standard);
    issuer.clone_into(&mut spec.issuer);
    generate(Algorithm::EdDsa, spec).unwrap().sharing_clock(shares_clock)
}

fn ring(shares_clock: bool) -> KeyRing {
    KeyRing::new(vec![key("made", "platform", shares_clock)]).unwrap()
}

#[test]
fn a_minter_with_the_verifiers_clock_is_a_second_ahead_at_most() {
    for (shares_clock, ahead) in [(true, Duration::from_secs(1)), (false, SKEW)] {
        let ring = ring(shares_clock);
        let minted = ring.mint("made", &service_token(), NOW).unwrap();
        let verdict = |now| ring.verify(minted.expose(), now).map(drop);
        assert_eq!(verdict(NOW.minus(ahead)), Ok(()), "{shares_clock}");
        let early = NOW.minus(ahead + Duration::from_secs(1));
        assert_eq!(verdict(early), Err(TokenError::NotYetValid), "{shares_clock}");
    }
}

#[test]
fn the_fraction_is_stamped_where_the_clock_is_the_verifiers() {
    for (shares_clock, expected) in [(true, HALF), (false, NOW)] {
        let ring = ring(shares_clock);
        let minted = ring.mint("made", &service_token(), HALF).unwrap();
        let token = ring.verify(minted.expose(), NOW).unwrap();
        assert_eq!((token.root_issued_at(), token.claims().issued_at), (expected, expected));
        assert_eq!(token.expires_at(), Some(NOW.plus(Duration::from_mins(5))), "ends are whole");
        // Whoever reads it with the same key but another clock reads the same instant.
        let others = KeyRing::new(vec![ring.key("made").unwrap().clone().sharing_clock(false)]);
        let read = others.unwrap().verify(minted.expose(), NOW).unwrap();
        assert_eq!(read.root_issued_at(), expected);
    }
}

#[test]
fn every_microsecond_is_read_back() {
    let ring = ring(true);
    for micros in (0..1_000_000).step_by(77_777).chain([1, 999_999]) {
        let at = UnixTime::from_parts(NOW.as_secs(), micros);
        let minted = ring.mint("made", &service_token(), at).unwrap();
        assert_eq!(ring.verify(minted.expose(), NOW).unwrap().root_issued_at(), at);
    }
}

#[test]
fn the_entry_says_whose_clock_it_is_and_keeps_it() {
    for shares_clock in [true, false] {
        let written = ring(shares_clock).to_json();
        assert_eq!(written.expose_secret().contains("\"clock\""), shares_clock);
        let read = KeyRing::parse(written.expose_secret(), &no_secret).unwrap();
        let key = read.key("made").unwrap();
        assert_eq!(key.shares_clock(), shares_clock);
        assert_eq!(key.in_state(KeyState::Next).shares_clock(), shares_clock);
        assert_eq!(key.public().unwrap().shares_clock(), shares_clock);
    }
    let mut file: Value = serde_json::from_str(ring(true).to_json().expose_secret()).unwrap();
    file["keys"][0]["hallpass"]["clock"] = "own".into();
    let error = KeyRing::parse(&file.to_string(), &no_secret).unwrap_err().to_string();
    assert_eq!(error, "key made: clock: not known; right: shared, or no such member");
}

#[test]
fn an_issuer_shares_the_clock_if_all_that_mint_for_it_do() {
    let public = |kid, issuer, shares| key(kid, issuer, shares).public().unwrap();
    let ring = KeyRing::new(vec![
        public("one", "alike", true),
        public("two", "alike", true),
        public("three", "mixed", true),
        public("four", "mixed", false),
        public("five", "former", true),
        public("six", "former", false).in_state(KeyState::Retired),
        key("own", "this process", false),
    ])
    .unwrap();
    let table = [
        ("alike", true),
        ("mixed", false),
        ("former", true),
        ("this process", true),
        ("nobody", false),
    ];
    for (issuer, expected) in table {
        assert_eq!(ring.shares_clock_with_issuer(issuer), expected, "{issuer}");
    }
    assert!(!ring.shares_clock_with_service("platform"), "one of its keys is elsewhere");
    let alone = KeyRing::new(vec![key("one", "platform", true)]).unwrap();
    for (service, expected) in [("platform", true), ("platform-training", true), ("plat", false)] {
        assert_eq!(alone.shares_clock_with_service(service), expected, "{service}");
    }
    let issuers: Vec<_> = ring.issuers_of("ann").into_iter().collect();
    assert_eq!(issuers, ["alike", "former", "mixed"], "this process mints from users' own tokens");
    let workers = {
        let mut spec = spec("workers", Profile::Standard);
        spec.types = vec![TokenType::Background];
        generate(Algorithm::EdDsa, spec).unwrap()
    };
    assert!(KeyRing::new(vec![workers]).unwrap().issuers_of("ann").is_empty());
}
