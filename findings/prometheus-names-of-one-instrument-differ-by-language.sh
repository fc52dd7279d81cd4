#!/usr/bin/env bash
# The same instruments have other Prometheus names in Python than in JavaScript.
#
# Expected: OpenTelemetry's "Prometheus and OpenMetrics Compatibility", "Metric Metadata": the unit "SHOULD be added
#   to the metric as UNIT metadata and as a suffix to the metric name". rpc.server.call.duration in seconds is then
#   rpc_server_call_duration_seconds everywhere.
# Seen: the Python exporter adds the unit; the JavaScript exporter never does.
# Versions: opentelemetry-exporter-prometheus 0.66b2 (PyPI), @opentelemetry/exporter-prometheus 0.223.0 (npm).
# Why it matters: alerts on latency and on refusals are written once for a mesh of services in several languages. On
#   half of them the expression selects nothing, and an alert over nothing never fires.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-sdk==1.45.2 opentelemetry-exporter-prometheus==0.66b2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.9.1 @opentelemetry/sdk-metrics@2.12.1 @opentelemetry/exporter-prometheus@0.223.0

cat > names.py <<'PY'
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY, generate_latest

meter = MeterProvider(metric_readers=[PrometheusMetricReader()]).get_meter("example")
meter.create_histogram("rpc.server.call.duration", unit="s").record(1)
meter.create_counter("auth.refusals", unit="{call}").add(1)
meter.create_counter("bytes.sent", unit="KiBy").add(1)
for line in sorted(generate_latest(REGISTRY).decode().splitlines()):
    if line.startswith(("# TYPE rpc", "# TYPE auth", "# TYPE bytes")):
        print("Python", line.split()[2])
PY
cat > names.cjs <<'JS'
const { MeterProvider } = require('@opentelemetry/sdk-metrics');
const { PrometheusExporter, PrometheusSerializer } = require('@opentelemetry/exporter-prometheus');

const exporter = new PrometheusExporter({ preventServerStart: true });
const meter = new MeterProvider({ readers: [exporter] }).getMeter('example');
meter.createHistogram('rpc.server.call.duration', { unit: 's' }).record(1);
meter.createCounter('auth.refusals', { unit: '{call}' }).add(1);
meter.createCounter('bytes.sent', { unit: 'KiBy' }).add(1);
exporter.collect().then(({ resourceMetrics }) => {
  const lines = new PrometheusSerializer().serialize(resourceMetrics).split('\n').sort();
  for (const line of lines) if (/^# TYPE (rpc|auth|bytes)/.test(line)) console.log('JavaScript', line.split(' ')[2]);
});
JS
{ timeout 60 venv/bin/python names.py; timeout 60 node names.cjs; } 2>/dev/null | tee seen
cat > expected <<'TEXT'
Python auth_refusals_total
Python bytes_sent_kibibytes_total
Python rpc_server_call_duration_seconds
JavaScript auth_refusals_total
JavaScript bytes_sent_total
JavaScript rpc_server_call_duration
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
