//! A guarded server beside an unguarded one, in one run: CPU a call and calls a second as ratios, with an A/A control.
//!
//! Three servers of this binary stand on one core; h2load, on the other, calls them in turn, each round in another order. The
//! ratio of two unguarded servers says what the machine's noise alone makes of it. Wants `h2load` and `taskset`.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot be set up should stop; its figures go to the terminal"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use hallpass_bench::{Bench, PATH, echo};

const CALLS: u32 = 20_000;
const ROUNDS: usize = 60;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--serve") {
        Some(at) => serve(arguments[at + 1] == "guarded"),
        None => compare(),
    }
}

/// One server, on one thread.
fn serve(guarded: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let bench = Bench::start();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        println!("{address} {}", bench.authorization.to_str().expect("ASCII"));
        std::io::stdout().flush().expect("stdout");
        echo::serve(listener, guarded.then_some(&bench)).await.expect("it serves");
    });
}

fn compare() {
    let servers = [Server::start("plain"), Server::start("plain"), Server::start("guarded")];
    let body = std::env::temp_dir().join(format!("hallpass-bench-{}", std::process::id()));
    std::fs::write(&body, b"\0\0\0\0\x20ds_00000000000000000000000000000")
        .expect("a temporary file");
    let mut rounds: [Vec<Figures>; 3] = Default::default();
    for round in 0..=ROUNDS {
        for turn in 0..3 {
            let which = (turn + round) % 3;
            let figures = servers[which].measure(&body);
            // The first round warms up.
            if round > 0 {
                rounds[which].push(figures);
            }
        }
    }
    let _ = std::fs::remove_file(&body);
    print("CPU a call, guarded / unguarded", &rounds[2], &rounds[0], |figures| figures.cpu);
    print("CPU a call, control (A/A)", &rounds[1], &rounds[0], |figures| figures.cpu);
    print("calls a second, guarded / unguarded", &rounds[2], &rounds[0], |figures| figures.rate);
    print("calls a second, control (A/A)", &rounds[1], &rounds[0], |figures| figures.rate);
    let median = |of: fn(&Figures) -> f64| median(rounds[0].iter().map(of).collect());
    println!(
        "unguarded: {:.2} µs of CPU a call, {:.0} calls a second",
        median(|f| f.cpu / 1e3),
        median(|f| f.rate)
    );
}

/// The median of the rounds' ratios, with the 95% interval that the order statistics of that many rounds give.
fn print(name: &str, of: &[Figures], to: &[Figures], figure: fn(&Figures) -> f64) {
    let mut ratios: Vec<_> = of.iter().zip(to).map(|(of, to)| figure(of) / figure(to)).collect();
    ratios.sort_by(f64::total_cmp);
    let reach = (0.98 * (ratios.len() as f64).sqrt()).ceil();
    let middle = ratios.len() as f64 / 2.0;
    let at = |place: f64| ratios[(place.max(0.0) as usize).min(ratios.len() - 1)];
    println!(
        "{name:<38} {:.4}   95%: {:.4} to {:.4}   ({} rounds)",
        median(ratios.clone()),
        at(middle - reach),
        at(middle + reach),
        ratios.len()
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    f64::midpoint(figures[(figures.len() - 1) / 2], figures[figures.len() / 2])
}

struct Figures {
    /// Nanoseconds of CPU a call.
    cpu: f64,
    /// Calls a second.
    rate: f64,
}

struct Server {
    process: Child,
    address: String,
    authorization: String,
}

impl Server {
    fn start(kind: &str) -> Self {
        let binary = std::env::current_exe().expect("this binary");
        let mut process = Command::new("taskset")
            .args(["-c", "0"])
            .arg(binary)
            .args(["--serve", kind])
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset is installed");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server's line");
        let (address, authorization) = line.trim_end().split_once(' ').expect("address and token");
        Self { address: address.to_owned(), authorization: authorization.to_owned(), process }
    }

    fn measure(&self, body: &std::path::Path) -> Figures {
        let before = self.cpu();
        let load = Command::new("taskset")
            .args(["-c", "1", "h2load", "-c4", "-m32", "-n", &CALLS.to_string(), "-d"])
            .arg(body)
            .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
            .args(["-H", &format!("authorization: {}", self.authorization)])
            .arg(format!("http://{}{PATH}", self.address))
            .output()
            .expect("h2load is installed (Debian: nghttp2-client)");
        let text = String::from_utf8_lossy(&load.stdout).into_owned();
        assert!(text.contains(&format!("{CALLS} succeeded")), "not every call succeeded: {text}");
        let rate =
            text.split("finished in ").nth(1).and_then(|rest| rest.split_whitespace().nth(1));
        Figures {
            cpu: (self.cpu() - before) as f64 / f64::from(CALLS),
            rate: rate.and_then(|rate| rate.parse().ok()).expect("h2load says its rate"),
        }
    }

    /// Nanoseconds on a CPU so far, of all threads.
    fn cpu(&self) -> u64 {
        let tasks = format!("/proc/{}/task", self.process.id());
        let tasks = std::fs::read_dir(tasks).expect("the server lives").filter_map(Result::ok);
        let stats =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
        stats.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
