#!/usr/bin/env bash
# sled's flush() calls no fsync on Linux, though its documentation says that it does.
#
# Expected: the documentation of sled::Tree::flush: "Synchronously flushes all dirty IO buffers and calls fsync. If
#   this succeeds, it is guaranteed that all previous writes will be recovered if the system crashes."
# Seen: twenty inserts with a flush() after each make twenty calls of sync_file_range(2) and none of fsync or
#   fdatasync. sync_file_range's manual: "This system call does not flush disk write caches and thus does not provide
#   any data integrity on systems with volatile disk write caches."
# Versions: sled 0.34.7 (a Rust crate).
# Why it matters: a store of revoked tokens or used single-use tokens is only as good as what it still knows after a
#   power cut. Whoever keeps one in sled has to sync its files himself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir -p example/src
cat > example/Cargo.toml <<'TOML'
[package]
name = "example"
version = "0.1.0"
edition = "2021"

[dependencies]
sled = "=0.34.7"
TOML
cat > example/src/main.rs <<'RUST'
fn main() {
    let path = std::env::args().nth(1).expect("a path is given");
    let database = sled::open(path).expect("opens");
    eprintln!("mark: opened");
    for number in 0..20u32 {
        database.insert(number.to_be_bytes(), b"revoked").expect("inserts");
        database.flush().expect("flushes");
    }
    eprintln!("mark: flushed");
    std::process::exit(0);
}
RUST
cat > count.c <<'C'
// Names each call that makes file data durable on standard error, and passes it on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>

int fsync(int fd) {
  fprintf(stderr, "call: fsync\n");
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
  fprintf(stderr, "call: fdatasync\n");
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
  fprintf(stderr, "call: sync_file_range\n");
  return ((int (*)(int, off64_t, off64_t, unsigned))dlsym(RTLD_NEXT, "sync_file_range"))(fd, offset, length, flags);
}
C
gcc -shared -fPIC -o count.so count.c -ldl
export CARGO_TARGET_DIR="$work/target"
(cd example && cargo build -q)
LD_PRELOAD="$work/count.so" timeout 60 target/debug/example "$work/database" 2> calls

# A thread that opening started may add an fsync of its own: one, not one for each flush.
count() { sed -n '/mark: opened/,/mark: flushed/p' calls | grep -cxE "call: ($1)" || true; }
ranges=$(count sync_file_range)
durable=$(count 'fsync|fdatasync')
echo "20 flushes: $ranges calls of sync_file_range, $durable of fsync and fdatasync"
[ "$ranges" -ge 20 ] && [ "$durable" -le 2 ] || { echo 'CHANGED: 20 of sync_file_range and at most 2 others were expected'; exit 1; }
