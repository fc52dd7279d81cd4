#!/usr/bin/env bash
# OTEL_TRACES_SAMPLER=ALWAYS_OFF turns sampling off in Python and Go, and on, for every trace, in JavaScript.
#
# Expected: OpenTelemetry's environment variable specification, "Enum": "Enum values SHOULD be interpreted in a
#   case-insensitive manner." A sampler that is not known is to be ignored with a warning.
# Seen: the Python and Go SDKs take ALWAYS_OFF for always_off: no span is recorded. The JavaScript SDK compares the
#   letters, does not know the word and falls back to its default, which records every span that has no parent. Without
#   a logger for diagnostics, which an application has to set, nothing says so.
# Versions: @opentelemetry/sdk-trace-base 2.12.1 (npm), opentelemetry-sdk 1.45.2 (PyPI), go.opentelemetry.io/otel/sdk
#   1.47.0 (Go).
# Why it matters: the variable is set once for all services of a mesh. Whoever turned tracing off, for its cost or for
#   what spans say about users, has it off in some services, and at its most expensive in the others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check opentelemetry-sdk==1.45.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/api@1.9.1 @opentelemetry/sdk-trace-base@2.12.1
export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get go.opentelemetry.io/otel/sdk@v1.47.0 >/dev/null 2>&1

cat > sample.py <<'PY'
from opentelemetry.sdk.trace import TracerProvider

tracer = TracerProvider().get_tracer("example")
print("Python:", sum(tracer.start_span("call").is_recording() for _ in range(100)))
PY
cat > sample.cjs <<'JS'
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');

const tracer = new BasicTracerProvider().getTracer('example');
console.log('JavaScript:', Array.from({ length: 100 }, () => tracer.startSpan('call')).filter((span) => span.isRecording()).length);
JS
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	tracer := trace.NewTracerProvider().Tracer("example")
	recorded := 0
	for range 100 {
		if _, span := tracer.Start(context.Background(), "call"); span.IsRecording() {
			recorded++
		}
	}
	fmt.Println("Go:", recorded)
}
GO
go mod tidy >/dev/null 2>&1
timeout 240 go build -o sample .
for sampler in always_off ALWAYS_OFF; do
  export OTEL_TRACES_SAMPLER=$sampler
  echo "OTEL_TRACES_SAMPLER=$sampler, spans recorded of 100:"
  timeout 60 venv/bin/python sample.py
  timeout 60 ./sample
  timeout 60 node sample.cjs
done | tee seen
cat > expected <<'TEXT'
OTEL_TRACES_SAMPLER=always_off, spans recorded of 100:
Python: 0
Go: 0
JavaScript: 0
OTEL_TRACES_SAMPLER=ALWAYS_OFF, spans recorded of 100:
Python: 0
Go: 0
JavaScript: 100
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
