#!/usr/bin/env bash
# grpcio-reflection serves and asks for reflection v1alpha alone: it and a server or a client of v1 do not meet.
#
# Expected: gRPC's server reflection protocol is grpc.reflection.v1. Its v1alpha is marked deprecated in the .proto,
#   which asks to use v1 instead.
# Seen: a grpcio server with reflection enabled answers v1 with UNIMPLEMENTED. The reflection client of grpcio, asking a
#   grpc-go server that registered v1, raises UNIMPLEMENTED: "unknown service grpc.reflection.v1alpha.ServerReflection".
#   The package has no module for v1. The messages of both are the same.
# Versions: grpcio-reflection 1.85.1, grpcio 1.85.3 (PyPI), google.golang.org/grpc 1.85.0 (Go).
# Why it matters: a gateway or an access rule that reads a server's methods by reflection has to ask twice, and one that
#   lets v1 through closes reflection for Python's callers. A server that offers v1 only looks to them as if it had
#   none.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3 grpcio-reflection==1.85.1
export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get google.golang.org/grpc@v1.85.0 >/dev/null 2>&1

cat > main.go <<'GO'
// Without an argument: a server with reflection v1. With a port: asks the server there by v1 and by v1alpha.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/reflection"
	v1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	v1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
)

func main() {
	if len(os.Args) == 1 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		server := grpc.NewServer()
		reflection.RegisterV1(server)
		panic(server.Serve(listener))
	}
	connection, err := grpc.NewClient("127.0.0.1:"+os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	new, err := v1.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err == nil {
		new.Send(&v1.ServerReflectionRequest{MessageRequest: &v1.ServerReflectionRequest_ListServices{}})
		_, err = new.Recv()
	}
	fmt.Println("a grpcio server, asked by v1:", status.Code(err))
	old, err := v1alpha.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err == nil {
		old.Send(&v1alpha.ServerReflectionRequest{MessageRequest: &v1alpha.ServerReflectionRequest_ListServices{}})
		_, err = old.Recv()
	}
	fmt.Println("a grpcio server, asked by v1alpha:", status.Code(err))
}
GO
cat > server.py <<'PY'
import time
from concurrent import futures

import grpc
from grpc_reflection.v1alpha import reflection

server = grpc.server(futures.ThreadPoolExecutor(4))
reflection.enable_server_reflection([reflection.SERVICE_NAME], server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(120)
PY
cat > client.py <<'PY'
import sys

import grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

try:
    found = sorted(ProtoReflectionDescriptorDatabase(grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")).get_services())
except grpc.RpcError as error:
    found = f"{error.code().name}, {error.details()}"
print(f"a grpc-go server with v1, asked by grpcio: {found}")
PY
go mod tidy >/dev/null 2>&1
timeout 300 go build -o example .
venv/bin/python server.py > python.port & pids+=($!)
./example > go.port 2>/dev/null & pids+=($!)
for _ in $(seq 100); do [ -s python.port ] && [ -s go.port ] && break; sleep 0.1; done
modules=$(cd venv/lib/python3*/site-packages/grpc_reflection && echo v*)
{ echo "modules of grpcio-reflection: $modules"; timeout 60 ./example "$(cat python.port)"; timeout 60 venv/bin/python client.py "$(cat go.port)"; } | tee seen
cat > expected <<'TEXT'
modules of grpcio-reflection: v1alpha
a grpcio server, asked by v1: Unimplemented
a grpcio server, asked by v1alpha: OK
a grpc-go server with v1, asked by grpcio: UNIMPLEMENTED, unknown service grpc.reflection.v1alpha.ServerReflection
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
