//! The durable revocation list on the disk of the target folder: revocations a second with many callers, then look-ups, memory and
//! the time to open it again, by size.
//!
//! `LIST_ENTRIES=10000,1000000,10000000` says which sizes; without it they are small. Ten million take some minutes and some gigabytes of
//! disk. What is filled and what is opened again are processes of their own, so that each one's memory is its own.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot be set up should stop; its figures go to the terminal"
)]

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_bench::figures::{HEAD, Times, load, wanted};
use hallpass_bench::{fingerprint, memory};
use hallpass_guard::Clock;
use hallpass_revocation::feed::Batch;
use hallpass_revocation::{Entry, Index, List, Note, Options};
use hallpass_token::Fingerprint;

/// How many call at once.
const CALLERS: [u64; 3] = [1, 16, 256];
/// How often each number of callers has its turn, and for how long.
const TURNS: usize = 5;
const LASTS: Duration = Duration::from_secs(3);
/// How many entries are written at once where a list is filled.
const BATCH: u64 = 10_000;
/// How many look-ups make one sample, and how many samples there are.
const LOOK_UPS: usize = 1_000;
const SAMPLES: u64 = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let arguments: Vec<_> = std::env::args().collect();
    let number = || arguments[3].parse().expect("a number of entries");
    match arguments.get(1).map(String::as_str) {
        Some("--fill") => runtime.block_on(fill(Path::new(&arguments[2]), number())),
        Some("--open") => open_again(Path::new(&arguments[2]), number()),
        Some("--index") => fill_index(number()),
        _ => {
            println!("{}", load());
            runtime.block_on(revocations());
            sizes();
            println!("{}", load());
        }
    }
}

/// Revocations a second, each number of callers in turn.
async fn revocations() {
    let (turns, lasts) = if wanted() { (TURNS, LASTS) } else { (1, Duration::from_millis(50)) };
    let mut rounds: [Vec<Turn>; 3] = Default::default();
    let mut bare = Vec::new();
    for _ in 0..turns {
        for (callers, rounds) in CALLERS.into_iter().zip(&mut rounds) {
            rounds.push(turn(callers, lasts).await);
        }
        bare.extend(bare_syncs(lasts / 4));
    }
    println!("\n{:<34} {:>9} {:>9}   {HEAD}", "durable revocations", "a second", "a sync");
    for (callers, mut rounds) in CALLERS.into_iter().zip(rounds) {
        rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let Turn { rate, each_sync, .. } = rounds[rounds.len() / 2];
        let name = format!("callers: {callers} (median of {turns} turns)");
        let waits: Times = rounds.into_iter().flat_map(|round| round.waits).collect();
        println!("{name:<34} {rate:>9.0} {each_sync:>9.1}   {waits}");
    }
    let rate = bare.len() as f64 / bare.iter().sum::<Duration>().as_secs_f64();
    let name = "control: 4 KiB and fdatasync";
    println!("{name:<34} {rate:>9.0} {:>9}   {}", "", bare.into_iter().collect::<Times>());
}

struct Turn {
    rate: f64,
    each_sync: f64,
    waits: Vec<Duration>,
}

async fn turn(callers: u64, lasts: Duration) -> Turn {
    let folder = folder();
    let list = Arc::new(open(folder.path()));
    let began = Instant::now();
    let calling = (0..callers).map(|caller| {
        let list = Arc::clone(&list);
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < lasts {
                let asked = Instant::now();
                revoke(&list, caller << 32 | waits.len() as u64).await;
                waits.push(asked.elapsed());
            }
            waits
        })
    });
    let mut waits = Vec::new();
    for caller in calling.collect::<Vec<_>>() {
        waits.extend(caller.await.expect("it revokes"));
    }
    let (took, stats) = (began.elapsed(), list.stats());
    let each_sync = stats.written as f64 / stats.syncs as f64;
    Turn { rate: waits.len() as f64 / took.as_secs_f64(), each_sync, waits }
}

async fn revoke(list: &List, number: u64) {
    let now = Clock::system().now();
    let note = Note { reason: "left the team".to_owned(), by: "root".to_owned(), at: now };
    list.revoke(Entry::exact(fingerprint(number), None), note).await.expect("it is acknowledged");
}

/// What the disk takes to overwrite a block and to sync that, without anything else: the bound of a single caller.
fn bare_syncs(lasts: Duration) -> Vec<Duration> {
    const BLOCK: usize = 4096;
    const BLOCKS: u64 = 1024;
    let folder = folder();
    let mut file = std::fs::File::create(folder.path().join("bare")).expect("a file");
    let mut whole = (0..BLOCKS).map(|_| file.write_all(&[0; BLOCK]));
    whole.try_for_each(|written| written).and_then(|()| file.sync_all()).expect("a disk");
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < lasts {
        let place = took.len() as u64 % BLOCKS * BLOCK as u64;
        let asked = Instant::now();
        let written = file.write_all_at(&[7; BLOCK], place);
        written.and_then(|()| file.sync_data()).expect("a disk");
        took.push(asked.elapsed());
    }
    took
}

fn sizes() {
    let wish = std::env::var("LIST_ENTRIES").ok();
    let wish = wish.as_deref().unwrap_or(if wanted() { "10000,100000" } else { "1000" });
    for size in wish.split(',') {
        let size: u64 = size.trim().parse().expect("LIST_ENTRIES: numbers with commas between");
        println!("\n{size} entries");
        let folder = folder();
        println!("{}", child("--index", folder.path(), size));
        println!("{}", filled_and_killed(folder.path(), size));
        println!("on disk: {} MB", memory::on_disk(folder.path()) / 1_000_000);
        println!("after kill -9: {}", child("--open", folder.path(), size));
        println!("after its end: {}", child("--open", folder.path(), size));
    }
}

/// Has a process fill the list, and kills it.
fn filled_and_killed(folder: &Path, size: u64) -> String {
    let mut filling = command("--fill", folder, size).spawn().expect("this binary starts");
    let mut line = String::new();
    let said = filling.stdout.take().expect("stdout is piped");
    BufReader::new(said).read_line(&mut line).expect("the process's line");
    filling.kill().and_then(|()| filling.wait()).expect("the process is this one's own");
    line.trim_end().to_owned()
}

/// What a process says to its end.
fn child(what: &str, folder: &Path, size: u64) -> String {
    let mut process = command(what, folder, size).spawn().expect("this binary starts");
    let mut text = String::new();
    let mut said = process.stdout.take().expect("stdout is piped");
    said.read_to_string(&mut text).expect("text");
    assert!(process.wait().expect("it ends").success(), "{what} failed");
    text.trim_end().to_owned()
}

fn command(what: &str, folder: &Path, size: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.arg(what).arg(folder).arg(size.to_string()).stdout(Stdio::piped());
    command
}

/// Fills the list as a follower does, then waits for its end.
async fn fill(folder: &Path, size: u64) {
    let (list, began) = (open(folder), Instant::now());
    for first in (0..size).step_by(usize::try_from(BATCH).expect("it fits")) {
        let numbers = first..(first + BATCH).min(size);
        let entries = numbers.clone().map(|number| Entry::exact(fingerprint(number), None));
        let batch = Batch {
            epoch: 1,
            snapshot: false,
            last: false,
            sequence: numbers.end,
            entries: entries.collect(),
        };
        list.apply(batch).await.expect("it is durable");
    }
    let rate = size as f64 / began.elapsed().as_secs_f64();
    println!("filled by a feed: {rate:.0} entries a second, durable");
    std::io::stdout().flush().expect("stdout");
    std::future::pending::<()>().await;
}

/// Opens the list, and looks up in it.
fn open_again(folder: &Path, size: u64) {
    let (before, began) = (memory::resident(), Instant::now());
    let list = open(folder);
    let took = began.elapsed();
    let after = memory::resident() - before;
    let index = list.index();
    assert_eq!(index.usage().exact, size, "every entry is there");
    println!(
        "opened in {:.2} s; resident {:.1} MB more ({:.1} bytes an entry), {:.1} MB at most; look-up p50: absent {}, present {}",
        took.as_secs_f64(),
        after as f64 / 1e6,
        after as f64 / size as f64,
        memory::most_resident() as f64 / 1e6,
        look_ups(&index, |at| fingerprint(size + at), false),
        look_ups(&index, |at| fingerprint(at.wrapping_mul(7_919) % size), true),
    );
}

/// The median of samples, each of look-ups of other things, so that nothing is warm.
fn look_ups(index: &Index, print: impl Fn(u64) -> Fingerprint, found: bool) -> String {
    let per_sample = LOOK_UPS as u64;
    let prints: Vec<_> = (0..SAMPLES * per_sample).map(print).collect();
    let sample = |prints: &[Fingerprint]| {
        let began = Instant::now();
        let hits = prints.iter().filter(|print| index.contains(black_box(**print))).count();
        assert_eq!(hits, if found { prints.len() } else { 0 });
        began.elapsed()
    };
    let samples: Times = prints.chunks(LOOK_UPS).map(sample).collect();
    format!("{} ns", samples.at(50).as_nanos() / u128::from(per_sample))
}

/// The index alone.
fn fill_index(size: u64) {
    let before = memory::resident();
    let index = Index::default();
    let empty = memory::resident() - before;
    for first in (0..size).step_by(LOOK_UPS) {
        let numbers = first..(first + LOOK_UPS as u64).min(size);
        let entries: Vec<_> =
            numbers.map(|number| Entry::exact(fingerprint(number), None)).collect();
        index.insert(&entries);
    }
    let (full, size) = (memory::resident() - before, size as f64);
    println!(
        "index alone: {:.1} MB, {:.1} bytes an entry; empty {:.1} MB",
        full as f64 / 1e6,
        (full - empty) as f64 / size,
        empty as f64 / 1e6
    );
}

fn open(folder: &Path) -> List {
    let options = Options::new([7; 8], Clock::system().now());
    List::open(&folder.join("list"), &options).expect("a list that can be opened")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}
