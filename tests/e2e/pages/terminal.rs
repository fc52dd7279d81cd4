//! Terminals in which a page is typed: one shell that keeps its variables, and others in which something runs until it is ended.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one block may take.
const BLOCK: Duration = Duration::from_mins(1);
/// How long a program may take to end after Ctrl-C.
const ENDING: Duration = Duration::from_secs(20);

/// What a terminal has printed, and whether more may come.
#[derive(Default)]
struct Screen {
    text: Mutex<(Vec<u8>, bool)>,
    printed: Condvar,
}

impl Screen {
    /// Waits until this text has come, and answers what was printed up to then; the error is what was printed instead.
    fn until(&self, wanted: &str, within: Duration) -> Result<String, String> {
        let deadline = Instant::now() + within;
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let shown = String::from_utf8_lossy(&text.0).into_owned();
            if let Some(at) = shown.find(wanted) {
                return Ok(shown[..at].to_owned());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if text.1 || left.is_zero() {
                return Err(shown);
            }
            text = self.printed.wait_timeout(text, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn clear(&self) {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).0.clear();
    }
}

/// A process group and what it prints; killed when dropped.
struct Group {
    child: Child,
    screen: Arc<Screen>,
}

impl Group {
    fn start(command: &mut Command) -> Self {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        command.stderr(writer.try_clone().expect("a second end")).stdout(writer).process_group(0);
        let child = command.spawn().expect("a shell starts");
        // The parent's ends are closed with the command, so that the pipe ends with the group.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let screen = Arc::new(Screen::default());
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let read = reader.read(&mut piece).unwrap_or(0);
                let mut text = shown.text.lock().unwrap_or_else(PoisonError::into_inner);
                text.0.extend_from_slice(&piece[..read]);
                text.1 |= read == 0;
                shown.printed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { child, screen }
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("-KILL");
        let _ = self.child.wait();
    }
}

/// The terminal in which the reader types.
pub(crate) struct Typed {
    group: Group,
    input: ChildStdin,
}

impl Typed {
    /// A shell; the command has its folder and its variables.
    pub(crate) fn open(mut shell: Command) -> Self {
        let mut group = Group::start(shell.args(["--noprofile", "--norc"]).stdin(Stdio::piped()));
        let input = group.child.stdin.take().expect("stdin is piped");
        Self { group, input }
    }

    /// Types the commands, and answers what they print.
    pub(crate) fn run(&mut self, commands: &str) -> Result<String, String> {
        const DONE: &str = "--- done ---";
        self.group.screen.clear();
        // The commands come as a here-document, so that none of them reads the ones after it as its input.
        let typed = format!(
            "source /dev/fd/9 9<<'END OF THE BLOCK' </dev/null\n{commands}\nEND OF THE BLOCK\necho '{DONE}'\n"
        );
        self.input.write_all(typed.as_bytes()).map_err(|error| error.to_string())?;
        let printed = self.group.screen.until(DONE, BLOCK);
        printed.map_err(|shown| {
            format!("it does not end within {BLOCK:?}, or ends the shell; it printed\n{shown}")
        })
    }
}

/// Another terminal, in which something runs.
pub(crate) struct Other(Group);

impl Other {
    /// Runs the commands there.
    pub(crate) fn run(mut shell: Command, commands: &str) -> Self {
        let arguments = ["--noprofile", "--norc", "-c", commands];
        Self(Group::start(shell.args(arguments).stdin(Stdio::null())))
    }

    /// Waits until it has printed this.
    pub(crate) fn until(&self, wanted: &str) -> Result<(), String> {
        let printed = self.0.screen.until(wanted, BLOCK);
        printed.map(drop).map_err(|_| format!("it does not print {wanted:?} within {BLOCK:?}"))
    }

    /// Waits until something answers there.
    pub(crate) fn answers(&self, address: &str) -> Result<(), String> {
        let deadline = Instant::now() + BLOCK;
        while std::net::TcpStream::connect(address).is_err() {
            let has_ended = self.0.screen.text.lock().unwrap_or_else(PoisonError::into_inner).1;
            if has_ended || Instant::now() > deadline {
                return Err(format!("nothing answers at {address} within {BLOCK:?}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What it has printed up to now.
    pub(crate) fn shown(&self) -> String {
        let text = self.0.screen.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text.0).into_owned()
    }

    /// Ends what runs there, as Ctrl-C does.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.0.signal("-INT");
        let deadline = Instant::now() + ENDING;
        while Instant::now() < deadline {
            if self.0.child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("Ctrl-C does not end it within {ENDING:?}; it printed\n{}", self.shown()))
    }
}
