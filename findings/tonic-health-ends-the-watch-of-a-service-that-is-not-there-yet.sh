#!/usr/bin/env bash
# tonic-health ends the watch of a service that it does not know yet with NOT_FOUND, and tells nobody of its start.
#
# Expected: grpc.health.v1, the comment on Watch: for a service that is unknown when the call is received the server
#   sends SERVICE_UNKNOWN and keeps the call open, so that it can tell when the service's status changes.
# Seen: Watch at a tonic server ends at once with NOT_FOUND, without a message. At a grpcio server the same call brings
#   SERVICE_UNKNOWN, and SERVING as soon as the service is registered.
# Versions: tonic-health and tonic 0.14.9 (Rust crates), grpcio 1.85.3, grpcio-health-checking 1.85.1 (PyPI).
# Why it matters: a client that starts to watch while a server is still loading gets an error instead of a status. By
#   the protocol it then calls again, with pauses that grow: the longer the start took, the later it sees that it is
#   over.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3 grpcio-health-checking==1.85.1
mkdir -p server/src
cat > server/Cargo.toml <<'TOML'
[package]
name = "server"
version = "0.1.0"
edition = "2021"

[dependencies]
tonic = { version = "=0.14.9", default-features = false, features = ["transport", "codegen", "router"] }
tonic-health = "=0.14.9"
tokio = { version = "1", features = ["rt", "macros", "net", "time"] }
tokio-stream = { version = "0.1", features = ["net"] }

[profile.dev]
debug = false
TOML
cat > server/src/main.rs <<'RUST'
use std::time::Duration;

use tonic_health::{server::health_reporter, ServingStatus};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    println!("{}", listener.local_addr().expect("has an address").port());
    let (reporter, health) = health_reporter();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(8)).await;
        reporter.set_service_status("example.Echo", ServingStatus::Serving).await;
    });
    tonic::transport::Server::builder()
        .add_service(health)
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener))
        .await
        .expect("serves");
}
RUST
export CARGO_TARGET_DIR="$work/target"
(cd server && cargo build -q)

cat > server.py <<'PY'
import time
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

server = grpc.server(futures.ThreadPoolExecutor(4))
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(8)
servicer.set("example.Echo", health_pb2.HealthCheckResponse.SERVING)
time.sleep(60)
PY
cat > client.py <<'PY'
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(f"127.0.0.1:{sys.argv[2]}"))
request = health_pb2.HealthCheckRequest(service="example.Echo")
seen = []
try:
    for answer in stub.Watch(request, timeout=20, wait_for_ready=True):
        seen.append(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
        if len(seen) == 2:
            break
except grpc.RpcError as error:
    seen.append(f"ended with {error.code().name}")
print(f"{sys.argv[1]}: {', '.join(seen)}")
PY
watch() {
  for _ in $(seq 100); do [ -s "$1.port" ] && break; sleep 0.1; done
  timeout 60 venv/bin/python client.py "$1" "$(cat "$1.port")" | tee -a seen
}
venv/bin/python server.py > grpcio.port & pids+=($!)
watch grpcio
target/debug/server > tonic.port & pids+=($!)
watch tonic
cat > expected <<'TEXT'
grpcio: SERVICE_UNKNOWN, SERVING
tonic: ended with NOT_FOUND
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
