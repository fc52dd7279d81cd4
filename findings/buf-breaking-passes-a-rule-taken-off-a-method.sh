#!/usr/bin/env bash
# `buf breaking` says nothing when the access rule of a method is emptied or removed.
#
# Expected: buf compares the options it knows: idempotency_level of a method, json_name and jstype of a field,
#   go_package of a file. Rules in custom options (google.api.method_visibility, an auth rule) are as much part of
#   what callers rely on.
# Seen: with every category on (FILE, PACKAGE, WIRE_JSON, WIRE) a custom option may change its value or vanish: exit
#   code 0. A changed idempotency_level on the same method is reported.
# Versions: @bufbuild/buf 1.75.0 (npm).
# Why it matters: where permissions stand beside the methods as options, the review of the contract's compatibility is
#   where one would expect a lost permission to be caught. It needs a check of its own, over the compiled descriptors.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund @bufbuild/buf@1.75.0

write() { # folder, options of the method
  mkdir -p "$1/example/v1"
  printf 'version: v2\nbreaking:\n  use: [FILE, PACKAGE, WIRE_JSON, WIRE]\n' > "$1/buf.yaml"
  cat > "$1/example/v1/example.proto" <<PROTO
syntax = "proto3";
package example.v1;
import "google/protobuf/descriptor.proto";
message Rule {
  string scope = 1;
}
extend google.protobuf.MethodOptions {
  Rule rule = 50001;
}
message DeleteRequest {}
message DeleteResponse {}
service Datasets {
  rpc Delete(DeleteRequest) returns (DeleteResponse) {
    $2
  }
}
PROTO
}
write before 'option (rule) = {scope: "datasets:admin"};'
write emptied 'option (rule) = {scope: ""};'
write removed ''
write idempotency 'option (rule) = {scope: "datasets:admin"}; option idempotency_level = NO_SIDE_EFFECTS;'

for change in emptied removed idempotency; do
  code=0
  (cd "$change" && timeout 60 ../node_modules/.bin/buf breaking --against ../before) >out 2>&1 || code=$?
  echo "$change: exit code $code"
  sed 's/^/  /' out >&2
done | tee seen
printf '%s\n' 'emptied: exit code 0' 'removed: exit code 0' 'idempotency: exit code 100' > expected
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
