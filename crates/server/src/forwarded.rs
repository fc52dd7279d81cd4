//! Reads what a proxy says of its client: `x-forwarded-for` and Envoy's `x-forwarded-client-cert`.
//!
//! Both lists grow to the right, so the right end is what the nearest proxy wrote, and the left end is whatever the client
//! claimed. Nothing here decides whether the proxy is trusted.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::proxies::Proxies;

/// The addresses that a request came through.
pub(crate) const ADDRESSES: &str = "x-forwarded-for";
/// The certificates that were shown on its way.
pub(crate) const CERTIFICATES: &str = "x-forwarded-client-cert";

/// The client's address: the rightmost one that is not a trusted proxy's, else the farthest proxy's.
///
/// An entry that is no address ends the search, since nobody trusted can have written what stands left of it.
pub(crate) fn address(headers: &HeaderMap, nearest: IpAddr, proxies: &Proxies) -> IpAddr {
    let lines: Vec<_> = headers.get_all(ADDRESSES).iter().collect();
    let mut farthest = nearest;
    for line in lines.into_iter().rev() {
        for entry in line.as_bytes().rsplit(|byte| *byte == b',') {
            let Some(address) = parsed(entry) else { return farthest };
            farthest = address.to_canonical();
            if !proxies.trust(farthest) {
                return farthest;
            }
        }
    }
    farthest
}

/// The SHA-256 of the certificate that the nearest proxy was shown; `None` where it says nothing, or not clearly.
pub(crate) fn certificate(headers: &HeaderMap) -> Option<[u8; 32]> {
    let line = headers.get_all(CERTIFICATES).iter().next_back()?.as_bytes();
    let nearest = split(line, b',')?.pop()?;
    let pairs = split(nearest, b';')?;
    let mut hashes = pairs.into_iter().filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        key.eq_ignore_ascii_case(b"hash").then_some(value)
    });
    match (hashes.next(), hashes.next()) {
        (Some(hash), None) => digest(hash),
        _ => None,
    }
}

/// An address with or without its port, as proxies write it.
fn parsed(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry.trim_ascii()).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

/// The parts between separators outside quotes; `None` where a quote is left open.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.iter().copied().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!quoted).then_some(parts)
}

fn digest(hex: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, []) = hex.as_chunks::<2>() else { return None };
    if pairs.len() != digest.len() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn headers(name: &'static str, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_trusted_proxys() {
        let proxies: Proxies = serde_json::from_value(json!(["10.0.0.0/8", "fd00::/8"])).unwrap();
        let rows: [(&[&str], &str); 12] = [
            (&[], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1, 10.2.2.2"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1 ,10.2.2.2"], "192.0.2.1"),
            (&["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            (&["192.0.2.1, unknown, 10.2.2.2"], "10.2.2.2"),
            (&["192.0.2.1:5555"], "192.0.2.1"),
            (&["[2001:db8::1]:5555, fd00::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
        ];
        for (lines, expected) in rows {
            let nearest = "10.0.0.1".parse().unwrap();
            let found = address(&headers(ADDRESSES, lines), nearest, &proxies);
            assert_eq!(found.to_string(), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_certificate_is_the_one_that_the_nearest_proxy_was_shown() {
        let (ours, other) = ("aB".repeat(32), "cd".repeat(32));
        let rows = [
            (format!("Hash={ours}"), true),
            (format!("hash={ours}"), true),
            (format!("By=spiffe://a;Hash={ours};Subject=\"CN=a, b;Hash={other}\""), true),
            (format!("Hash={other},By=x;Hash={ours}"), true),
            (format!("Subject=\"a\\\",Hash={other}\";Hash={ours}"), true),
            (format!("Hash={ours},Hash={other}"), false),
            (format!("Hash={ours},By=x"), false),
            (format!("Hash={ours};Hash={ours}"), false),
            (format!("Subject=\"open;Hash={ours}"), false),
            (format!("Hash={}", &ours[..62]), false),
            (format!("Hash={}zz", &ours[..62]), false),
            (format!("Hash=\"{ours}\""), false),
            (String::new(), false),
        ];
        for (line, expected) in rows {
            let found = certificate(&headers(CERTIFICATES, &[&line]));
            assert_eq!(found == Some([0xab; 32]), expected, "{line}");
        }
        assert_eq!(certificate(&HeaderMap::new()), None);
    }
}
