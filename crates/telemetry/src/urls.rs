//! URLs as they may be shown: without users, passwords and queries.
//!
//! Promise: whatever text goes through [`redacted`] has no password of a URL left in it, wherever in the text the URL stands.

use std::borrow::Cow;

use http::Uri;

/// What stands for what was left out.
const LEFT_OUT: &str = "…";

/// The text with each URL in it less its user, its password and its query.
///
/// What could be a password counts as one: all between `://` and the last `@` before a space or a quote.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut left) = (String::with_capacity(text.len()), text);
    while let Some(at) = left.find("://") {
        let (before, url) = left.split_at(at + 3);
        let end = url.find(is_end).unwrap_or(url.len());
        shown.push_str(before);
        shown_url(&url[..end], &mut shown);
        left = &url[end..];
    }
    shown.push_str(left);
    Cow::Owned(shown)
}

fn shown_url(url: &str, shown: &mut String) {
    let place = match url.rfind('@') {
        Some(at) => {
            shown.push_str(LEFT_OUT);
            &url[at..]
        }
        None => url,
    };
    match place.split_once('?') {
        Some((place, query)) if query.contains('=') => {
            shown.push_str(place);
            shown.push('?');
            shown.push_str(LEFT_OUT);
        }
        _ => shown.push_str(place),
    }
}

/// Whether a URL in a text ends before this. A comma may be part of a password; of a list, each URL begins with its own scheme.
fn is_end(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\\')
}

/// Whether a URL has a user or a password before its host, or could have.
pub fn has_login(url: &str) -> bool {
    url.contains('@')
}

/// Whether nobody on the way to a URL's host can listen: it speaks TLS, or is this very machine. What is no URL is not.
pub fn is_private(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    uri.scheme_str() == Some("https") || host.eq_ignore_ascii_case("localhost") || loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_url_is_shown_wherever_it_stands() {
        for (text, right) in [
            ("nats://alice:s3cr3t@host:4222", "nats://…@host:4222"),
            ("peers.x: \"http://:s3cr3t@h\" is none", "peers.x: \"http://…@h\" is none"),
            ("postgres://u:s3/cr3t@db/x?sslmode=require", "postgres://…@db/x?…"),
            ("postgres://u@db/x?password=s3cr3t: refused", "postgres://…@db/x?… refused"),
            ("a://u:s3cr3t@h and b://v:s3cr3t@i", "a://…@h and b://…@i"),
            ("nats://u:s3cr3t@h,nats://u:s3cr3t@i", "nats://…@i"),
            ("https://host/realm/x", "https://host/realm/x"),
            ("https://host/x?", "https://host/x?"),
            ("mail to alice@host", "mail to alice@host"),
            ("", ""),
        ] {
            let shown = redacted(text);
            assert_eq!(shown, right);
            assert!(!shown.contains("s3"), "{shown}");
        }
    }

    #[test]
    fn what_is_private() {
        for (url, private) in [
            ("http://127.0.0.1:4317", true),
            ("http://[::1]:4317", true),
            ("HTTP://LocalHost:4317", true),
            ("https://collector:4317", true),
            ("http://collector:4317", false),
            ("http://127.0.0.1.example", false),
            ("http://127.0.0.1@collector", false),
            ("collector:4317", false),
            ("", false),
        ] {
            assert_eq!(is_private(url), private, "{url}");
        }
    }
}
