//! Attacks on how a token is written: parts, encodings, JSON, serializations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hallpass_token::TokenType;
use serde_json::json;

use super::Attack;
use super::lab::{Lab, encode, inner, text, with_signature};
use crate::fixtures::{SERVICES, service_parts, sign_part};

/// The parts of a good service token.
fn good(lab: &Lab) -> (String, String, String) {
    let token = lab.good(TokenType::Service);
    let mut parts = token.split('.').map(str::to_owned);
    let mut next = || parts.next().unwrap();
    (next(), next(), next())
}

pub(super) const ATTACKS: &[Attack] = &[
    ("signature cut off", "RFC 8725 §2.1; CVE-2020-28042", |lab| {
        let (head, body, _) = good(lab);
        format!("{head}.{body}.")
    }),
    ("signature and its dot cut off", "RFC 7515 §7.1; RFC 8725 §2.1", |lab| {
        let (head, body, _) = good(lab);
        format!("{head}.{body}")
    }),
    ("a part added", "RFC 7515 §7.1", |lab| format!("{}.e30", lab.good(TokenType::Service))),
    ("five parts, as an encrypted token has", "CVE-2023-51774 (JWE taken for JWS)", |lab| {
        let (head, body, signature) = good(lab);
        format!("{head}.{body}.{signature}.{body}.{signature}")
    }),
    ("header of an encrypted token", "RFC 8725 §2.1; JWE and JWS confusion", |lab| {
        lab.signed(|h, _| {
            h["alg"] = "dir".into();
            h["enc"] = "A256GCM".into();
        })
    }),
    ("JSON serialization, flattened", "RFC 7515 §7.2.2; CVE-2022-39227", |lab| {
        let (head, body, signature) = good(lab);
        json!({"protected": head, "payload": body, "signature": signature}).to_string()
    }),
    ("JSON serialization, general", "RFC 7515 §7.2.1", |lab| {
        let (head, body, signature) = good(lab);
        json!({"payload": body, "signatures": [{"protected": head, "signature": signature}]})
            .to_string()
    }),
    ("compact and JSON at once", "CVE-2022-39227", |lab| {
        let (head, body, signature) = good(lab);
        let forged = encode(json!({"sub": "admin"}).to_string().as_bytes());
        format!(
            "{{\"  {head}.{forged}.\":\"\",\"protected\":\"{head}\",\"payload\":\"{body}\",\"signature\":\"{signature}\"}}"
        )
    }),
    ("detached payload", "RFC 7515 appendix F", |lab| {
        let (head, _, signature) = good(lab);
        format!("{head}..{signature}")
    }),
    ("unencoded payload", "RFC 7797", |lab| lab.signed(|h, _| h["b64"] = false.into())),
    ("padding", "RFC 7515 §2", |lab| {
        let (head, body, _) = good(lab);
        sign_part(SERVICES, &format!("{head}.{body}="))
    }),
    ("the standard alphabet instead of the URL's", "RFC 7515 §2", |_| {
        let (header, mut payload) = service_parts();
        payload["x"] = "~~~???>>>".into();
        let head = encode(header.to_string().as_bytes());
        let body = STANDARD_NO_PAD.encode(payload.to_string());
        assert!(body.contains(['+', '/']));
        sign_part(SERVICES, &format!("{head}.{body}"))
    }),
    ("line breaks within a part", "RFC 7515 §2; lenient base64 decoders", |lab| {
        let (head, body, _) = good(lab);
        let (front, back) = body.split_at(8);
        sign_part(SERVICES, &format!("{head}.{front}\r\n{back}"))
    }),
    ("spaces around the token", "lenient header parsing", |lab| {
        format!(" {} ", lab.good(TokenType::Service))
    }),
    ("a zero byte and more", "string truncation in verifiers written in C", |lab| {
        format!("{}\0x", lab.good(TokenType::Service))
    }),
    ("a member twice, the last one wins", "RFC 8725 §2.4; RFC 7519 §4", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("{{{},\"sub\":\"admin\"}}", inner(&payload)))
    }),
    ("a member twice, the first one wins", "RFC 8725 §2.4; RFC 7519 §4", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("{{\"sub\":\"admin\",{}}}", inner(&payload)))
    }),
    ("a header member twice", "RFC 7515 §4", |_| {
        let (header, payload) = service_parts();
        text(&format!("{{\"alg\":\"none\",{}}}", inner(&header)), &payload.to_string())
    }),
    ("a member twice in another spelling", "RFC 8259 §8.3 (escapes are the same name)", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("{{\"\\u0073ub\":\"admin\",{}}}", inner(&payload)))
    }),
    ("something behind the payload's end", "RFC 8725 §2.4; trailing data", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("{payload}{{\"sub\":\"admin\"}}"))
    }),
    ("payload is a list", "RFC 7519 §7.2", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("[{payload}]"))
    }),
    ("header is a list", "RFC 7515 §4", |_| {
        let (header, payload) = service_parts();
        text(&format!("[{header}]"), &payload.to_string())
    }),
    ("payload is not UTF-8", "RFC 7519 §7.2", |lab| {
        let (head, ..) = good(lab);
        sign_part(SERVICES, &format!("{head}.{}", encode(b"{\"sub\":\"\xff\xfe\"}")))
    }),
    ("byte order mark before the payload", "RFC 8259 §8.1", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("\u{feff}{payload}"))
    }),
    ("a comment in the payload", "lenient JSON parsers", |_| {
        let (header, payload) = service_parts();
        text(&header.to_string(), &format!("{{/* */{}}}", inner(&payload)))
    }),
    ("nested thousands deep", "stack exhaustion in JSON parsers", |_| {
        let (header, payload) = service_parts();
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        text(&header.to_string(), &format!("{{\"x\":{deep},{}}}", inner(&payload)))
    }),
    ("a token inside a token", "RFC 7519 §5.2; RFC 8725 §2.1", |lab| {
        lab.signed(|h, _| h["cty"] = "JWT".into())
    }),
    ("compressed payload", "RFC 8725 §3.6; CVE-2024-33664 (a small token that unfolds)", |lab| {
        lab.signed(|h, _| h["zip"] = "DEF".into())
    }),
    ("a megabyte of header", "resource exhaustion before the signature is checked", |lab| {
        let (_, body, signature) = good(lab);
        format!(
            "{}.{body}.{signature}",
            encode(format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20)).as_bytes())
        )
    }),
    ("empty parts", "RFC 7515 §7.1", |_| "..".to_owned()),
    ("nothing at all", "absent token taken for an empty one", |_| String::new()),
    ("signature of zeros", "RFC 8725 §2.3", |_| {
        let (header, payload) = service_parts();
        with_signature(&header, &payload, &[0; 32])
    }),
];
