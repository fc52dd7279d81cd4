//! 0 when done, 1 for a configuration that is wrong, 2 for arguments that are not right.

use crate::run::{SECRET, hallpass};

#[test]
fn arguments_that_are_not_right_end_with_2() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["nothing"], "nothing"),
        (&["token"], "Usage"),
        (&["token", "mint", "--expires-in", "30x"], "30x"),
        (&["token", "mint", "--expires-in", "0s"], "--expires-in"),
        (&["token", "mint", "--expires-in", "-1d"], "-1"),
        (&["token", "mint", "--expires-in", ""], "--expires-in"),
        (&["token", "mint", "--algorithm", "RS256"], "HS256 or HS512"),
        (&["token", "mint", "--algorithm", "none"], "HS256 or HS512"),
        (&["token", "mint", "--algorithm", "EdDSA"], "HS256 or HS512"),
        (&["token", "mint", "--type", "admin"], "admin"),
        (&["token", "mint", "--type", "action"], "action"),
        (&["token", "mint", "--output", "yaml"], "yaml"),
        (&["token", "mint", "--secret", SECRET, "--ring", "ring.json"], "cannot be used"),
        (&["token", "mint", "--secret", SECRET, "--data", "data"], "cannot be used"),
        (&["token", "mint", "--ring", "r", "--data", "d"], "cannot be used"),
        (&["token", "mint", "--ring", "r", "--algorithm", "HS256"], "cannot be used"),
        (&["token", "mint", "--unknown"], "--unknown"),
        (&["token", "mint", "--resource", "dataset"], "dataset:ds_1"),
        (&["token", "inspect"], "TOKEN"),
        (&["token", "verify", "-", "--signature-only"], "--jwks"),
        (&["token", "verify", "-", "--jwks", "j", "--ring", "r"], "cannot be used"),
        (&["keys", "list"], "--ring"),
        (&["dataset", "import", ".", "--name", "n", "--share", "bob:owner"], "USER:viewer"),
        (&["dataset", "list", "--server", "not an address"], "--server"),
        (&["completions", "tcsh"], "tcsh"),
    ];
    for (arguments, saying) in cases {
        let ran = hallpass(arguments).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(saying), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn arguments_that_do_not_fit_the_keys_end_with_2() {
    let cases: &[&[&str]] = &[
        &["--kid", "a"],
        &["--type", "service"],
        &["--service", "platform"],
        &["--scope", "labeler:read"],
        &["--audience", "labeler"],
        &["--job-id", "7"],
        &["--resource", "dataset:ds_1"],
    ];
    for flags in cases {
        let arguments = [&["token", "mint"], *flags].concat();
        hallpass(&arguments).env("JWT_SECRET_KEY", SECRET).run().fails(2, flags[0]);
    }
    hallpass(&["token", "revoke"]).run().fails(2, "HALLPASS_TOKEN");
}

/// Names and values.
type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn a_wrong_configuration_ends_with_1() {
    let known = "my-test-secret-key-32-characters!";
    let cases: &[(&[&str], Variables<'_>, &str)] = &[
        (&[], &[], "JWT_SECRET_KEY"),
        (&[], &[("JWT_SECRET_KEY", "short")], "JWT_SECRET_KEY: 5 bytes; right: at least 32"),
        (&[], &[("JWT_SECRET_KEY", "")], "JWT_SECRET_KEY: 0 bytes"),
        (&[], &[("JWT_SECRET_KEY", &SECRET[..31])], "31 bytes"),
        (&[], &[("JWT_SECRET_KEY", known)], "printed in a public guide"),
        (&["--secret", "short"], &[], "--secret: 5 bytes"),
        (&["--secret", known], &[("JWT_SECRET_KEY", SECRET)], "printed in a public guide"),
        (&[], &[("JWT_SECRET_KEY", SECRET), ("JWT_ALGORITHM", "RS256")], "JWT_ALGORITHM"),
        (&[], &[("JWT_SECRET_KEY", SECRET), ("JWT_ALGORITHM", "none")], "JWT_ALGORITHM"),
        (&["--ring", "absent.json"], &[], "absent.json"),
        (&["--data", "absent"], &[], "absent/keys/users.json"),
        (&["--data", "absent", "--type", "service"], &[], "absent/keys/platform.json"),
        (&[], &[("HALLPASS_DATA", "absent"), ("JWT_SECRET_KEY", SECRET)], "absent/keys/users"),
        (&["--subject", "a\nb"], &[("JWT_SECRET_KEY", SECRET)], "sub"),
        (&["--subject", ""], &[("JWT_SECRET_KEY", SECRET)], "sub"),
    ];
    for (flags, variables, saying) in cases {
        let arguments = [&["token", "mint"], *flags].concat();
        let mut command = hallpass(&arguments);
        for (name, value) in *variables {
            command = command.env(name, value);
        }
        let ran = command.run();
        ran.fails(1, saying);
        assert!(!ran.stderr.contains(SECRET) && !ran.stderr.contains(known), "{ran:?}");
    }
}

#[test]
fn help_version_and_completions_end_with_0() {
    for arguments in [&["--help"][..], &["--version"], &["token", "mint", "--help"]] {
        assert_eq!(hallpass(arguments).run().code, 0, "{arguments:?}");
    }
    assert!(hallpass(&["token", "mint", "--help"]).run().stdout.contains("Examples:"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = hallpass(&["completions", shell]).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
        assert!(ran.stdout.contains("expires-in"), "{shell}");
    }
}
