#!/usr/bin/env bash
# grpclib and connect-node ignore grpc-status when the HTTP status is not 200.
#
# Expected: gRPC's http-grpc-status-mapping.md: its table "is to be used only for clients that received a response
#   that did not include grpc-status. If grpc-status was provided, it must be used."
# Seen: for HTTP 401 with `grpc-status: 7` and HTTP 503 with `grpc-status: 8` grpcio and grpc-js report
#   PERMISSION_DENIED and RESOURCE_EXHAUSTED with the message that was sent. grpclib and connect-node report
#   UNAUTHENTICATED and UNAVAILABLE, and the message is lost.
# Versions: grpclib 0.4.9, grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7, @connectrpc/connect-node 2.1.2 (npm).
# Why it matters: gateways in front of guarded services send both, so that plain HTTP clients understand the refusal,
#   too. A client that reads only the HTTP status signs in again where it lacks a permission, and retries at once
#   where it was told to slow down.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7 @connectrpc/connect@2.1.2 @connectrpc/connect-node@2.1.2 @bufbuild/protobuf@2.17.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3 grpclib==0.4.9 h2==4.4.1 protobuf==7.36.2

cat > server.cjs <<'JS'
// Answers /example.Echo/H<http>G<grpc> with that HTTP status and that grpc-status, in one block of headers.
const server = require('http2').createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume();
  const [, http, grpc] = headers[':path'].match(/H(\d+)G(\d+)$/);
  stream.respond({ ':status': Number(http), 'content-type': 'application/grpc', 'grpc-status': grpc,
    'grpc-message': 'told by the gateway' }, { endStream: true });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const [, , port, ...methods] = process.argv;
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const call = (method) => new Promise((done) => client.makeUnaryRequest(`/example.Echo/${method}`, same, same,
  Buffer.alloc(0), { deadline: Date.now() + 5000 }, (error) => done(`${grpc.status[error.code]} (${error.details})`)));
(async () => {
  for (const method of methods) console.log(`grpc-js ${method} ${await call(method)}`);
  process.exit();
})();
JS
cat > client.mjs <<'JS'
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';

const [, , port, ...methods] = process.argv;
const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
for (const name of methods) {
  const method = { name, localName: name, kind: 'rpc', methodKind: 'unary', input: EmptySchema, output: EmptySchema,
    parent: { typeName: 'example.Echo' }, idempotency: 0 };
  try {
    await transport.unary(method, undefined, 5000, {}, create(EmptySchema));
    console.log(`connect-node ${name} OK`);
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    console.log(`connect-node ${name} ${Code[code].toUpperCase()} (${rawMessage})`);
  }
}
process.exit();
JS
cat > client_grpcio.py <<'PY'
import sys
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
for method in sys.argv[2:]:
    try:
        channel.unary_unary(f"/example.Echo/{method}")(b"", timeout=5)
    except grpc.RpcError as error:
        print(f"grpcio {method} {error.code().name} ({error.details()})")
PY
cat > client_grpclib.py <<'PY'
import asyncio
import sys

from google.protobuf.empty_pb2 import Empty
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError


async def main():
    channel = Channel("127.0.0.1", int(sys.argv[1]))
    for method in sys.argv[2:]:
        try:
            await UnaryUnaryMethod(channel, f"/example.Echo/{method}", Empty, Empty)(Empty(), timeout=5)
        except GRPCError as error:
            print(f"grpclib {method} {error.status.name} ({error.message})")
    channel.close()


asyncio.run(main())
PY
node server.cjs > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

methods='H401G7 H503G8'
{
  timeout 60 venv/bin/python client_grpcio.py "$(cat port)" $methods
  timeout 60 node client.cjs "$(cat port)" $methods
  timeout 60 venv/bin/python client_grpclib.py "$(cat port)" $methods
  timeout 60 node client.mjs "$(cat port)" $methods
} | tee seen
cat > expected <<'TEXT'
grpcio H401G7 PERMISSION_DENIED (told by the gateway)
grpcio H503G8 RESOURCE_EXHAUSTED (told by the gateway)
grpc-js H401G7 PERMISSION_DENIED (told by the gateway)
grpc-js H503G8 RESOURCE_EXHAUSTED (told by the gateway)
grpclib H401G7 UNAUTHENTICATED (Received :status = '401')
grpclib H503G8 UNAVAILABLE (Received :status = '503')
connect-node H401G7 UNAUTHENTICATED (HTTP 401)
connect-node H503G8 UNAVAILABLE (HTTP 503)
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
