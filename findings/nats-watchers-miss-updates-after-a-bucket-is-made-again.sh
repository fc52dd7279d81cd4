#!/usr/bin/env bash
# Key-value watchers of nats-py and nats.js miss updates, without an error, once their bucket was deleted and made
# again.
#
# Expected: a watcher delivers the updates of its bucket (ADR-8, "Watch"), or ends with an error where it cannot.
#   After the bucket was restored or made again its first update has revision 1.
# Seen: the watcher stays open. nats-py comes back after some seconds and goes on from the last revision it knew: with
#   five old revisions it skips the first five of the new bucket. @nats-io/kv had delivered nothing after 30 seconds.
#   Neither raises or ends the iteration.
# Versions: nats-py 2.16.0 (PyPI), @nats-io/kv 3.4.0 and @nats-io/transport-node 3.4.0 (npm), nats-server 2.15.3 (Go).
# Why it matters: revocations and rules are distributed by such watchers. After a bucket was lost and restored, every
#   follower looks healthy and lacks the newest entries; it has to compare the stream's creation time and sequence
#   itself.
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

cat > watch.py <<'PY'
import asyncio
import sys

import nats
from nats.js.api import KeyValueConfig


async def main():
    client = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    stream = client.jetstream()
    bucket = await stream.create_key_value(KeyValueConfig(bucket="py"))
    for number in range(5):
        await bucket.put(f"old{number}", b"")
    watcher, seen = await bucket.watchall(), []

    async def follow():
        async for entry in watcher:
            if entry is not None:
                seen.append(entry.key)

    following = asyncio.create_task(follow())
    await asyncio.sleep(1)
    print("nats-py before:", *seen)
    seen.clear()
    await stream.delete_key_value("py")
    bucket = await stream.create_key_value(KeyValueConfig(bucket="py"))
    for number in range(8):
        await bucket.put(f"new{number}", b"")
    for _ in range(40):
        await asyncio.sleep(1)
        if "new7" in seen:
            break
    print("nats-py after:", *seen)
    print("nats-py keys in the bucket:", len(await bucket.keys()))
    print("nats-py watcher ended:", str(following.done()).lower())
    await client.close()


asyncio.run(main())
PY
cat > watch.mjs <<'JS'
import { connect } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const client = await connect({ servers: `127.0.0.1:${process.argv[2]}` });
const manager = new Kvm(client);
let bucket = await manager.create('js');
for (let number = 0; number < 5; number++) await bucket.put(`old${number}`, '');
const seen = [];
let ended = false;
const watcher = await bucket.watch();
(async () => { for await (const entry of watcher) seen.push(entry.key); })().catch(() => {}).finally(() => { ended = true; });
await sleep(1000);
console.log('nats.js before:', ...seen);
seen.length = 0;
await bucket.destroy();
bucket = await manager.create('js');
for (let number = 0; number < 8; number++) await bucket.put(`new${number}`, '');
for (let second = 0; second < 30 && !seen.includes('new7'); second++) await sleep(1000);
console.log('nats.js after:', ...seen);
console.log('nats.js watcher ended:', ended);
process.exit();
JS
for _ in $(seq 100); do grep -q 'Server is ready' server.log && break; sleep 0.1; done
timeout 60 venv/bin/python watch.py "$port" > seen.py & py=$!
timeout 60 node watch.mjs "$port" > seen.js
wait "$py"
cat seen.py seen.js | tee seen
cat > expected <<'TEXT'
nats-py before: old0 old1 old2 old3 old4
nats-py after: new5 new6 new7
nats-py keys in the bucket: 8
nats-py watcher ended: false
nats.js before: old0 old1 old2 old3 old4
nats.js after:
nats.js watcher ended: false
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
