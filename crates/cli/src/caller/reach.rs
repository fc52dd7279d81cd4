//! What to check where a server cannot be reached, by what the transport says.

use std::error::Error;
use std::io;

use tonic::transport::Uri;

use crate::failure::with_causes;

/// What TLS says, and what to check then.
const OF_TLS: [(&str, &str); 8] = [
    (
        "UnknownIssuer",
        "--ca FILE with the authority of the server's certificate: none that is trusted has signed it",
    ),
    ("NotValidForName", "the host in --server: the server's certificate is for another name"),
    ("Expired", "the server's certificate, which has expired, and this machine's clock"),
    ("NotValidYet", "the server's certificate, which is not valid yet, and this machine's clock"),
    (
        "CaUsedAsEndEntity",
        "the server's certificate: it is an authority's own, and not one that an authority has signed",
    ),
    ("InvalidContentType", "whether the server speaks TLS: with http:// it may answer"),
    (
        "CertificateRequired",
        "the server's settings: it asks for a client certificate, which this command cannot show",
    ),
    ("H2NotNegotiated", "the port: what answers there speaks TLS, but not HTTP/2"),
];

/// What to check, for a connection that was not made or broke.
pub(super) fn remedy(error: &(dyn Error + 'static), server: &Uri) -> String {
    let told = with_causes(error);
    if let Some((_, right)) = OF_TLS.iter().find(|(sign, _)| told.contains(sign)) {
        return (*right).to_owned();
    }
    let (host, port) = (server.host().unwrap_or_default(), port(server));
    match kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => format!(
            "whether the server runs and listens on port {port} of {host} (--server or HALLPASS_SERVER; `hallpass up` starts one)"
        ),
        _ if told.contains("lookup") || told.contains("dns") => {
            format!("the name {host}: it has no address that this machine can find")
        }
        Some(
            io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable,
        ) => format!("the way to {host}: address, network, firewall for port {port}"),
        _ if told.contains("deadline") || told.contains("timed out") => {
            format!("the way to {host}: address, network, firewall for port {port}")
        }
        _ if server.scheme_str() == Some("http") => format!(
            "what listens on port {port} of {host}: it may want https://, or be no gRPC server"
        ),
        _ => format!("what listens on port {port} of {host}, and the server's log"),
    }
}

/// What to check, for a call that broke on a connection that was made.
pub(super) fn remedy_of_call(error: &(dyn Error + 'static)) -> String {
    let told = with_causes(error);
    match OF_TLS.iter().find(|(sign, _)| told.contains(sign)) {
        Some((_, right)) => (*right).to_owned(),
        None => {
            "--server and the server's log: it ended, it wants https://, or it is no gRPC server"
                .to_owned()
        }
    }
}

fn port(server: &Uri) -> u16 {
    server.port_u16().unwrap_or(if server.scheme_str() == Some("https") { 443 } else { 80 })
}

/// The kind of the system's own error beneath, if there is one.
fn kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_not_to_reach_a_server_says_what_to_check() {
        let server = Uri::from_static("http://127.0.0.1:7401");
        let refused: io::Error = io::ErrorKind::ConnectionRefused.into();
        let tls = |said: &str| io::Error::new(io::ErrorKind::InvalidData, said);
        let cases = [
            (refused, "listens on port 7401 of 127.0.0.1"),
            (io::ErrorKind::TimedOut.into(), "firewall for port 7401"),
            (io::ErrorKind::NetworkUnreachable.into(), "firewall for port 7401"),
            (io::Error::other("dns error"), "no address that this machine can find"),
            (io::ErrorKind::ConnectionReset.into(), "it may want https://"),
            (tls("invalid peer certificate: UnknownIssuer"), "--ca FILE"),
            (tls("invalid peer certificate: NotValidForName"), "for another name"),
            (tls("invalid peer certificate: Expired"), "clock"),
            (tls("received corrupt message of type InvalidContentType"), "with http://"),
        ];
        for (error, right) in cases {
            let told = remedy(&error, &server);
            assert!(told.contains(right), "{error:?}: {told}");
        }
    }
}
