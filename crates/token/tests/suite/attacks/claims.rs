//! Attacks with a good signature: a token for another purpose, time or audience than the one it is shown for.

use hallpass_token::TokenType;
use serde_json::{Value, json};

use super::Attack;
use crate::fixtures::NOW;

const fn now() -> u64 {
    NOW.as_secs()
}

pub(super) const ATTACKS: &[Attack] = &[
    ("issuer that the key does not belong to", "RFC 8725 §3.8", |lab| {
        lab.signed(|_, p| p["iss"] = "users".into())
    }),
    ("no issuer", "RFC 8725 §3.8", |lab| {
        lab.signed(|_, p| drop(p.as_object_mut().unwrap().remove("iss")))
    }),
    ("several issuers", "CVE-2024-53861's relatives (issuer compared in parts)", |lab| {
        lab.signed(|_, p| p["iss"] = json!(["platform", "attacker"]))
    }),
    ("issuer that begins like ours", "CVE-2024-53861 (partial match)", |lab| {
        lab.signed(|_, p| p["iss"] = "plat".into())
    }),
    ("no audience", "RFC 8725 §3.9", |lab| {
        lab.signed(|_, p| drop(p.as_object_mut().unwrap().remove("aud")))
    }),
    ("empty audience", "RFC 8725 §3.9; CVE-2020-26160 (an empty list passes)", |lab| {
        lab.signed(|_, p| p["aud"] = json!([]))
    }),
    ("audience is null", "RFC 8725 §3.9", |lab| lab.signed(|_, p| p["aud"] = Value::Null)),
    ("audience of numbers", "CVE-2020-26160 (type assertion)", |lab| {
        lab.signed(|_, p| p["aud"] = json!([1]))
    }),
    ("audience that the key may not reach", "RFC 8725 §3.9", |lab| {
        lab.signed(|_, p| p["aud"] = "platform".into())
    }),
    ("one audience that is allowed and one that is not", "RFC 8725 §3.9", |lab| {
        lab.signed(|_, p| p["aud"] = json!(["labeler", "platform"]))
    }),
    ("ended", "RFC 7519 §4.1.4", |lab| {
        lab.signed(|_, p| {
            p["iat"] = (now() - 300).into();
            p["exp"] = (now() - 60).into();
        })
    }),
    ("without an end", "RFC 8725 §3.9; tokens that live for ever", |lab| {
        lab.signed(|_, p| drop(p.as_object_mut().unwrap().remove("exp")))
    }),
    ("end is text", "type confusion; comparisons that coerce", |lab| {
        lab.signed(|_, p| p["exp"] = "9999999999".into())
    }),
    ("end is a list", "type confusion", |lab| {
        lab.signed(|_, p| p["exp"] = json!([9_999_999_999_u64]))
    }),
    ("end is negative", "overflow when it is cast", |lab| {
        lab.signed(|_, p| p["exp"] = (-1).into())
    }),
    ("end beyond all time", "overflow; RFC 7519 §2 NumericDate", |lab| {
        lab.signed(|_, p| p["exp"] = u64::MAX.into())
    }),
    ("end is huge with an exponent", "NumericDate as a float", |lab| {
        lab.signed(|_, p| p["exp"] = json!(1e300))
    }),
    ("not valid yet", "RFC 7519 §4.1.5", |lab| lab.signed(|_, p| p["nbf"] = (now() + 60).into())),
    ("issued in the future", "RFC 8725 §3.9; clocks", |lab| {
        lab.signed(|_, p| p["iat"] = (now() + 60).into())
    }),
    ("without the time of issue", "issued-before revocation cannot reach it", |lab| {
        lab.signed(|_, p| drop(p.as_object_mut().unwrap().remove("iat")))
    }),
    ("lives longer than its kind may", "RFC 8725 §3.9; long-lived service tokens", |lab| {
        lab.signed(|_, p| p["exp"] = (now() + 86_400).into())
    }),
    ("no id", "RFC 7519 §4.1.7; tokens that cannot be revoked", |lab| {
        lab.signed(|_, p| drop(p.as_object_mut().unwrap().remove("jti")))
    }),
    (
        "scope that the key may not sign",
        "draft-ietf-oauth-transaction-tokens: scope never wider",
        |lab| lab.signed(|_, p| p["scopes"] = json!(["labeler:admin"])),
    ),
    ("scopes as one text", "type confusion between `scope` and a list", |lab| {
        lab.signed(|_, p| p["scopes"] = "labeler:read labeler:write".into())
    }),
    ("a user token shown as a service's", "RFC 8725 §3.11, §3.12; cross-JWT confusion", |lab| {
        lab.signed_as(TokenType::User, |h, p| {
            h["typ"] = TokenType::Service.header_type().into();
            p["type"] = "service".into();
        })
    }),
    ("header and claim name different kinds", "RFC 8725 §3.11", |lab| {
        lab.signed(|h, _| h["typ"] = TokenType::Action.header_type().into())
    }),
    ("an ID token", "RFC 8725 §3.11; ID token as access token", |lab| {
        lab.signed(|h, _| h["typ"] = "JWT".into())
    }),
    ("no typ", "RFC 8725 §3.11", |lab| {
        lab.signed(|h, _| drop(h.as_object_mut().unwrap().remove("typ")))
    }),
    ("a logout token", "OpenID Connect Back-Channel Logout §2.4; cross-JWT confusion", |lab| {
        lab.signed(|h, _| h["typ"] = "logout+jwt".into())
    }),
    ("a service token for no user", "RFC 8725 §3.8", |lab| {
        lab.signed(|_, p| p["sub"] = Value::Null)
    }),
    ("empty subject", "RFC 8725 §3.8", |lab| lab.signed(|_, p| p["sub"] = "".into())),
    ("subject is a number", "RFC 7519 §4.1.2; type confusion", |lab| {
        lab.signed(|_, p| p["sub"] = 1.into())
    }),
    ("a background token with a user", "kinds exclude each other", |lab| {
        lab.signed_as(TokenType::Background, |_, p| p["sub"] = "admin".into())
    }),
    ("a service that the key does not belong to", "RFC 8725 §3.8", |lab| {
        lab.signed(|_, p| p["service"] = "labeler".into())
    }),
    ("bound to a certificate in a form that cannot match", "RFC 8705 §3.1", |lab| {
        lab.signed(|_, p| p["cnf"] = json!({"x5t#S256": "AAAA"}))
    }),
    (
        "bound by a method that is not known",
        "RFC 7800 §3.1 (confirmation must not be ignored)",
        |lab| {
            lab.signed(|_, p| {
                p["cnf"] = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
            })
        },
    ),
];
