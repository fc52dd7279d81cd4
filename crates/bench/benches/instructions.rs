//! Instructions of the parts of a guarded call, by valgrind's callgrind: the same operation n and 2 n times, the difference by n.
//!
//! Machines are noisy; instruction counts are not.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot be set up should stop; its figures go to the terminal"
)]

use std::hint::black_box;
use std::process::{Command, Stdio};

use hallpass_bench::{Bench, Nothing, fingerprint, index, new_token};
use hallpass_policy::adapter;
use tower::Service as _;

const OPERATIONS: [&str; 8] = [
    "call_unguarded",
    "call_guarded_cache_hit",
    "message_unguarded",
    "message_entered",
    "verify_eddsa",
    "verify_hs256",
    "mint_eddsa",
    "look_up_absent_10k",
];
/// Enough that what the set-up varies by, such as making keys, does not show.
const TIMES: u32 = 50_000;

/// What takes this much longer is done that much less often.
const SLOW: u32 = 50;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--run") {
        Some(at) => run(&arguments[at + 1], arguments[at + 2].parse().expect("a number")),
        None => OPERATIONS.iter().for_each(|operation| report(operation)),
    }
}

fn report(operation: &str) {
    let (Some(once), Some(twice)) = (count(operation, TIMES), count(operation, 2 * TIMES)) else {
        return println!("{operation:<26} not measured: valgrind is not installed");
    };
    let slow = operation.starts_with("verify") || operation.starts_with("mint");
    let times = if slow { TIMES / SLOW } else { TIMES };
    let each = twice.saturating_sub(once) as f64 / f64::from(times);
    println!("{operation:<26} {each:>10.0} instructions");
}

fn count(operation: &str, times: u32) -> Option<u64> {
    let binary = std::env::current_exe().expect("this binary");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args(["--run", operation, &times.to_string()])
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{operation} did not run to its end: {text}");
    let line = text.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn run(operation: &str, times: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _entered = runtime.enter();
    let bench = Bench::start();
    let mut guarded = bench.guarded();
    let mint = |kid| bench.ring.mint(kid, &new_token(), bench.now).expect("a token");
    let verify = |token: &str| drop(black_box(bench.ring.verify(black_box(token), bench.now)));
    match operation {
        "call_unguarded" => repeat(times, |_| drop(black_box(Nothing.call(bench.request())))),
        "call_guarded_cache_hit" => {
            repeat(times, |_| drop(black_box(guarded.call(bench.request()))));
        }
        "message_unguarded" => repeat(times, |_| drop(black_box(bench.message()))),
        "message_entered" => repeat(times, |_| drop(black_box(adapter::enter(bench.message())))),
        "verify_eddsa" => {
            repeat_with(times / SLOW, &mint("EdDSA"), |minted| verify(minted.expose()));
        }
        "verify_hs256" => {
            repeat_with(times / SLOW, &mint("HS256"), |minted| verify(minted.expose()));
        }
        "mint_eddsa" => repeat(times / SLOW, |_| drop(black_box(mint("EdDSA")))),
        "look_up_absent_10k" => {
            let (index, _) = index(10_000);
            let absent = fingerprint(10_001);
            repeat(times, |_| {
                black_box(index.contains(black_box(absent)));
            });
        }
        other => println!("no operation is called {other}"),
    }
}

fn repeat(times: u32, mut operation: impl FnMut(u32)) {
    (0..times).for_each(&mut operation);
}

fn repeat_with<T>(times: u32, input: &T, mut operation: impl FnMut(&T)) {
    (0..times).for_each(|_| operation(input));
}
