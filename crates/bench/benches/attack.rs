//! Six attackers at once on `hallpass up` and on plain tonic: which share of their throughput honest callers keep, and the memory it takes.
//!
//! The attackers have one core, the server and the honest callers the other. Rounds alternate between the two servers, each with and
//! without attackers; the two rounds without are the control. Wants `taskset`, and a `hallpass` built with `--release`
//! (`ATTACK_BINARY` names another). Everything is on loopback and bounded: `ATTACK_ROUNDS` (3), `ATTACK_SECONDS` (10).
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot be set up should stop; its figures go to the terminal"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hallpass_bench::attack::{Served, Target, attack, call};
use hallpass_bench::figures::{load, wanted};
use hallpass_bench::{PATH, echo};

/// How long the attackers take to open what they hold.
const AHEAD: Duration = Duration::from_secs(2);

fn main() {
    let role = std::env::args().nth(1).unwrap_or_default();
    match role.as_str() {
        "--plain" => serve(),
        "--attack" => run(async { attack(&Target::from_environment()).await }),
        "--call" => {
            let served = run(async { call(&Target::from_environment()).await });
            println!("{} {}", served.answered, served.failed);
        }
        _ if wanted() => compare(),
        _ => {}
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn serve() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("stdout");
        echo::serve(listener, None).await.expect("it serves");
    });
}

fn compare() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let lasts = Duration::from_secs(number("ATTACK_SECONDS", 10));
    let servers = [Server::plain(lasts), Server::hallpass(lasts)];
    println!(
        "{:<10} {:>12} {:>12} {:>7} {:>8} {:>10}",
        "", "calm/s", "attacked/s", "kept", "failed", "peak MiB"
    );
    let mut kept: [Vec<f64>; 2] = Default::default();
    for _ in 0..number("ATTACK_ROUNDS", 3) {
        for (server, kept) in servers.iter().zip(&mut kept) {
            kept.push(server.round());
        }
    }
    let [plain, hallpass] = kept.map(median);
    println!(
        "kept: plain tonic {plain:.3}, hallpass {hallpass:.3}, ratio {:.3}; {}",
        hallpass / plain,
        load()
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    f64::midpoint(figures[(figures.len() - 1) / 2], figures[figures.len() / 2])
}

struct Server {
    name: &'static str,
    process: Child,
    target: Target,
    /// The token of honest callers, who are another user.
    honest: String,
    _data: Option<tempfile::TempDir>,
}

impl Server {
    fn plain(lasts: Duration) -> Self {
        let mut command = pinned(0, &std::env::current_exe().expect("this binary"));
        let (process, line) = started(command.arg("--plain"));
        let path = || PATH.to_owned();
        let target = Target {
            address: line.trim().parse().expect("an address"),
            path: path(),
            watch: path(),
            reflection: path(),
            token: String::new(),
            lasts,
        };
        Self { name: "plain", process, target, honest: String::new(), _data: None }
    }

    fn hallpass(lasts: Duration) -> Self {
        let binary = std::env::var("ATTACK_BINARY");
        let binary = binary.unwrap_or_else(|_| "target/release/hallpass".to_owned());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let binary = root.join(binary).canonicalize().expect("`cargo build --release` makes it");
        let data = tempfile::tempdir().expect("a folder");
        let mut command = pinned(0, &binary);
        command.args(["up", "--platform", "127.0.0.1:0", "--labeler", "127.0.0.1:0"]);
        command.args(["--output", "json", "--data"]).arg(data.path()).env("RUST_LOG", "warn");
        let (process, line) = started(&mut command);
        let address = line.split("\"platform\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let mint = |subject: &str| {
            let mut command = Command::new(&binary);
            command.args(["token", "mint", "--subject", subject, "--scope", "", "--data"]);
            let minted = command.arg(data.path()).output().expect("it runs");
            assert!(minted.status.success(), "{}", String::from_utf8_lossy(&minted.stderr));
            String::from_utf8_lossy(&minted.stdout).trim().to_owned()
        };
        let target = Target {
            address: address.and_then(|address| address.parse().ok()).expect("an address"),
            path: "/hallpass.auth.v1.DiagnosticsService/GetCaller".to_owned(),
            watch: "/grpc.health.v1.Health/Watch".to_owned(),
            reflection: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo".to_owned(),
            token: mint("mallory"),
            lasts,
        };
        Self { name: "hallpass", process, target, honest: mint("bob"), _data: Some(data) }
    }

    /// The share of the throughput that is kept under attack.
    fn round(&self) -> f64 {
        let calm = self.served();
        // The attackers begin first, so that honest callers meet all of them.
        let whole = Target { lasts: self.target.lasts + AHEAD, ..self.target.clone() };
        let mut attackers = self.child(1, "--attack");
        let mut attackers = attackers.envs(whole.environment()).spawn().expect("taskset");
        std::thread::sleep(AHEAD);
        let attacked = self.served();
        attackers.wait().expect("they end");
        let seconds = self.target.lasts.as_secs_f64();
        let rate = |served: Served| served.answered as f64 / seconds;
        let kept = rate(attacked) / rate(calm);
        println!(
            "{:<10} {:>12.0} {:>12.0} {kept:>7.3} {:>8} {:>10}",
            self.name,
            rate(calm),
            rate(attacked),
            attacked.failed,
            self.peak() >> 10,
        );
        kept
    }

    fn served(&self) -> Served {
        let honest = Target { token: self.honest.clone(), ..self.target.clone() };
        let mut caller = self.child(0, "--call");
        let output = caller.envs(honest.environment()).output().expect("taskset is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (answered, failed) = text.trim().split_once(' ').expect("two numbers");
        Served {
            answered: answered.parse().expect("a number"),
            failed: failed.parse().expect("a number"),
        }
    }

    fn child(&self, core: usize, role: &str) -> Command {
        let mut command = pinned(core, &std::env::current_exe().expect("this binary"));
        command.arg(role).envs(self.target.environment());
        command
    }

    /// The most memory that was resident, in KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the server lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

fn pinned(core: usize, binary: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(binary);
    command
}

/// Starts a server and reads the line that says where it listens.
fn started(command: &mut Command) -> (Child, String) {
    let mut process = command.stdout(Stdio::piped()).spawn().expect("taskset is installed");
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
    stdout.read_line(&mut line).expect("stdout is text");
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    (process, line)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
