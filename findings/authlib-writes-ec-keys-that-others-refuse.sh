#!/usr/bin/env bash
# About one in 128 EC keys that Authlib exports as a JWK is malformed, and its RFC 7638 thumbprint differs.
#
# Expected: RFC 7518, section 6.2.1.2: "The length of this octet string MUST be the full size of a coordinate for the
#   curve specified in the "crv" parameter": 32 bytes for P-256, leading zeros included.
# Seen: Authlib drops leading zero bytes of x and y (31 bytes below). PyJWT refuses such a key, and the thumbprint
#   that Authlib computes over it (and uses as `kid`) is not the one that joserfc computes.
# Versions: Authlib 1.9.10, joserfc 1.8.0, PyJWT 2.15.1 (PyPI).
# Why it matters: a published JWKS or a `cnf` claim works in every test and fails for the rare key. Rotating once more
#   makes it go away, so the cause is never found. Thumbprints bind tokens to keys (`cnf.jkt`, RFC 9449).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check Authlib==1.9.10 joserfc==1.8.0 PyJWT==2.15.1 cryptography==50.0.2

cat > export.py <<'PY'
import base64
import json
import warnings

warnings.simplefilter("ignore")
from authlib.jose import JsonWebKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

# The smallest private number whose public x begins with a zero byte: the same key in every run.
number = 1
while ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers().x >> 248:
    number += 1
pem = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
by_authlib = JsonWebKey.import_key(pem)
by_joserfc = ECKey.import_key(pem)
for name, exported, thumbprint in (
    ("authlib", by_authlib.as_dict(), by_authlib.thumbprint()),
    ("joserfc", by_joserfc.as_dict(), by_joserfc.thumbprint()),
):
    with open(name + ".json", "w") as file:
        json.dump({member: exported[member] for member in ("kty", "crv", "x", "y")}, file)
    print(name, "x has", len(base64.urlsafe_b64decode(exported["x"] + "==")), "bytes, thumbprint", thumbprint)
PY
cat > import.py <<'PY'
import json

import jwt

for name in ("authlib", "joserfc"):
    try:
        jwt.PyJWK(json.load(open(name + ".json")))
        print(f"PyJWT: key exported by {name}: imported")
    except jwt.exceptions.InvalidKeyError as error:
        print(f"PyJWT: key exported by {name}: refused: {error}")
PY
{ timeout 60 venv/bin/python -W ignore export.py; timeout 60 venv/bin/python import.py; } 2>/dev/null | tee seen

changed=0
expect() { grep -qE "$1" seen || { echo "CHANGED: no line matches: $1"; changed=1; }; }
expect '^authlib x has 31 bytes'
expect '^joserfc x has 32 bytes'
expect '^PyJWT: key exported by authlib: refused'
expect '^PyJWT: key exported by joserfc: imported'
[ "$(sed -n 's/^.*thumbprint //p' seen | sort -u | wc -l)" = 2 ] || { echo 'CHANGED: the thumbprints agree'; changed=1; }
exit "$changed"
