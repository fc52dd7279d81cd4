#!/usr/bin/env bash
# The health service of grpcio declares List and answers it with UNIMPLEMENTED.
#
# Expected: gRFC A90 adds the method List to grpc.health.v1.Health: the status of every service in one answer. The
#   package's descriptor and stubs have it, so clients find it by reflection. grpc-js, with the same definition,
#   answers.
# Seen: HealthServicer of grpcio-health-checking implements Check and Watch alone. List ends with UNIMPLEMENTED.
# Versions: grpcio-health-checking 1.85.1, grpcio 1.85.3 (PyPI), grpc-health-check 2.1.0, @grpc/grpc-js 1.14.7 (npm).
# Why it matters: a dashboard or a readiness gate that asks each service of a mesh for its list works against Node and
#   Go and reports the Python services as broken; and reflection is no proof that a method exists.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3 grpcio-health-checking==1.85.1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7 grpc-health-check@2.1.0

cat > server.py <<'PY'
import time
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

server = grpc.server(futures.ThreadPoolExecutor(2))
servicer = health.HealthServicer()
servicer.set("example.Echo", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(60)
PY
cat > server.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const { HealthImplementation, protoPath } = require('grpc-health-check');
if (!/rpc List\b/.test(require('fs').readFileSync(protoPath, 'utf8'))) throw new Error('List is not declared');
const server = new grpc.Server();
new HealthImplementation({ 'example.Echo': 'SERVING' }).addToServer(server);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) => console.log(port));
setTimeout(() => process.exit(), 60000);
JS
cat > client.py <<'PY'
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(f"127.0.0.1:{sys.argv[2]}"))
status = stub.Check(health_pb2.HealthCheckRequest(service="example.Echo"), timeout=10).status
print(f"{sys.argv[1]}: Check {health_pb2.HealthCheckResponse.ServingStatus.Name(status)}")
try:
    print(f"{sys.argv[1]}: List {sorted(stub.List(health_pb2.HealthListRequest(), timeout=10).statuses)}")
except grpc.RpcError as error:
    print(f"{sys.argv[1]}: List {error.code().name}")
PY
venv/bin/python server.py > grpcio.port & pids+=($!)
node server.cjs > grpc-js.port & pids+=($!)
for server in grpcio grpc-js; do
  for _ in $(seq 100); do [ -s "$server.port" ] && break; sleep 0.1; done
  timeout 30 venv/bin/python client.py "$server" "$(cat "$server.port")"
done | tee seen
cat > expected <<'TEXT'
grpcio: Check SERVING
grpcio: List UNIMPLEMENTED
grpc-js: Check SERVING
grpc-js: List ['example.Echo']
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
