#!/usr/bin/env bash
# A grpcio server answers a client that uses snappy or zstd with INTERNAL, where UNIMPLEMENTED is the agreed signal.
#
# Expected: gRPC's statuscodes.md: "Compression mechanism used by client not supported at server" is UNIMPLEMENTED.
#   PROTOCOL-HTTP2.md lists "snappy" and custom names as values of grpc-encoding.
# Seen: the call ends with INTERNAL, "Error parsing 'grpc-encoding' metadata", and the answer has no
#   grpc-accept-encoding from which the client could choose. "gzip" and "identity" pass.
# Versions: grpcio 1.85.3 (PyPI).
# Why it matters: UNIMPLEMENTED with the list of encodings tells a client to compress differently. INTERNAL reads as a
#   fault of the server, and the message points at metadata, which is where one looks for a broken token.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3

cat > server.py <<'PY'
import time
from concurrent import futures

import grpc


class Any(grpc.GenericRpcHandler):
    def service(self, _details):
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")


server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Any(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(60)
PY
cat > client.cjs <<'JS'
// One call on a connection of its own, with the encoding given and a message that is not compressed.
const [, , port, encoding] = process.argv;
const session = require('http2').connect(`http://127.0.0.1:${port}`);
const call = session.request({ ':method': 'POST', ':path': '/example.Echo/Call', 'content-type': 'application/grpc',
  te: 'trailers', 'grpc-encoding': encoding });
let end = {};
let accepts = 'no';
const take = (headers) => {
  if (headers['grpc-accept-encoding']) accepts = 'yes';
  if (headers['grpc-status'] !== undefined) end = headers;
};
call.on('response', take);
call.on('trailers', take);
call.on('data', () => {});
call.on('close', () => {
  console.log(`${encoding}: grpc-status ${end['grpc-status']}, grpc-accept-encoding: ${accepts}`);
  if (end['grpc-message']) console.error(`  ${end['grpc-message']}`);
  session.close();
});
call.end(Buffer.from([0, 0, 0, 0, 0]));
setTimeout(() => process.exit(1), 20000).unref();
JS
venv/bin/python server.py > port 2>server.log & pids+=($!)
for _ in $(seq 200); do [ -s port ] && break; sleep 0.1; done

for encoding in identity gzip snappy zstd; do timeout 30 node client.cjs "$(cat port)" "$encoding"; done | tee seen
cat > expected <<'TEXT'
identity: grpc-status 0, grpc-accept-encoding: yes
gzip: grpc-status 0, grpc-accept-encoding: yes
snappy: grpc-status 13, grpc-accept-encoding: no
zstd: grpc-status 13, grpc-accept-encoding: no
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
