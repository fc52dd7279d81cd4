//! Where an issuer may be: behind TLS. On loopback a development profile may do without.

use std::net::IpAddr;

use reqwest::Url;

/// An address that keys may be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(Url);

/// What would be right where an address is not.
pub(crate) const RIGHT: &str = "right: https://…, without user, password and fragment; http:// only on loopback and with development = true";

impl Place {
    pub(crate) fn parse(text: &str, development: bool) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let private = match url.scheme() {
            "https" => true,
            "http" => development && is_loopback(&url),
            _ => false,
        };
        (bare && private && url.has_host()).then_some(Self(url))
    }

    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }
}

/// Names are looked up elsewhere and may lead anywhere: an address is meant.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn plaintext_is_for_loopback_in_development_only() {
        for (text, usual, development) in [
            ("https://login.example.com/keys", true, true),
            ("https://127.0.0.1:1/keys", true, true),
            ("http://127.0.0.1:1/keys", false, true),
            ("http://[::1]:1/keys", false, true),
            ("http://localhost:1/keys", false, false),
            ("http://127.0.0.1.example.com/keys", false, false),
            ("http://login.example.com/keys", false, false),
            ("https://user:word@login.example.com/keys", false, false),
            ("https://user@login.example.com/keys", false, false),
            ("https://login.example.com/keys#1", false, false),
            ("file:///etc/passwd", false, false),
            ("ftp://127.0.0.1/keys", false, false),
            ("login.example.com/keys", false, false),
            ("", false, false),
        ] {
            assert_eq!(Place::parse(text, false).is_some(), usual, "{text}");
            assert_eq!(Place::parse(text, true).is_some(), development, "{text} in development");
        }
    }
}
