//! The parts of a guarded call: time, and allocations by divan's counting allocator.

use divan::{AllocProfiler, Bencher, black_box};
use hallpass_bench::{Bench, Nothing, fingerprint, index, new_token, ring, rule};
use hallpass_policy::{Credential, DecisionId, Facts, ListState, decide};
use std::sync::Arc;
use tower::Service as _;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let _entered = runtime.as_ref().map(tokio::runtime::Runtime::enter);
    divan::main();
}

/// The request alone, into a service that does nothing: what the next one has to be compared with.
#[divan::bench(sample_count = 200, sample_size = 1000)]
fn call_unguarded(bencher: Bencher<'_, '_>) {
    let bench = Bench::start();
    bencher.with_inputs(|| bench.request()).bench_local_values(|request| Nothing.call(request));
}

/// The whole layer, its token in the cache.
#[divan::bench(sample_count = 200, sample_size = 1000)]
fn call_guarded_cache_hit(bencher: Bencher<'_, '_>) {
    let bench = Bench::start();
    let mut guarded = bench.guarded();
    // The first call verifies the token and leaves it in the cache.
    drop(guarded.call(bench.request()));
    bencher.with_inputs(|| bench.request()).bench_local_values(|request| guarded.call(request));
}

#[divan::bench]
fn decision(bencher: Bencher<'_, '_>) {
    let bench = Bench::start();
    let minted = bench.ring.mint("EdDSA", &new_token(), bench.now).ok();
    let verified = minted.and_then(|minted| bench.ring.verify(minted.expose(), bench.now).ok());
    let Some((token, rule)) = verified.map(Arc::new).zip(rule(hallpass_bench::PATH)) else {
        return;
    };
    bencher.bench_local(|| {
        let facts = Facts {
            rule,
            bearer: Some(Credential::new(black_box(&token))),
            action: None,
            list: ListState::Fresh,
            client_certificate: None,
        };
        decide(&facts, bench.now, DecisionId::new(1, 1))
    });
}

#[divan::bench(args = ["HS256", "HS512", "ES256", "EdDSA"])]
fn verify_cold(bencher: Bencher<'_, '_>, kid: &str) {
    let bench = Bench::start();
    let Ok(minted) = bench.ring.mint(kid, &new_token(), bench.now) else { return };
    bencher.bench_local(|| bench.ring.verify(black_box(minted.expose()), bench.now));
}

#[divan::bench(args = ["HS256", "HS512", "ES256", "EdDSA"])]
fn mint(bencher: Bencher<'_, '_>, kid: &str) {
    let (ring, token) = (ring(), new_token());
    let now = hallpass_guard::Clock::system().now();
    bencher.bench_local(|| ring.mint(kid, black_box(&token), now));
}

/// Looks up tokens that are not revoked, each another one, so that nothing is warm.
#[divan::bench(args = [10_000, 10_000_000], sample_count = 100, sample_size = 1000)]
fn look_up_absent(bencher: Bencher<'_, '_>, entries: u64) {
    let (index, _) = index(entries);
    let absent: Vec<_> = (entries..entries + 100_000).map(fingerprint).collect();
    let mut next = (0..absent.len()).cycle();
    bencher.bench_local(|| next.next().map(|at| index.contains(black_box(absent[at]))));
}

/// Looks up tokens that are revoked, each another one.
#[divan::bench(args = [10_000, 10_000_000], sample_count = 100, sample_size = 1000)]
fn look_up_present(bencher: Bencher<'_, '_>, entries: u64) {
    let (index, all) = index(entries);
    let mut next = (0..all.len()).step_by(7).cycle();
    bencher.bench_local(|| next.next().map(|at| index.contains(black_box(all[at]))));
}
