#!/usr/bin/env bash
# A tonic client reports every reset stream as UNKNOWN, unless tonic's feature `server` is compiled in, too.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Errors": REFUSED_STREAM is UNAVAILABLE, CANCEL is CANCELLED, ENHANCE_YOUR_CALM
#   is RESOURCE_EXHAUSTED, INTERNAL_ERROR is INTERNAL. tonic's documentation has `channel` as the feature for clients.
# Seen: with the feature `channel` alone each of these arrives as Unknown. With `server` added, which a pure client
#   does not need, the same source code reports the codes of the table.
# Versions: tonic and tonic-health 0.14.9 (Rust crates).
# Why it matters: whether a call that was refused before it was processed is retried depends on a feature of another
#   crate in the build. A command line client behaves differently from the same code inside a service.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

mkdir -p client/src
cat > client/Cargo.toml <<'TOML'
[package]
name = "client"
version = "0.1.0"
edition = "2021"

[features]
server = ["tonic/server"]

[dependencies]
tonic = { version = "=0.14.9", default-features = false, features = ["channel", "codegen"] }
tonic-health = { version = "=0.14.9", default-features = false }
tokio = { version = "1", features = ["rt", "macros"] }

[profile.dev]
debug = false
TOML
cat > client/src/main.rs <<'RUST'
use tonic_health::pb::{health_client::HealthClient, HealthCheckRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = format!("http://127.0.0.1:{}", std::env::args().nth(1).expect("a port is given"));
    let endpoint = tonic::transport::Endpoint::from_shared(url).expect("is a URL");
    for code in [2, 7, 8, 11] {
        let mut client = HealthClient::new(endpoint.connect().await.expect("connects"));
        let service = code.to_string();
        let mut request = tonic::Request::new(HealthCheckRequest { service });
        request.metadata_mut().insert("x-code", code.into());
        let status = client.check(request).await.expect_err("is reset");
        println!("RST_STREAM {code}: {:?}", status.code());
    }
}
RUST
cat > server.cjs <<'JS'
// Resets each stream with the HTTP/2 error code that its metadata names.
const server = require('http2').createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  stream.on('end', () => stream.close(Number(headers['x-code'])));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 300000);
JS
export CARGO_TARGET_DIR="$work/target"
(cd client && cargo build -q && cp ../target/debug/client ../without && cargo build -q --features server && cp ../target/debug/client ../with)
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

{
  timeout 30 ./without "$(cat port)" | sed 's/^/channel: /'
  timeout 30 ./with "$(cat port)" | sed 's/^/channel and server: /'
} | tee seen
cat > expected <<'TEXT'
channel: RST_STREAM 2: Unknown
channel: RST_STREAM 7: Unknown
channel: RST_STREAM 8: Unknown
channel: RST_STREAM 11: Unknown
channel and server: RST_STREAM 2: Internal
channel and server: RST_STREAM 7: Unavailable
channel and server: RST_STREAM 8: Cancelled
channel and server: RST_STREAM 11: ResourceExhausted
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
