//! Where no call is made: without a token, without TLS to another machine, without a server.

use crate::run::hallpass;

#[test]
fn a_call_needs_a_token_and_a_safe_way() {
    let here = "http://127.0.0.1:1";
    let cases: &[(&[&str], Option<&str>, &str)] = &[
        (&[], None, "HALLPASS_TOKEN"),
        (&["--token-file", "absent"], Some("t"), "absent"),
        (&["--token-file", "-"], Some("t"), "stdin: empty"),
        (&["--server", here], Some("t"), "no connection"),
        (&["--server", here], Some("t"), "check: whether the server runs and listens on port 1 of"),
        (&["--server", "http://192.0.2.1:1"], Some("t"), "without TLS"),
        (&["--server", "http://localhost.example:1"], Some("t"), "without TLS"),
        (&["--server", "https://127.0.0.1:1"], Some("t"), "listens on port 1 of 127.0.0.1"),
        (&["--server", "https://nowhere.invalid"], Some("t"), "check: the name nowhere.invalid"),
        (&["--server", "https://127.0.0.1:1", "--ca", "absent.pem"], Some("t"), "absent.pem"),
        (&["--server", here, "--ca", "absent.pem"], Some("t"), "right: https://"),
        (&["--server", "ftp://127.0.0.1:1"], Some("t"), "right: such as http://"),
        (&["--server", here], Some("secret\u{7f}token"), "characters that no token has"),
    ];
    for command in [&["dataset", "list"], &["job", "list"]] {
        for (flags, token, saying) in cases {
            let mut ran = hallpass(&[command, *flags].concat());
            if let Some(token) = token {
                ran = ran.env("HALLPASS_TOKEN", token);
            }
            let ran = ran.run();
            ran.fails(1, saying);
            assert!(!ran.stderr.contains("secret"), "{ran:?}");
        }
    }
}

#[test]
fn a_folder_is_read_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let import = || hallpass(&["dataset", "import", path, "--name", "n"]).run();
    import().fails(1, "no files");
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("a.png")).unwrap();
    import().fails(1, "a.png: is a symbolic link");
}
