//! Which source wins, and how each mistake is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use super::*;

type Flags<'a> = BTreeMap<&'a str, &'a str>;

/// A file, variables and flags, and what the error must say.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Flags<'a>, &'a [&'a str]);

/// Loads a configuration of a file, variables and flags.
fn load(file: &str, variables: &[(&str, &str)], flags: &Flags<'_>) -> Result<Config, String> {
    let mut toml = tempfile::NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    let environment = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let sources = Sources { file: Some(toml.path().to_owned()), environment, ..Sources::default() }
        .default_for("listen", "127.0.0.1:50051")
        .default_for("data", "/data");
    let path = toml.path().display().to_string();
    Config::load(sources, flags).map_err(|error| error.to_string().replace(&path, "FILE"))
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "listen = '127.0.0.1:1'\nlog_format = 'json'\n[limits]\ncalls = 1\ndeadline = '1s'";
    let variables = [
        ("HALLPASS_LISTEN", "127.0.0.1:2"),
        ("HALLPASS_LIMITS__CALLS", "2"),
        ("HALLPASS_PEERS__LABELER__ADDRESS", "http://127.0.0.1:50052"),
        ("PATH", "/bin"),
    ];
    let config = load(file, &variables, &Flags::from([("listen", "127.0.0.1:3")])).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.limits.calls, 2);
    assert_eq!(config.limits.deadline, Duration::from_secs(1));
    assert_eq!(config.limits.header_bytes, 32 * 1024);
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.peers["labeler"].host_and_port(), ("127.0.0.1", 50052));
    assert!(config.reflection);
}

#[test]
fn each_mistake_names_its_key_its_source_and_what_is_allowed() {
    let rows: [Row<'_>; 15] = [
        ("lisen = 'x'", &[], Flags::new(), &["lisen (from FILE)", "allowed here: listen, data"]),
        ("[limits]\ntoken_percent = 0", &[], Flags::new(), &["limits.token_percent", "1 to 100"]),
        (
            "[limits]\nfirst_message = '0s'",
            &[],
            Flags::new(),
            &["limits.first_message", "more than 0"],
        ),
        ("[limits]\ncals = 1", &[], Flags::new(), &["limits.cals (from FILE)", "calls"]),
        (
            "",
            &[("HALLPASS_LIMITS__CALLS", "many")],
            Flags::new(),
            &["limits.calls (from HALLPASS_LIMITS__CALLS)", "\"many\"", "usize"],
        ),
        (
            "[limits]\ntrusted_proxies = ['10.0.0.1/8']",
            &[],
            Flags::new(),
            &["limits.trusted_proxies (from FILE)", "write 10.0.0.0/8"],
        ),
        (
            "[limits]\nstream_window_bytes = 1000",
            &[],
            Flags::new(),
            &["limits.stream_window_bytes (from FILE)", "1000 is not from 65535"],
        ),
        ("[limits]\nidle = '0s'", &[], Flags::new(), &["limits.idle (from FILE)", "longer"]),
        ("[limits]\nconnections = 0", &[], Flags::new(), &["limits.connections (from FILE)"]),
        ("drain = '10'", &[], Flags::new(), &["drain (from FILE)", "such as \"30s\""]),
        ("", &[], Flags::from([("log_format", "xml")]), &["(from the command line)", "\"json\""]),
        (
            "[peers.labeler]\naddress = 'labeler'",
            &[],
            Flags::new(),
            &["peers.labeler.address (from FILE)", "no address"],
        ),
        ("[tls]\ncert = 'a'", &[], Flags::new(), &["tls.key", "must be given"]),
        ("", &[("HALLPASS_LISTN", "1")], Flags::new(), &["listn (from HALLPASS_LISTN)"]),
        ("listen = 5", &[], Flags::new(), &["listen (from FILE)", "socket address"]),
    ];
    for (file, variables, flags, expected) in rows {
        let error = load(file, variables, &flags).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
    }
}

#[test]
fn beyond_loopback_nothing_is_plaintext_by_oversight() {
    let everywhere = "listen = '0.0.0.0:50051'";
    let peer = "[peers.labeler]\naddress = 'http://labeler:50052'";
    let refused = |file: &str| load(file, &[], &Flags::new()).unwrap_err();
    assert!(
        refused(everywhere).starts_with("listen (from FILE): 0.0.0.0:50051 is beyond loopback")
    );
    assert!(refused(peer).starts_with("peers.labeler.address (from FILE): http://labeler:50052/"));
    let exposed = "listen = '0.0.0.0:50051'\ninsecure_plaintext = true\ndevelopment = true";
    assert!(
        refused(exposed).starts_with("development (from FILE): not with listen = 0.0.0.0:50051")
    );
    let allowed = [
        "development = true",
        "listen = '[::1]:50051'",
        "listen = '0.0.0.0:50051'\n[tls]\ncert = 'a'\nkey = 'b'",
        "listen = '0.0.0.0:50051'\ninsecure_plaintext = true",
        "[peers.labeler]\naddress = 'https://labeler:50052'",
        "[peers.labeler]\naddress = 'http://[::1]:50052'",
        "[peers.labeler]\naddress = 'http://localhost:50052'",
        "insecure_plaintext = true\n[peers.labeler]\naddress = 'http://labeler:50052'",
    ];
    for file in allowed {
        assert_eq!(load(file, &[], &Flags::new()).map(|_| ()), Ok(()), "{file}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let sources = Sources { file: Some("/none.toml".into()), ..Sources::default() };
    let error = Config::load(sources, &Flags::new()).unwrap_err().to_string();
    assert_eq!(error, "/none.toml: no such configuration file");
}
