#!/usr/bin/env bash
# google-protobuf for JavaScript replaces a sub-message that arrives in two parts; other runtimes merge the parts.
#
# Expected: the protobuf encoding guide, "Last One Wins": for embedded message fields "the parser merges multiple
#   instances of the same field", so that concatenated encodings decode to the merge of the messages.
# Seen: of a field with two parts google-protobuf keeps the second alone and drops what the first had set. protobuf-es
#   and Python's protobuf read both.
# Versions: google-protobuf 4.0.3, @bufbuild/protobuf 2.17.0 (npm), protobuf 7.36.2 (PyPI).
# Why it matters: services in two languages read different values from the same valid request. Where a field decides
#   about access, a part that occurs twice has to be refused, since no reading of it is common to all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check protobuf==7.36.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund google-protobuf@4.0.3 @bufbuild/protobuf@2.17.0

# google.protobuf.DescriptorProto: the field `options` (7) twice, first with deprecated (3), then with map_entry (7).
hex='3a0218013a023801'
cat > check.cjs <<'JS'
const { DescriptorProto } = require('google-protobuf/google/protobuf/descriptor_pb.js');
const options = DescriptorProto.deserializeBinary(new Uint8Array(Buffer.from(process.argv[2], 'hex'))).getOptions();
console.log(`google-protobuf: deprecated ${options.getDeprecated()}, map_entry ${options.getMapEntry()}`);
JS
cat > check.mjs <<'JS'
import { fromBinary } from '@bufbuild/protobuf';
import { DescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

const { options } = fromBinary(DescriptorProtoSchema, Buffer.from(process.argv[2], 'hex'));
console.log(`protobuf-es: deprecated ${options.deprecated}, map_entry ${options.mapEntry}`);
JS
cat > check.py <<'PY'
import sys
from google.protobuf.descriptor_pb2 import DescriptorProto

options = DescriptorProto.FromString(bytes.fromhex(sys.argv[1])).options
print(f"python protobuf: deprecated {str(options.deprecated).lower()}, map_entry {str(options.map_entry).lower()}")
PY
{ timeout 30 node check.cjs "$hex"; timeout 30 node check.mjs "$hex"; timeout 30 venv/bin/python check.py "$hex"; } | tee seen
cat > expected <<'TEXT'
google-protobuf: deprecated false, map_entry true
protobuf-es: deprecated true, map_entry true
python protobuf: deprecated true, map_entry true
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
