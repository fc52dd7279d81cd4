#!/usr/bin/env bash
# HTTP 431, "request header fields too large", reaches the application as UNKNOWN.
#
# Expected: gRPC's http-grpc-status-mapping.md maps 431 to INTERNAL, as it maps 400. The other rows of that table are
#   followed: 401, 403, 404, 429 and 503 below are as it says.
# Seen: grpcio, grpc-js and connect-node have no row for 431 and fall back to UNKNOWN.
# Versions: grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7, @connectrpc/connect-node 2.1.2 (npm).
# Why it matters: a token that grew past the server's limit for headers is refused below gRPC, often by the HTTP/2
#   library itself. The caller sees UNKNOWN, which says nothing about the token, and which differs from what the
#   specification's table lets one test for.
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
// Answers /example.Echo/<status> with that HTTP status.
const server = require('http2').createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  stream.respond({ ':status': Number(headers[':path'].split('/').pop()), 'content-type': 'text/plain' });
  stream.end('no');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const [, , port, ...statuses] = process.argv;
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const call = (status) => new Promise((done) => client.makeUnaryRequest(`/example.Echo/${status}`, same, same,
  Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error) => done(error ? grpc.status[error.code] : 'OK')));
(async () => {
  for (const status of statuses) console.log(`grpc-js ${status} ${await call(status)}`);
  process.exit();
})();
JS
cat > client.mjs <<'JS'
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';

const [, , port, ...statuses] = process.argv;
const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
const shout = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
for (const status of statuses) {
  const method = { name: status, localName: status, kind: 'rpc', methodKind: 'unary', input: EmptySchema,
    output: EmptySchema, parent: { typeName: 'example.Echo' }, idempotency: 0 };
  try {
    await transport.unary(method, undefined, 5000, {}, create(EmptySchema));
    console.log(`connect-node ${status} OK`);
  } catch (error) {
    console.log(`connect-node ${status} ${shout(Code[ConnectError.from(error).code])}`);
  }
}
process.exit();
JS
cat > client.py <<'PY'
import sys
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
for status in sys.argv[2:]:
    try:
        channel.unary_unary(f"/example.Echo/{status}")(b"", timeout=5)
        print("grpcio", status, "OK")
    except grpc.RpcError as error:
        print("grpcio", status, error.code().name)
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

statuses='400 401 403 404 429 503 431'
{
  timeout 60 venv/bin/python client.py "$(cat port)" $statuses
  timeout 60 node client.cjs "$(cat port)" $statuses
  timeout 60 node client.mjs "$(cat port)" $statuses
} | tee seen
for client in grpcio grpc-js connect-node; do
  printf '%s\n' "$client 400 INTERNAL" "$client 401 UNAUTHENTICATED" "$client 403 PERMISSION_DENIED" \
    "$client 404 UNIMPLEMENTED" "$client 429 UNAVAILABLE" "$client 503 UNAVAILABLE" "$client 431 UNKNOWN"
done > expected
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
