#!/usr/bin/env bash
# OTEL_EXPORTER_OTLP_TIMEOUT is a number of seconds in Python and of milliseconds in JavaScript.
#
# Expected: OpenTelemetry's environment variable specification, "Timeout": "Any value that represents a timeout MUST
#   be an integer representing a number of milliseconds." OTEL_EXPORTER_OTLP_TIMEOUT=1000 is one second.
# Seen: the Python exporters, HTTP and gRPC, take it for 1000 seconds: a collector that accepts the connection and
#   never answers still holds the export after ten seconds. The JavaScript exporter gives up after one.
# Versions: opentelemetry-exporter-otlp 1.45.2, opentelemetry-sdk 1.45.2 (PyPI),
#   @opentelemetry/exporter-trace-otlp-http 0.223.1, @opentelemetry/sdk-trace-base 2.12.1 (npm).
# Why it matters: the variable is set once for a fleet. With the value that is right elsewhere a Python service whose
#   collector hangs waits for a quarter of an hour per batch, on shutdown too, and its audit spans wait with it.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp==1.45.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.9.1 @opentelemetry/sdk-trace-base@2.12.1 @opentelemetry/exporter-trace-otlp-http@0.223.1

cat > silent.py <<'PY'
# Accepts connections and never answers.
import socket

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
listener.settimeout(90)
held = []
while True:
    held.append(listener.accept())
PY
cat > export.py <<'PY'
import sys
import time

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

if sys.argv[1] == "http":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
started = time.monotonic()
provider.get_tracer("example").start_span("call").end()
print(f"gave up after {time.monotonic() - started:.0f} s")
PY
cat > export.cjs <<'JS'
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())] });
const started = Date.now();
provider.getTracer('example').startSpan('call').end();
provider.forceFlush().catch(() => {}).then(() => {
  console.log(`gave up after ${Math.round((Date.now() - started) / 1000)} s`);
  process.exit();
});
JS
python3 silent.py > port & pids+=($!)
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

export OTEL_EXPORTER_OTLP_TIMEOUT=1000 OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$(cat port)"
seen() { timeout 10 "$@" 2>/dev/null || echo 'still waiting after 10 s'; }
js=$(seen node export.cjs)
http=$(seen venv/bin/python export.py http)
grpc=$(seen venv/bin/python export.py grpc)
echo "OTEL_EXPORTER_OTLP_TIMEOUT=1000, a collector that never answers:"
echo "JavaScript, HTTP: $js"
echo "Python, HTTP:     $http"
echo "Python, gRPC:     $grpc"
[[ $js == 'gave up after '[1-5]' s' ]] || { echo 'CHANGED: JavaScript was expected to give up after a second'; exit 1; }
[[ $http == 'still waiting'* && $grpc == 'still waiting'* ]] || { echo 'CHANGED: Python was expected to be waiting still'; exit 1; }
