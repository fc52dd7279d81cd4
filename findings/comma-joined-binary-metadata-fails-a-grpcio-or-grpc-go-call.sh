#!/usr/bin/env bash
# Comma-joined binary metadata fails the whole call at a grpcio or grpc-go server.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Requests": values of a repeated header may be joined with ",", and
#   "implementations must split Binary-Headers on ',' before decoding the Base64-encoded values". `x-a-bin: AQI,AwQ`
#   therefore carries the two values 0102 and 0304. HTTP libraries and proxies do join (Node's does).
# Seen: grpcio and grpc-go refuse the call with INTERNAL, whether or not the handler reads that header. grpc-js splits
#   it, as the specification says.
# Versions: grpcio 1.85.3 (PyPI), google.golang.org/grpc 1.85.0 (Go), @grpc/grpc-js 1.14.7 (npm).
# Why it matters: trace contexts, status details and some tokens travel in `-bin` metadata. One hop that joins
#   repeated values turns every such call into INTERNAL before any guard or handler runs, and only for some languages.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check grpcio==1.85.3
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7
mkdir go && cd go
export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get google.golang.org/grpc@v1.85.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	answer := func(_ any, stream grpc.ServerStream) error {
		var message emptypb.Empty
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		incoming, _ := metadata.FromIncomingContext(stream.Context())
		var seen []string
		for _, value := range incoming.Get("x-a-bin") {
			seen = append(seen, fmt.Sprintf("%x", value))
		}
		stream.SetTrailer(metadata.Pairs("seen", strings.Join(seen, " ")))
		return stream.SendMsg(&message)
	}
	panic(grpc.NewServer(grpc.UnknownServiceHandler(answer)).Serve(listener))
}
GO
go mod tidy >/dev/null 2>&1
go build -o server .
cd ..

cat > server.py <<'PY'
import time
from concurrent import futures

import grpc


def answer(_request, context):
    seen = [value.hex() for key, value in context.invocation_metadata() if key == "x-a-bin"]
    context.set_trailing_metadata((("seen", " ".join(seen)),))
    return b""


class Any(grpc.GenericRpcHandler):
    def service(self, _details):
        return grpc.unary_unary_rpc_method_handler(answer)


server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Any(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(60)
PY

cat > server.cjs <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const server = new grpc.Server();
server.addService(
  { Call: { path: '/example.Echo/Call', requestStream: false, responseStream: false, requestSerialize: same,
    requestDeserialize: same, responseSerialize: same, responseDeserialize: same } },
  { Call(call, done) {
    const trailer = new grpc.Metadata();
    trailer.set('seen', call.metadata.get('x-a-bin').map((value) => value.toString('hex')).join(' '));
    done(null, Buffer.alloc(0), trailer);
  } });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) => console.log(port));
setTimeout(() => process.exit(), 60000);
JS

cat > client.cjs <<'JS'
// One call with the header given; prints the gRPC status and what the server saw.
const [, , port, value] = process.argv;
const session = require('http2').connect(`http://127.0.0.1:${port}`);
const call = session.request({ ':method': 'POST', ':path': '/example.Echo/Call', 'content-type': 'application/grpc',
  te: 'trailers', 'x-a-bin': value });
let headers = {};
let trailers = {};
call.on('response', (seen) => { headers = seen; });
call.on('trailers', (seen) => { trailers = seen; });
call.on('data', () => {});
call.on('close', () => {
  const end = trailers['grpc-status'] === undefined ? headers : trailers;
  console.log(`status=${end['grpc-status']} seen=${end.seen ?? '-'} message=${end['grpc-message'] ?? ''}`);
  session.close();
});
call.end(Buffer.from([0, 0, 0, 0, 0]));
setTimeout(() => process.exit(1), 10000).unref();
JS

venv/bin/python server.py > grpcio.port & pids+=($!)
go/server > grpc-go.port & pids+=($!)
node server.cjs > grpc-js.port & pids+=($!)
for server in grpcio grpc-go grpc-js; do
  for _ in $(seq 100); do [ -s "$server.port" ] && break; sleep 0.1; done
done

changed=0
expect() { # server, header value, expected beginning of the answer
  local answer
  answer=$(timeout 20 node client.cjs "$(cat "$1.port")" "$2")
  echo "$1: x-a-bin: $2 -> $answer"
  case $answer in "$3"*) ;; *) echo "CHANGED: $1 was expected to answer '$3'"; changed=1 ;; esac
}
for server in grpcio grpc-go grpc-js; do expect "$server" 'AQI' 'status=0 seen=0102 '; done
expect grpcio 'AQI,AwQ' 'status=13 '
expect grpc-go 'AQI,AwQ' 'status=13 '
expect grpc-js 'AQI,AwQ' 'status=0 seen=0102 0304 '
exit "$changed"
