#!/usr/bin/env bash
# A unary answer of OK without a message: grpcio returns None as a success; the other clients each fail differently.
#
# Expected: gRPC's statuscodes.md: "Response cardinality violation (method requires exactly one response but server
#   sent some other number of responses)" is UNIMPLEMENTED, generated at the client.
# Seen: grpcio's unary call returns None with code OK, so the caller's first attribute access raises AttributeError.
#   grpc-js reports UNIMPLEMENTED, as the specification says; connect-node reports UNIMPLEMENTED after headers, and
#   UNKNOWN where status and headers are one block (Trailers-Only).
# Versions: grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7, @connectrpc/connect-node 2.1.2 (npm).
# Why it matters: filters that end a call early send Trailers-Only answers, and one that forgets to set the status to
#   an error sends `grpc-status: 0`. In Python a call that never reached the service then counts as a success in every
#   interceptor and metric.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7 @connectrpc/connect@2.1.2 @connectrpc/connect-node@2.1.2 @bufbuild/protobuf@2.17.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3

cat > server.cjs <<'JS'
const server = require('http2').createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (headers[':path'].endsWith('/TrailersOnly')) {
    stream.respond({ ...head, 'grpc-status': '0' }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
const call = (method) => new Promise((done) => client.makeUnaryRequest(`/example.Echo/${method}`, same, same,
  Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error, value) => done(error ? grpc.status[error.code] : `OK ${value}`)));
(async () => {
  for (const method of ['HeadersAndTrailers', 'TrailersOnly']) console.log(`grpc-js ${method} ${await call(method)}`);
  process.exit();
})();
JS
cat > client.mjs <<'JS'
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';

const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${process.argv[2]}` });
for (const name of ['HeadersAndTrailers', 'TrailersOnly']) {
  const method = { name, localName: name, kind: 'rpc', methodKind: 'unary', input: EmptySchema, output: EmptySchema,
    parent: { typeName: 'example.Echo' }, idempotency: 0 };
  const outcome = await transport.unary(method, undefined, 5000, {}, create(EmptySchema))
    .then(() => 'OK', (error) => Code[ConnectError.from(error).code].toUpperCase());
  console.log(`connect-node ${name} ${outcome}`);
}
process.exit();
JS
cat > client.py <<'PY'
import sys
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
for method in ("HeadersAndTrailers", "TrailersOnly"):
    try:
        value, call = channel.unary_unary(f"/example.Echo/{method}").with_call(b"", timeout=5)
        print("grpcio", method, call.code().name, value)
    except grpc.RpcError as error:
        print("grpcio", method, error.code().name)
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

{
  timeout 20 venv/bin/python client.py "$(cat port)"
  timeout 20 node client.cjs "$(cat port)"
  timeout 20 node client.mjs "$(cat port)"
} | tee seen
cat > expected <<'TEXT'
grpcio HeadersAndTrailers OK None
grpcio TrailersOnly OK None
grpc-js HeadersAndTrailers UNIMPLEMENTED
grpc-js TrailersOnly UNIMPLEMENTED
connect-node HeadersAndTrailers UNIMPLEMENTED
connect-node TrailersOnly UNKNOWN
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
