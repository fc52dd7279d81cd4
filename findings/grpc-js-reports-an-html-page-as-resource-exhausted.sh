#!/usr/bin/env bash
# A web page answered with 200 becomes RESOURCE_EXHAUSTED at a grpc-js client.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Responses": implementations should expect content types other than gRPC's and
#   synthesize a status; http-grpc-status-mapping.md: "200 is UNKNOWN because there should be a grpc-status in case of
#   truly OK response". grpcio does that.
# Seen: grpc-js does not look at the content type. It takes the first five bytes of the page for a message prefix:
#   "<html" is read as a message of 1752460652 bytes, and the call fails with RESOURCE_EXHAUSTED.
# Versions: @grpc/grpc-js 1.14.7 (npm), grpcio 1.85.3 (PyPI) for comparison.
# Why it matters: a sign-in page or a proxy's error page in front of a guarded service is a common misconfiguration.
#   RESOURCE_EXHAUSTED reads as "rate limited" or "message too large", and retry policies treat it as such.
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
const server = require('http2').createServer();
server.on('stream', (stream) => {
  stream.on('error', () => {});
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end('<html><title>Sign in</title></html>');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
client.makeUnaryRequest('/example.Echo/Call', same, same, Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error) => {
  console.log(error ? `${grpc.status[error.code]}: ${error.details}` : 'OK');
  process.exit();
});
JS
cat > client.py <<'PY'
import sys
import grpc

call = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}").unary_unary("/example.Echo/Call")
try:
    call(b"", timeout=5)
    print("OK")
except grpc.RpcError as error:
    print(f"{error.code().name}: {error.details()}")
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

changed=0
js=$(timeout 20 node client.cjs "$(cat port)")
py=$(timeout 20 venv/bin/python client.py "$(cat port)")
echo "grpc-js: $js"
echo "grpcio:  $py"
case $js in 'RESOURCE_EXHAUSTED: '*1752460652*) ;; *) echo 'CHANGED: grpc-js was expected to say RESOURCE_EXHAUSTED (1752460652)'; changed=1 ;; esac
case $py in 'UNKNOWN: '*) ;; *) echo 'CHANGED: grpcio was expected to say UNKNOWN'; changed=1 ;; esac
exit "$changed"
