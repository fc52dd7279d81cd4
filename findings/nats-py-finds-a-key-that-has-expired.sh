#!/usr/bin/env bash
# nats-py's key-value store finds a key after it expired, as an entry without a value, and cannot create it again.
#
# Expected: NATS's decision record ADR-48, "Retrieving Values": the message that the server leaves for an expired key
#   (`Nats-Marker-Reason: MaxAge`) is to be treated as PURGE. nats-py's get() raises KeyNotFoundError for a purged key,
#   and its create() takes such a key.
# Seen: get() returns an Entry with value None and operation None, and create() fails with KeyWrongLastSequenceError
#   until the marker itself expires. nats-py's own watcher reports the same message as PURGE, and the JavaScript
#   client creates the key again.
# Versions: nats-py 2.16.0 (PyPI), @nats-io/kv 3.4.0 (npm), nats-server 2.15.3 (Go).
# Why it matters: leases and single-use marks are kept in such buckets. Code that asks "is it there?" by catching
#   KeyNotFoundError takes an expired one for a current one, and a lease that ran out cannot be taken again.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check nats-py==2.16.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @nats-io/kv@3.4.0 @nats-io/transport-node@3.4.0
GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath" GOBIN="$work" go install github.com/nats-io/nats-server/v2@v2.15.3 >/dev/null 2>&1

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
./nats-server -js -sd "$work/data" -a 127.0.0.1 -p "$port" >server.log 2>&1 & pids+=($!)

cat > check.py <<'PY'
import asyncio
import sys

import nats
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError


async def main():
    client = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}", connect_timeout=10, max_reconnect_attempts=10)
    bucket = await client.jetstream().create_key_value(KeyValueConfig(bucket="leases", limit_marker_ttl=60))
    try:
        await bucket.get("job-1")
    except KeyNotFoundError:
        print("nats-py get before: KeyNotFoundError")
    await bucket.create("job-1", b"worker a", msg_ttl=1.0)
    print("nats-py get at once:", (await bucket.get("job-1")).value)
    watcher = await bucket.watch("job-1")
    async for update in watcher:  # waits for the server's marker
        if update is not None and update.value != b"worker a":
            print("nats-py watch:", update.operation)
            break
    try:
        entry = await bucket.get("job-1")
        print(f"nats-py get after: Entry, value {entry.value}, operation {entry.operation}")
    except KeyNotFoundError:
        print("nats-py get after: KeyNotFoundError")
    try:
        await bucket.create("job-1", b"worker b")
        print("nats-py create after: created")
    except KeyWrongLastSequenceError:
        print("nats-py create after: KeyWrongLastSequenceError")
    await bucket.put("job-2", b"worker a")
    await bucket.purge("job-2")
    try:
        print("nats-py get of a purged key:", await bucket.get("job-2"))
    except KeyNotFoundError:
        print("nats-py get of a purged key: KeyNotFoundError")
    await client.close()


asyncio.run(asyncio.wait_for(main(), 40))
PY
cat > check.mjs <<'JS'
import { connect } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';

const client = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
const bucket = await new Kvm(client).open('leases');
const entry = await bucket.get('job-1');
console.log(`@nats-io/kv get after: ${entry === null ? 'null' : `operation ${entry.operation}`}`);
console.log(await bucket.create('job-1', 'worker b').then(() => '@nats-io/kv create after: created', (error) => error.message));
await client.close();
JS
for _ in $(seq 100); do grep -q 'Server is ready' server.log && break; sleep 0.1; done
{ timeout 60 venv/bin/python check.py "$port"; timeout 30 node check.mjs "$port"; } | tee seen
cat > expected <<'TEXT'
nats-py get before: KeyNotFoundError
nats-py get at once: b'worker a'
nats-py watch: PURGE
nats-py get after: Entry, value None, operation None
nats-py create after: KeyWrongLastSequenceError
nats-py get of a purged key: KeyNotFoundError
@nats-io/kv get after: operation PURGE
@nats-io/kv create after: created
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
