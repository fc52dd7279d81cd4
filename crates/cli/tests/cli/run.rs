//! Runs the real binary with nothing of the environment that it reads.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// A secret as an operator would have it.
pub(crate) const SECRET: &str = "q0Vw3JX9-for-these-tests-only-Zr7LkP2sYb";

/// A command to run.
pub(crate) struct Hallpass {
    command: Command,
    stdin: Vec<u8>,
    folder: tempfile::TempDir,
}

/// What it left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
}

/// `hallpass` with these arguments, in an empty folder.
pub(crate) fn hallpass(arguments: &[&str]) -> Hallpass {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(arguments).current_dir(folder.path());
    for variable in [
        "COLUMNS",
        "JWT_SECRET_KEY",
        "JWT_ALGORITHM",
        "HALLPASS_DATA",
        "HALLPASS_TOKEN",
        "HALLPASS_SERVER",
    ] {
        command.env_remove(variable);
    }
    Hallpass { command, stdin: Vec::new(), folder }
}

impl Hallpass {
    /// With this variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without this variable.
    #[cfg(feature = "ssm")]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// With this on stdin.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Ran {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = self.stdin;
        // A command that does not read stdin closes it early.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        drop(self.folder);
        Ran {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}

impl Ran {
    /// The one token that stdout holds, and nothing else.
    pub(crate) fn token(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        let token = self.stdout.strip_suffix('\n').unwrap();
        let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        assert!(token.chars().all(is_token), "{self:?}");
        assert_eq!(token.split('.').count(), 3, "{self:?}");
        token
    }

    /// What stdout holds as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// It ended with this code, printed nothing, and said one line that begins with `error: ` and holds this.
    pub(crate) fn fails(&self, code: i32, saying: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let line = self.stderr.lines().find(|line| line.starts_with("error: "));
        assert!(line.is_some(), "{self:?}");
        assert!(self.stderr.contains(saying), "{saying:?} is not said: {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

/// Header and payload of a token.
pub(crate) fn parts(token: &str) -> (serde_json::Value, serde_json::Value) {
    let shown = hallpass_token::inspect(token).unwrap();
    (shown.header, shown.payload)
}
