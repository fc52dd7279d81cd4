#!/usr/bin/env bash
# grpcio refuses calls with 12 KB of metadata by lot: about half of them, at servers and at clients.
#
# Expected: there is a limit, of 8 KiB as PROTOCOL-HTTP2.md suggests or of another size, and a call over it fails: each
#   time or never.
# Seen: between a soft limit of 8 KiB and a hard one of 16 KiB a call is let through by chance, the less often the
#   larger it is. Of 200 calls with a token of 12 KB about half reach the handler of a grpcio server; the others end
#   with RESOURCE_EXHAUSTED, "received metadata size exceeds soft limit". A grpcio client does the same to the answer:
#   where the server refused the call with PERMISSION_DENIED and details of 12 KB, it reports RESOURCE_EXHAUSTED for
#   about half. grpc-js, as the server and as the client, has one outcome. grpc.max_metadata_size moves the limits.
# Versions: grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7 (npm).
# Why it matters: tokens grow with groups and permissions. From 8 KiB on a few calls fail and work when tried again;
#   that looks like load, not like a limit, and a refusal that has to be final is taken for one that passes.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7

cat > server.py <<'PY'
# /example/ok answers, /example/refused refuses with large details.
import time
from concurrent import futures

import grpc


def ok(_request, _context):
    return b""


def refused(_request, context):
    context.set_trailing_metadata((("example-details-bin", b"x" * 12000),))
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")


server = grpc.server(futures.ThreadPoolExecutor(4))
handlers = {"ok": grpc.unary_unary_rpc_method_handler(ok), "refused": grpc.unary_unary_rpc_method_handler(refused)}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("example", handlers),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(240)
PY
cat > server.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const bytes = (value) => value;
const method = (name) => ({ path: `/example/${name}`, requestStream: false, responseStream: false,
  requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes });
const server = new grpc.Server();
server.addService({ ok: method('ok') }, { ok: (_call, callback) => callback(null, Buffer.alloc(0)) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) => console.log(port));
setTimeout(() => process.exit(), 240000);
JS
cat > client.py <<'PY'
import collections
import sys

import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
codes = collections.Counter()
for _ in range(200):
    try:
        channel.unary_unary(f"/example/{sys.argv[2]}")(b"", timeout=20, metadata=(("authorization", "Bearer " + "x" * int(sys.argv[3])),))
        codes["OK"] += 1
    except grpc.RpcError as error:
        codes[error.code().name] += 1
print(*(f"{code} {codes[code]}" for code in sorted(codes)))
PY
cat > client.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const [port, method, length] = process.argv.slice(2);
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const bytes = (value) => value;
const codes = {};
(async () => {
  for (let call = 0; call < 200; call++) {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${'x'.repeat(Number(length))}`);
    await new Promise((done) => client.makeUnaryRequest(`/example/${method}`, bytes, bytes, Buffer.alloc(0), metadata, (error) => {
      const code = error ? grpc.status[error.code] : 'OK';
      codes[code] = (codes[code] ?? 0) + 1;
      done();
    }));
  }
  console.log(Object.keys(codes).sort().map((code) => `${code} ${codes[code]}`).join(' '));
  process.exit();
})();
JS
venv/bin/python server.py > grpcio.port & pids+=($!)
node server.cjs > grpc-js.port & pids+=($!)
for _ in $(seq 100); do [ -s grpcio.port ] && [ -s grpc-js.port ] && break; sleep 0.1; done
grpcio=$(cat grpcio.port) js=$(cat grpc-js.port)
python() { timeout 90 venv/bin/python client.py "$@"; }
{
  echo "token of 4 KB, grpcio client, grpcio server: $(python "$grpcio" ok 4000)"
  echo "token of 12 KB, grpcio client, grpcio server: $(python "$grpcio" ok 12000)"
  echo "token of 12 KB, grpcio client, grpc-js server: $(python "$js" ok 12000)"
  echo "details of 12 KB, grpcio client: $(python "$grpcio" refused 10)"
  echo "details of 12 KB, grpc-js client: $(timeout 90 node client.cjs "$grpcio" refused 10)"
} | tee seen

changed=0
expect() { grep -qE "$1" seen || { echo "CHANGED: no line matches: $1"; changed=1; }; }
some='([3-9][0-9]|1[0-6][0-9])'
expect '^token of 4 KB, grpcio client, grpcio server: OK 200$'
expect "^token of 12 KB, grpcio client, grpcio server: OK $some RESOURCE_EXHAUSTED $some\$"
expect '^token of 12 KB, grpcio client, grpc-js server: OK 200$'
expect "^details of 12 KB, grpcio client: PERMISSION_DENIED $some RESOURCE_EXHAUSTED $some\$"
expect '^details of 12 KB, grpc-js client: PERMISSION_DENIED 200$'
exit "$changed"
