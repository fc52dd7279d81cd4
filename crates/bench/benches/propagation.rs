//! How soon a revocation is in force everywhere: through the issuer's own feed and through NATS, side by side, in turns.
//!
//! Three nodes for each feed. A client calls every node each millisecond with the token that is being revoked, and has a stream open at
//! each. Then the nodes are cut off from what they follow, and come back. State is on the disk of the target folder.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up should stop; its figures go to the terminal"
)]

use std::time::{Duration, Instant};

use hallpass_bench::figures::{HEAD, Times, load, wanted};
use hallpass_bench::propagation::{Feed, Partition, Revoking, partition, revoke};
use hallpass_guard::Clock;

/// So many revocations through each feed, unless the time is over before.
const REVOCATIONS: usize = 1_000;
/// How long all of them may take.
const AT_MOST: Duration = Duration::from_mins(2);
/// How often the nodes are cut off, for each feed.
const PARTITIONS: u32 = 7;
/// How long they are; each is a little longer than the one before, so that they end at other instants of the feed's pace.
const LASTS: Duration = Duration::from_secs(3);
const LONGER: Duration = Duration::from_millis(170);

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let clock = Clock::system();
        let mut feeds = vec![Feed::own(&folder.path().join("own"), &clock).await];
        feeds.extend(Feed::nats(&folder.path().join("nats"), &clock).await);
        println!("{}", load());
        propagation(&feeds).await;
        partitions(&feeds).await;
        println!("{}", load());
    });
}

async fn propagation(feeds: &[Feed]) {
    let (times, began) = (if wanted() { REVOCATIONS } else { 3 }, Instant::now());
    let mut rounds: Vec<Vec<Revoking>> = feeds.iter().map(|_| Vec::new()).collect();
    for round in 0..=times {
        for turn in 0..feeds.len() {
            let which = (turn + round) % feeds.len();
            let revoking = revoke(&feeds[which]).await;
            // The first round warms up.
            if round > 0 {
                rounds[which].push(revoking);
            }
        }
        if began.elapsed() > AT_MOST {
            break;
        }
    }
    println!("\n{:<52} {HEAD}", "revoking");
    for (feed, rounds) in feeds.iter().zip(&rounds) {
        let print = |what: &str, times: Times| println!("{:<9} {what:<42} {times}", feed.name);
        print(
            "from the wish to the acknowledgement",
            rounds.iter().map(|r| r.acknowledged).collect(),
        );
        print("from there to the refusal, every node", all(rounds, |r| &r.refused));
        print("to the refusal, the last of three nodes", last(rounds, |r| &r.refused));
        print("to the end of an open stream, every node", all(rounds, |r| &r.ended));
        print("to the end, the last of three nodes", last(rounds, |r| &r.ended));
    }
}

fn all(rounds: &[Revoking], of: fn(&Revoking) -> &Vec<Duration>) -> Times {
    rounds.iter().flat_map(of).copied().collect()
}

fn last(rounds: &[Revoking], of: fn(&Revoking) -> &Vec<Duration>) -> Times {
    rounds.iter().filter_map(|round| of(round).iter().max()).copied().collect()
}

async fn partitions(feeds: &[Feed]) {
    let times = if wanted() { PARTITIONS } else { 1 };
    let mut rounds: Vec<Vec<Partition>> = feeds.iter().map(|_| Vec::new()).collect();
    for round in 0..times {
        for (feed, rounds) in feeds.iter().zip(&mut rounds) {
            rounds.extend(partition(feed, LASTS + LONGER * round).await);
        }
    }
    println!("\n{:<52} {HEAD}", "a node is cut off");
    for (feed, rounds) in feeds.iter().zip(&rounds) {
        let print = |what: &str, of: fn(&Partition) -> Duration| {
            let times: Times = rounds.iter().map(of).collect();
            println!("{:<9} {what:<42} {times}", feed.name);
        };
        print("from the cut to the first refusal", |p| p.refused);
        print("from the cut to the end of an open stream", |p| p.ended);
        print("a revoked token got through for", |p| p.deceived);
        print("from the mending to the first call served", |p| p.served);
        let sum = |of: fn(&Partition) -> usize| rounds.iter().map(of).sum::<usize>();
        println!(
            "{:<9} refused with LIST_STALE: {}; calls that a stale node serves, all served: {}",
            feed.name,
            sum(|p| p.refusals),
            sum(|p| p.known)
        );
    }
}
