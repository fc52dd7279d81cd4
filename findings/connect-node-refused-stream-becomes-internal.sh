#!/usr/bin/env bash
# connect-node reports refused and throttled streams as INTERNAL, which nobody retries.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Errors": RST_STREAM with REFUSED_STREAM is "UNAVAILABLE - Indicates that no
#   processing occurred and the request can be retried, possibly elsewhere" (RFC 9113, section 8.7, promises the
#   same), and ENHANCE_YOUR_CALM is RESOURCE_EXHAUSTED. grpcio and grpc-js follow that table.
# Seen: @connectrpc/connect-node reports Internal for both when they come before the headers of the answer. CANCEL is
#   mapped as the table says.
# Versions: @connectrpc/connect-node 2.1.2, @grpc/grpc-js 1.14.7 (npm), grpcio 1.85.3 (PyPI).
# Why it matters: a server at its limit of streams, or one that drains, refuses streams this way before it has read a
#   token; a server that throttles resets them with the other code. The error that is always safe to retry arrives as
#   the one that looks like a bug in the server.
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
// Resets /example.Echo/R<code> with that HTTP/2 error code.
const server = require('http2').createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.close(Number(headers[':path'].match(/R(\d+)$/)[1]));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const [, , port, ...codes] = process.argv;
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const call = (code) => new Promise((done) => client.makeUnaryRequest(`/example.Echo/R${code}`, same, same,
  Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error) => done(grpc.status[error.code])));
(async () => {
  for (const code of codes) console.log(`grpc-js ${code} ${await call(code)}`);
  process.exit();
})();
JS
cat > client.mjs <<'JS'
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';

const [, , port, ...codes] = process.argv;
const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
for (const code of codes) {
  const method = { name: `R${code}`, localName: 'r', kind: 'rpc', methodKind: 'unary', input: EmptySchema,
    output: EmptySchema, parent: { typeName: 'example.Echo' }, idempotency: 0 };
  await transport.unary(method, undefined, 5000, {}, create(EmptySchema)).catch((error) => {
    const { code: status, rawMessage } = ConnectError.from(error);
    console.log(`connect-node ${code} ${Code[status].replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}`);
    console.error(`  (${rawMessage})`);
  });
}
process.exit();
JS
cat > client.py <<'PY'
import sys
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
for code in sys.argv[2:]:
    try:
        channel.unary_unary(f"/example.Echo/R{code}")(b"", timeout=5)
    except grpc.RpcError as error:
        print("grpcio", code, error.code().name)
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

echo 'RST_STREAM codes: 7 REFUSED_STREAM, 8 CANCEL, 11 ENHANCE_YOUR_CALM'
{
  timeout 60 venv/bin/python client.py "$(cat port)" 7 8 11
  timeout 60 node client.cjs "$(cat port)" 7 8 11
  timeout 60 node client.mjs "$(cat port)" 7 8 11
} | tee seen
cat > expected <<'TEXT'
grpcio 7 UNAVAILABLE
grpcio 8 CANCELLED
grpcio 11 RESOURCE_EXHAUSTED
grpc-js 7 UNAVAILABLE
grpc-js 8 CANCELLED
grpc-js 11 RESOURCE_EXHAUSTED
connect-node 7 INTERNAL
connect-node 8 CANCELED
connect-node 11 INTERNAL
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
