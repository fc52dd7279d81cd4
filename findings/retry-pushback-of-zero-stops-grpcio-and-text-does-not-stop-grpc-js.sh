#!/usr/bin/env bash
# Retry pushback: 0 ms stops grpcio from retrying, and a value that is no number does not stop grpc-js.
#
# Expected: gRFC A6, "Pushback": grpc-retry-pushback-ms is a signed 32-bit integer, "how many milliseconds to wait
#   before sending a retry. If the value for pushback is negative or [unparsable], then it will be seen as the server
#   asking the client not to retry at all." 0 is neither: retry at once.
# Seen: of four attempts allowed grpcio makes four for 1 and one for 0. grpc-js makes four for 0, but also for
#   "250ms". Both stop at -1.
# Versions: grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7 (npm).
# Why it matters: a rate limiter that computes the wait and rounds down sends 0 now and then, and those calls fail in
#   Python without a retry. One that writes a duration with its unit slows nobody down in Node.
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
// Refuses /example.Echo/<client>_<pushback> as UNAVAILABLE with that pushback, and writes a line for each attempt.
const { appendFileSync } = require('fs');
const server = require('http2').createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  const name = headers[':path'].split('/').pop();
  appendFileSync('attempts', `${name}\n`);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14',
    'grpc-retry-pushback-ms': name.split('_')[1] }, { endStream: true });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > config.json <<'JSON'
{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.01s",
 "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}
JSON
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const [, , port, pushback] = process.argv;
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(),
  { 'grpc.service_config': require('fs').readFileSync('config.json', 'utf8') });
client.makeUnaryRequest(`/example.Echo/grpc-js_${pushback}`, same, same, Buffer.alloc(0), { deadline: Date.now() + 5000 },
  () => process.exit());
JS
cat > client.py <<'PY'
import sys
import grpc

options = [("grpc.service_config", open("config.json").read()), ("grpc.enable_retries", 1)]
channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}", options)
try:
    channel.unary_unary(f"/example.Echo/grpcio_{sys.argv[2]}")(b"", timeout=5)
except grpc.RpcError:
    pass
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

for pushback in 1 0 -1 250ms; do
  timeout 20 venv/bin/python client.py "$(cat port)" "$pushback" 2>/dev/null
  timeout 20 node client.cjs "$(cat port)" "$pushback"
  for client in grpcio grpc-js; do
    echo "$client, pushback $pushback: $(grep -cxF -- "${client}_$pushback" attempts) attempts"
  done
done | tee seen
cat > expected <<'TEXT'
grpcio, pushback 1: 4 attempts
grpc-js, pushback 1: 4 attempts
grpcio, pushback 0: 1 attempts
grpc-js, pushback 0: 4 attempts
grpcio, pushback -1: 1 attempts
grpc-js, pushback -1: 1 attempts
grpcio, pushback 250ms: 1 attempts
grpc-js, pushback 250ms: 4 attempts
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
