#!/usr/bin/env bash
# A grpc-message with a bare percent sign costs connect-node the status code, not just the text.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Responses": "When decoding invalid values, implementations MUST NOT error or
#   throw away the message. At worst, the implementation can abort decoding the status message altogether such that
#   the user would received the raw percent-encoded form."
# Seen: `grpc-status: 7` with `grpc-message: quota at 100% of plan` is Unknown, "URI malformed", at connect-node. The
#   answer to the question whether the caller may do this is lost. grpcio and grpc-js report PERMISSION_DENIED and
#   keep the text.
# Versions: @connectrpc/connect-node 2.1.2, @grpc/grpc-js 1.14.7 (npm), grpcio 1.85.3 (PyPI).
# Why it matters: a filter or gateway that writes grpc-message by hand may forget to percent-encode it. A refusal with a
#   percent sign in its text is then no refusal for the client, and UNKNOWN is retried by many policies.
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
server.on('stream', (stream) => {
  stream.on('error', () => {});
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7',
    'grpc-message': 'quota at 100% of plan' }, { endStream: true });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
client.makeUnaryRequest('/example.Echo/Call', same, same, Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error) => {
  console.log(`grpc-js: ${grpc.status[error.code]}: ${error.details}`);
  process.exit();
});
JS
cat > client.mjs <<'JS'
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';

const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${process.argv[2]}` });
const method = { name: 'Call', localName: 'call', kind: 'rpc', methodKind: 'unary', input: EmptySchema,
  output: EmptySchema, parent: { typeName: 'example.Echo' }, idempotency: 0 };
await transport.unary(method, undefined, 5000, {}, create(EmptySchema)).catch((error) => {
  const { code, rawMessage } = ConnectError.from(error);
  console.log(`connect-node: ${Code[code]}: ${rawMessage}`);
});
process.exit();
JS
cat > client.py <<'PY'
import sys
import grpc

try:
    grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}").unary_unary("/example.Echo/Call")(b"", timeout=5)
except grpc.RpcError as error:
    print(f"grpcio: {error.code().name}: {error.details()}")
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

{
  timeout 20 venv/bin/python client.py "$(cat port)"
  timeout 20 node client.cjs "$(cat port)"
  timeout 20 node client.mjs "$(cat port)"
} | tee seen
cat > expected <<'TEXT'
grpcio: PERMISSION_DENIED: quota at 100% of plan
grpc-js: PERMISSION_DENIED: quota at 100% of plan
connect-node: Unknown: URI malformed
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
