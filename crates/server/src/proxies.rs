//! The proxies whose word about their clients is believed, as networks in CIDR notation.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

const EXPECTED: &str = "expected a network such as \"10.0.0.0/24\", or an address";

/// The networks of trusted proxies. Without any, nobody is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Whether an address is a trusted proxy's.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl<'de> Deserialize<'de> for Proxies {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Vec::<String>::deserialize(from)?;
        let networks = written.iter().map(|text| network(text).map_err(de::Error::custom));
        Ok(Self(networks.collect::<Result<_, _>>()?))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let alone = || Some(IpNet::from(IpAddr::from_str(text).ok()?.to_canonical()));
    let Some(network) = IpNet::from_str(text).ok().or_else(alone) else {
        return Err(format!("{text:?} is no network: {EXPECTED}"));
    };
    if network != network.trunc() {
        return Err(format!("{text:?} has bits beyond its prefix: write {}", network.trunc()));
    }
    let narrowest = if network.addr().is_ipv4() { 8 } else { 7 };
    if network.prefix_len() < narrowest {
        return Err(format!(
            "{text:?} is too wide, with a prefix below {narrowest}: name the network that only proxies are in"
        ));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn proxies(written: &[&str]) -> Result<Proxies, String> {
        serde_json::from_value(json!(written)).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_in_a_network_or_not() {
        let trusted = proxies(&["10.1.0.0/16", "192.0.2.7", "fd00::/8", "::ffff:198.51.100.1"]);
        let trusted = trusted.unwrap();
        let rows = [
            ("10.1.255.1", true),
            ("::ffff:10.1.255.1", true),
            ("10.2.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("198.51.100.1", true),
        ];
        for (address, expected) in rows {
            assert_eq!(trusted.trust(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Proxies::default().trust("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let rows = [
            ("proxy.internal", "is no network"),
            ("10.0.0.0/33", "is no network"),
            ("10.0.0.1/8", "write 10.0.0.0/8"),
            ("0.0.0.0/0", "is too wide"),
            ("128.0.0.0/1", "is too wide"),
            ("::/0", "is too wide"),
        ];
        for (written, expected) in rows {
            let problem = proxies(&[written]).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
