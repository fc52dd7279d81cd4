//! Which source wins, and how each mistake is told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

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
    let rows: [Row<'_>; 16] = [
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
        ("drain = 10", &[], Flags::new(), &["drain (from FILE)", "\"10\"", "such as \"30s\""]),
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

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let empty = ["HALLPASS_DATA", "HALLPASS_DATABASE", "HALLPASS_LIMITS__CALLS", "HALLPASS_LISTEN"];
    let empty = empty.map(|name| (name, ""));
    let config = load("", &empty, &Flags::new()).unwrap();
    assert_eq!((config.data, config.listen.port()), ("/data".into(), 50051));
    assert!(config.database.is_none());
}

#[test]
fn what_kubernetes_sets_for_services_is_no_setting() {
    let set = [
        ("HALLPASS_SERVICE_HOST", "10.96.0.12"),
        ("HALLPASS_SERVICE_PORT", "7401"),
        ("HALLPASS_SERVICE_PORT_GRPC", "7401"),
        ("HALLPASS_PORT", "tcp://10.96.0.12:7401"),
        ("HALLPASS_PORT_7401_TCP", "tcp://10.96.0.12:7401"),
        ("HALLPASS_PORT_7401_TCP_PROTO", "tcp"),
        ("HALLPASS_PORT_7401_TCP_PORT", "7401"),
        ("HALLPASS_PORT_7401_TCP_ADDR", "10.96.0.12"),
        ("HALLPASS_PORT_53_UDP_ADDR", "fd00::12"),
        ("HALLPASS_PLATFORM_SERVICE_HOST", "10.96.0.13"),
        ("HALLPASS_PLATFORM_SERVICE_PORT_HTTP_METRICS", "9090"),
        ("HALLPASS_DATA_PORT", "udp://10.96.0.13:7401"),
        ("HALLPASS_MY_LABELER_PORT_7402_SCTP_PROTO", "sctp"),
    ];
    load("", &set, &Flags::new()).unwrap();
    for mistyped in [
        ("HALLPASS_PORT", "7401"),
        ("HALLPASS_PORT_TCP", "tcp://10.96.0.12:7401"),
        ("HALLPASS_LIMITS__SERVICE_HOST", "10.96.0.12"),
        ("HALLPASS_SERVICE", "10.96.0.12"),
        ("HALLPASS_SERVICE_PORTS", "7401"),
    ] {
        let refused = load("", &[mistyped], &Flags::new()).unwrap_err();
        assert!(refused.contains(&format!("(from {})", mistyped.0)), "{refused}");
    }
}

#[test]
fn a_trainer_s_variables_keep_their_names_and_their_text() {
    let file = "[trainers.resnet]\nprogram = '/x'\narguments = ['--epochs', 10, '--lr', 0.5]\n\
                environment = {OMP_NUM_THREADS = 8, LR = 0.1, DEBUG = true, Name = 'x', BIG = -3}";
    let prefix = "HALLPASS_TRAINERS__RESNET__ENVIRONMENT__";
    let set = [
        ("OMP_NUM_THREADS", "007"),
        ("http_proxy", "http://proxy:3128"),
        ("SCALE", "1e3"),
        ("A__B", "[1, 2]"),
        ("EMPTY", ""),
        ("MASTER_PORT", "29500"),
    ];
    let names = set.map(|(name, value)| (format!("{prefix}{name}"), value));
    let variables = names.each_ref().map(|(name, value)| (name.as_str(), *value));
    let config = load(file, &variables, &Flags::new()).unwrap();
    assert_eq!(config.trainers["resnet"].arguments, ["--epochs", "10", "--lr", "0.5"]);
    let environment = config.trainers["resnet"].environment.iter();
    let got: Vec<_> = environment.map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "A__B=[1, 2]",
        "BIG=-3",
        "DEBUG=true",
        "EMPTY=",
        "LR=0.1",
        "MASTER_PORT=29500",
        "Name=x",
        "OMP_NUM_THREADS=007",
        "SCALE=1e3",
        "http_proxy=http://proxy:3128",
    ];
    assert_eq!(got, expected);
    let list = "[trainers.x]\nprogram = '/x'\nenvironment = {A = [1]}";
    let refused = load(list, &[], &Flags::new()).unwrap_err();
    assert!(refused.contains("trainers.x.environment"), "{refused}");
    assert!(refused.contains("expected a text, a number, true or false"), "{refused}");
}

#[test]
fn a_variable_that_looks_like_a_number_is_text_where_text_is_expected() {
    let variables = [
        ("HALLPASS_DATA", "007"),
        ("HALLPASS_LABELER__BUCKET", "2026"),
        ("HALLPASS_TEMPORAL__NAMESPACE", "1e3"),
        ("HALLPASS_TEMPORAL__TASK_QUEUE", "true"),
        ("HALLPASS_LIMITS__CALLS", "7"),
    ];
    let config = load("", &variables, &Flags::new()).unwrap();
    assert_eq!(config.data, PathBuf::from("007"));
    assert_eq!(config.labeler.bucket.as_deref(), Some("2026"));
    assert_eq!((config.temporal.namespace.as_str(), config.limits.calls), ("1e3", 7));
    assert_eq!(config.temporal.task_queue, "true");
    let refused = load("", &[("HALLPASS_DRAIN", "10")], &Flags::new()).unwrap_err();
    assert!(refused.starts_with("drain (from HALLPASS_DRAIN): \"10\" is no span"), "{refused}");
}

#[test]
fn a_claim_of_an_oidc_issuer_is_a_name_or_a_list_and_its_audience_one_or_several() {
    let file = "[[oidc]]\nissuer = 'https://a.test'\naudience = ['api://1', '1']\naudience_claim = 'client_id'\n\
                scopes_claims = ['scp', ['access', 'my.app']]\nroles_claim = ['realm', 'roles']\nproxy = ''\nrefresh = '10s'\n\
                [[oidc]]\nissuer = 'https://b.test'\naudience = 'x'";
    let config = load(file, &[], &Flags::new()).unwrap();
    let [one, two] = &config.oidc[..] else { panic!("two of them") };
    let name = |text: &str| Claim::Name(text.to_owned());
    let path = |names: [&str; 2]| Claim::Path(names.map(str::to_owned).into());
    assert_eq!(one.audience.to_vec(), ["api://1", "1"]);
    assert_eq!(one.audience_claim, name("client_id"));
    assert_eq!(one.scopes_claims, Some(vec![name("scp"), path(["access", "my.app"])]));
    assert_eq!(one.roles_claim, Some(path(["realm", "roles"])));
    assert_eq!((one.refresh, one.proxy.as_deref()), (Some(Duration::from_secs(10)), Some("")));
    assert_eq!((two.audience.to_vec(), &two.audience_claim), (vec!["x".to_owned()], &name("aud")));
    assert_eq!(
        (&two.scopes_claim, &two.scopes_claims, two.refresh, &two.proxy),
        (&None, &None, None, &None)
    );
    assert!(two.algorithms.iter().any(|of| of == "ES512"));
}

#[test]
fn nats_servers_are_a_list_or_one_text_with_commas() {
    let expected = ["nats://127.0.0.1:4222", "nats://localhost:4223", "tls://nats-3:4222"];
    let text = "127.0.0.1:4222, nats://localhost:4223,tls://nats-3:4222,";
    for (file, variables) in [
        (format!("[nats]\nservers = '{text}'"), Vec::new()),
        (format!("[nats]\nservers = ['{text}']"), Vec::new()),
        (format!("[nats]\nservers = {expected:?}"), Vec::new()),
        (String::new(), vec![("HALLPASS_NATS__SERVERS", text)]),
        (
            String::new(),
            vec![(
                "HALLPASS_NATS__SERVERS",
                "[\"127.0.0.1:4222\", \"localhost:4223,tls://nats-3:4222\"]",
            )],
        ),
    ] {
        let config = load(&file, &variables, &Flags::new()).unwrap();
        assert_eq!(config.nats.unwrap().servers, expected, "{file}");
    }
    let refused = load("[nats]\nservers = 4222", &[], &Flags::new()).unwrap_err();
    assert!(refused.contains("nats.servers") && refused.contains("list of addresses"), "{refused}");
}
