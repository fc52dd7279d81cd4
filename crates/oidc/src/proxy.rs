//! The HTTP proxy between this process and an issuer.
//!
//! Promise: its address, which may hold a password, is in no error and in no `Debug`.

use std::fmt;

use reqwest::{NoProxy, Proxy, Url};

/// The proxy that requests by HTTPS go through (`CONNECT`), if any. Issuers on loopback without TLS are asked directly.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    url: Option<String>,
    direct: Option<String>,
}

impl ProxySettings {
    /// No proxy.
    pub const NONE: Self = Self { url: None, direct: None };

    /// What the environment says: `HTTPS_PROXY` and `NO_PROXY`, each in either case. `variable` looks one up.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let found = variable(name).or_else(|| variable(&name.to_ascii_lowercase()));
            found.filter(|value| !value.trim().is_empty())
        };
        Self { url: either("HTTPS_PROXY"), direct: either("NO_PROXY") }
    }

    /// The proxy at this URL, but for the hosts that these settings except.
    #[must_use]
    pub fn at(self, url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..self }
    }

    /// Whether there is one.
    pub const fn is_set(&self) -> bool {
        self.url.is_some()
    }

    /// As the HTTP client takes it. Without a scheme it is a host and a port.
    pub(crate) fn for_https(&self) -> Result<Option<Proxy>, String> {
        let Some(text) = &self.url else { return Ok(None) };
        let text = text.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let right = "proxy: not an HTTP proxy; right: http://HOST:PORT, in `proxy` or HTTPS_PROXY";
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let proxy = url.and_then(|url| Proxy::https(url).ok()).ok_or(right)?;
        let direct = self.direct.as_deref().and_then(NoProxy::from_string);
        Ok(Some(proxy.no_proxy(direct)))
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}
