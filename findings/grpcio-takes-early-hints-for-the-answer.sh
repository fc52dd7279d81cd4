#!/usr/bin/env bash
# An interim response (HTTP 103) ends a grpcio call as UNKNOWN, though the answer follows.
#
# Expected: RFC 9110, section 15.2: "A client MUST be able to parse one or more 1xx responses received prior to a
#   final response". gRPC's http-grpc-status-mapping.md: "1xx should have the entire header skipped and a subsequent
#   header be read".
# Seen: grpcio fails the call with UNKNOWN, "Received http2 header with status: 103". grpc-js skips it and returns the
#   answer.
# Versions: grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7 (npm).
# Why it matters: a gateway that adds Early Hints or 102 to slow calls looks correct from browsers and from Node. Python
#   callers see UNKNOWN for a call that the service allowed, executed and answered.
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
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  if (headers[':path'].endsWith('/Hints')) stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
const call = (method) => new Promise((done) => client.makeUnaryRequest(`/example.Echo/${method}`, same, same,
  Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error) => done(error ? grpc.status[error.code] : 'OK')));
(async () => {
  for (const method of ['Plain', 'Hints']) console.log(`grpc-js ${method} ${await call(method)}`);
  process.exit();
})();
JS
cat > client.py <<'PY'
import sys
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
for method in ("Plain", "Hints"):
    try:
        channel.unary_unary(f"/example.Echo/{method}")(b"", timeout=5)
        print("grpcio", method, "OK")
    except grpc.RpcError as error:
        print("grpcio", method, error.code().name)
        print(" ", error.details(), file=sys.stderr)
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

{ timeout 20 node client.cjs "$(cat port)"; timeout 20 venv/bin/python client.py "$(cat port)"; } | tee seen
printf '%s\n' 'grpc-js Plain OK' 'grpc-js Hints OK' 'grpcio Plain OK' 'grpcio Hints UNKNOWN' > expected
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
