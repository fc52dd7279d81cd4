#!/usr/bin/env bash
# A connect-node client whose timeout is 28 hours is refused by connect-node's own server.
#
# Expected: gRPC's PROTOCOL-HTTP2.md, "Requests": TimeoutValue is a "positive integer as ASCII string of at most 8
#   digits", with units from nanoseconds to hours: a client changes the unit when the number gets longer.
# Seen: connect-node always sends milliseconds. From 100000000 ms (27.8 hours) on the header has nine digits, and
#   connect-node's server answers InvalidArgument, "invalid grpc timeout value". From 2^31 ms (24.9 days) on the
#   client itself fails the call with DeadlineExceeded at once, because Node's timers hold 31 bits.
# Versions: @connectrpc/connect and @connectrpc/connect-node 2.1.2, @bufbuild/protobuf 2.17.0 (npm).
# Why it matters: streams that follow revocations or jobs are given a deadline of a day or a week. The refusal names a
#   header that the caller never wrote, and it comes before a guard has seen the token.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund @connectrpc/connect@2.1.2 @connectrpc/connect-node@2.1.2 @bufbuild/protobuf@2.17.0

cat > both.mjs <<'JS'
import http2 from 'http2';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { connectNodeAdapter, createGrpcTransport } from '@connectrpc/connect-node';
import { create, toBinary } from '@bufbuild/protobuf';
import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema, file_google_protobuf_empty } from '@bufbuild/protobuf/wkt';

const empty = '.google.protobuf.Empty';
const file = create(FileDescriptorProtoSchema, { name: 'example.proto', package: 'example', syntax: 'proto3',
  dependency: ['google/protobuf/empty.proto'],
  service: [{ name: 'Echo', method: [{ name: 'Call', inputType: empty, outputType: empty }] }] });
const bytes = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64');
const Echo = serviceDesc(fileDesc(bytes, [file_google_protobuf_empty]), 0);

let header;
const answer = connectNodeAdapter({ routes: (router) => router.service(Echo, { call: () => ({}) }) });
const server = http2.createServer((request, response) => {
  header = request.headers['grpc-timeout'];
  answer(request, response);
});
server.listen(0, '127.0.0.1', async () => {
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.address().port}` });
  const client = createClient(Echo, transport);
  await client.call({});
  for (const timeoutMs of [5000, 99999999, 100000000, 604800000, 2592000000]) {
    header = undefined;
    let outcome = 'OK';
    await client.call({}, { timeoutMs }).catch((error) => {
      outcome = Code[ConnectError.from(error).code];
      console.error(`  ${ConnectError.from(error).rawMessage}`);
    });
    console.log(`timeoutMs ${timeoutMs}: ${outcome}`);
    console.error(`  grpc-timeout that arrived: ${header}`);
  }
  process.exit();
});
JS
timeout 60 node --no-warnings both.mjs | tee seen
cat > expected <<'TEXT'
timeoutMs 5000: OK
timeoutMs 99999999: OK
timeoutMs 100000000: InvalidArgument
timeoutMs 604800000: InvalidArgument
timeoutMs 2592000000: DeadlineExceeded
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
