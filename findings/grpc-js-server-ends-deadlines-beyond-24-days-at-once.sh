#!/usr/bin/env bash
# A grpc-js server answers DEADLINE_EXCEEDED at once when the deadline is 25 days away.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Requests": a timeout has up to eight digits and the units H, M, S, m, u and n,
#   so up to 99999999 hours. A call with 25 days left is nowhere near its deadline.
# Seen: the server of @grpc/grpc-js adds the timeout to its clock as a signed 32-bit number of milliseconds. From 2^31
#   ms (24.9 days) on the deadline lies in the past, and the call ends within milliseconds.
# Versions: @grpc/grpc-js 1.14.7 as the server (npm), grpcio 1.85.3 as the client (PyPI).
# Why it matters: watches and followers that are meant to stay open get deadlines of a month rather than none, so that
#   they end some day. Against Node they end before the first message, as DEADLINE_EXCEEDED, which is retried at once.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3

cat > server.cjs <<'JS'
// Answers after one and a half seconds.
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const server = new grpc.Server();
server.addService(
  { Call: { path: '/example.Slow/Call', requestStream: false, responseStream: false, requestSerialize: same,
    requestDeserialize: same, responseSerialize: same, responseDeserialize: same } },
  { Call: (_call, done) => setTimeout(() => done(null, Buffer.alloc(0)), 1500) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) => console.log(port));
setTimeout(() => process.exit(), 90000);
JS
cat > client.py <<'PY'
import sys
import time

import grpc

call = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}").unary_unary("/example.Slow/Call")
call(b"", timeout=60)  # the connection is up
for timeout in (3600, 2_000_000, 2_160_000, 2_592_000):
    started = time.monotonic()
    try:
        call(b"", timeout=timeout)
        outcome = "OK"
    except grpc.RpcError as error:
        outcome = error.code().name
    print(f"timeout of {timeout} s ({timeout / 86400:.1f} days): {outcome}")
    print(f"  after {time.monotonic() - started:.2f} s", file=sys.stderr)
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

timeout 60 venv/bin/python client.py "$(cat port)" | tee seen
cat > expected <<'TEXT'
timeout of 3600 s (0.0 days): OK
timeout of 2000000 s (23.1 days): OK
timeout of 2160000 s (25.0 days): DEADLINE_EXCEEDED
timeout of 2592000 s (30.0 days): DEADLINE_EXCEEDED
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
