//! Files of certificates and keys in PEM, and what is said of files that hold something else.
//!
//! Invariant: no part of a key is in an error.

use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::private_file;

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Certificates of authorities.
    Authority,
    /// A certificate that this process shows to others like itself, with its chain.
    Own,
    /// One that it shows to servers of another make, which may take an authority's own.
    Shown,
    /// The private key of such a certificate.
    Key,
}

/// A file that does not hold what it should.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct PemError {
    file: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    #[error(
        "it is in DER, not in PEM: convert it with `openssl {0} -inform der -in FILE -out FILE.pem`"
    )]
    Der(&'static str),
    #[error(
        "it is a PKCS #12 archive, not PEM: convert it with `openssl pkcs12 -in FILE -nodes -out FILE.pem`"
    )]
    Archive,
    #[error(
        "it is a Java keystore, not PEM: export certificate and key with keytool and `openssl pkcs12`"
    )]
    Keystore,
    #[error(
        "its key is encrypted with a passphrase, which nobody is here to give: decrypt it with `openssl pkey -in FILE -out NEW`, mode 600"
    )]
    Encrypted,
    #[error("it is a key of OpenSSH: convert a copy with `ssh-keygen -p -m PKCS8 -f FILE`")]
    OfOpenSsh,
    #[error("it is a request for a certificate, not the certificate: have an authority sign it")]
    Request,
    #[error(
        "it is a certificate with OpenSSL's notes of trust: convert it with `openssl x509 -in FILE -out FILE.pem`"
    )]
    Noted,
    #[error(
        "it is a PKCS #7 file: convert it with `openssl pkcs7 -print_certs -in FILE -out FILE.pem`"
    )]
    Bundle,
    #[error("it begins with a byte-order mark: save it as UTF-8 without one")]
    Marked,
    #[error("it is no text: PEM is wanted, which begins with -----BEGIN")]
    NoText,
    #[error("holds no {0} in PEM")]
    Missing(&'static str),
    #[error(
        "it is the certificate of an authority (CA:TRUE), which clients refuse as a server's or a client's own: let the authority sign \
         one with CA:FALSE, or make a self-signed one with `openssl req -x509 … -addext basicConstraints=critical,CA:FALSE`"
    )]
    IsAuthority,
}

/// The text of a PEM file that holds at least one block of a kind, without a byte-order mark.
pub fn read(file: &Path, kind: Kind) -> Result<String, PemError> {
    let failed = |problem| PemError { file: file.to_owned(), problem };
    // A certificate is for everybody to see; a key is not.
    let bytes = match kind {
        Kind::Key => private_file::read_bytes(file),
        Kind::Authority | Kind::Own | Kind::Shown => std::fs::read(file),
    };
    bytes.map_err(Problem::from).and_then(|bytes| text(bytes, kind)).map_err(failed)
}

/// Checks a file that a library reads itself, which passes over no byte-order mark.
pub fn check(file: &Path, kind: Kind) -> Result<(), PemError> {
    let text = read(file, kind)?;
    let same = std::fs::read(file).is_ok_and(|bytes| bytes == text.as_bytes());
    if same { Ok(()) } else { Err(PemError { file: file.to_owned(), problem: Problem::Marked }) }
}

fn text(bytes: Vec<u8>, kind: Kind) -> Result<String, Problem> {
    if let Some(problem) = binary(&bytes, kind) {
        return Err(problem);
    }
    let text = decoded(bytes).ok_or(Problem::NoText)?;
    let begins = |what: &str| {
        let begin = format!("-----BEGIN {what}-----");
        text.lines().any(|line| line.trim_end() == begin)
    };
    let found = match kind {
        Kind::Authority | Kind::Own | Kind::Shown => begins("CERTIFICATE"),
        Kind::Key => ["", "RSA ", "EC "].iter().any(|of| begins(&format!("{of}PRIVATE KEY"))),
    };
    if let Some(problem) = other(begins, &text, kind, found) {
        return Err(problem);
    }
    if kind == Kind::Own && is_authority(&text) {
        return Err(Problem::IsAuthority);
    }
    Ok(text)
}

/// Formats that are no text.
fn binary(bytes: &[u8], kind: Kind) -> Option<Problem> {
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] => Some(Problem::Keystore),
        // A sequence whose first member is the number 3.
        [0x30, 0x82, _, _, 2, 1, 3, ..] => Some(Problem::Archive),
        [0x30, 0x81..=0x84, ..] => {
            Some(Problem::Der(if kind == Kind::Key { "pkey" } else { "x509" }))
        }
        _ => None,
    }
}

/// Windows tools put a byte-order mark before a text, and write some in UTF-16.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match &*bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8(text.to_vec()).ok(),
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    }
}

/// What a text holds in place of what was looked for.
fn other(begins: impl Fn(&str) -> bool, text: &str, kind: Kind, found: bool) -> Option<Problem> {
    if kind == Kind::Key && text.lines().any(|line| line.starts_with("Proc-Type: 4,ENCRYPTED")) {
        return Some(Problem::Encrypted);
    }
    if found {
        return None;
    }
    Some(match kind {
        Kind::Key if begins("ENCRYPTED PRIVATE KEY") => Problem::Encrypted,
        Kind::Key if begins("OPENSSH PRIVATE KEY") => Problem::OfOpenSsh,
        Kind::Key => Problem::Missing("PRIVATE KEY"),
        _ if begins("CERTIFICATE REQUEST") || begins("NEW CERTIFICATE REQUEST") => Problem::Request,
        _ if begins("TRUSTED CERTIFICATE") => Problem::Noted,
        _ if begins("PKCS7") => Problem::Bundle,
        Kind::Authority | Kind::Own | Kind::Shown => Problem::Missing("CERTIFICATE"),
    })
}

/// Whether the first certificate has the extension `basicConstraints` (RFC 5280, section 4.2.1.9) with `cA` set.
fn is_authority(text: &str) -> bool {
    const EXTENSION: [u8; 5] = [6, 3, 0x55, 0x1d, 0x13];
    const CRITICAL: [u8; 3] = [1, 1, 0xff];
    let Ok(certificate) = CertificateDer::from_pem_slice(text.as_bytes()) else { return false };
    let mut windows = certificate.windows(EXTENSION.len());
    let Some(at) = windows.position(|window| window == EXTENSION) else { return false };
    let value = &certificate[at + EXTENSION.len()..];
    let value = value.strip_prefix(&CRITICAL[..]).unwrap_or(value);
    // An octet string of a sequence whose first member is the flag.
    matches!(value, [4, _, 0x30, _, 1, 1, 0xff, ..])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// A file beside the tests of TLS.
    fn kept(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)).unwrap()
    }

    fn said(bytes: &[u8], kind: Kind) -> String {
        text(bytes.to_vec(), kind).map_or_else(|problem| problem.to_string(), |_| String::new())
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let pem = String::from_utf8(kept("server.pem")).unwrap();
        let utf16: Vec<u16> = pem.encode_utf16().collect();
        let little = utf16.iter().flat_map(|unit| unit.to_le_bytes());
        let big = utf16.iter().flat_map(|unit| unit.to_be_bytes());
        for bytes in [
            [&[0xef, 0xbb, 0xbf], pem.as_bytes()].concat(),
            [0xff, 0xfe].into_iter().chain(little).collect(),
            [0xfe, 0xff].into_iter().chain(big).collect(),
            pem.replace('\n', "\r\n").into_bytes(),
        ] {
            let read = text(bytes, Kind::Own).unwrap();
            assert_eq!(read.replace('\r', ""), pem);
        }
    }

    #[test]
    fn what_a_file_holds_instead_is_said_with_the_remedy() {
        let server = String::from_utf8(kept("server.pem")).unwrap();
        let der = CertificateDer::from_pem_slice(server.as_bytes()).unwrap();
        let named = |name: &str| format!("-----BEGIN {name}-----\nAAAA\n-----END {name}-----\n");
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA\n";
        for (bytes, kind, expected) in [
            (der.to_vec(), Kind::Own, "in DER"),
            (der.to_vec(), Kind::Key, "openssl pkey -inform der"),
            (vec![0x30, 0x82, 9, 9, 2, 1, 3, 0x30], Kind::Key, "PKCS #12"),
            (vec![0xfe, 0xed, 0xfe, 0xed, 0], Kind::Own, "Java keystore"),
            (vec![0x80, 1, 2], Kind::Authority, "no text"),
            (named("ENCRYPTED PRIVATE KEY").into(), Kind::Key, "encrypted with a passphrase"),
            (old.into(), Kind::Key, "encrypted with a passphrase"),
            (named("OPENSSH PRIVATE KEY").into(), Kind::Key, "ssh-keygen"),
            (named("PUBLIC KEY").into(), Kind::Key, "holds no PRIVATE KEY"),
            (named("CERTIFICATE REQUEST").into(), Kind::Own, "request for a certificate"),
            (named("TRUSTED CERTIFICATE").into(), Kind::Authority, "notes of trust"),
            (named("PKCS7").into(), Kind::Authority, "PKCS #7"),
            (kept("server.key"), Kind::Own, "holds no CERTIFICATE"),
            (kept("ca.pem"), Kind::Own, "CA:TRUE"),
            (kept("ca.pem"), Kind::Authority, ""),
            (kept("client.pem"), Kind::Own, ""),
            (kept("server.key"), Kind::Key, ""),
        ] {
            let said = said(&bytes, kind);
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{said:?}");
        }
    }
}
