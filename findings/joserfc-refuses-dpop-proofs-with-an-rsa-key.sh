#!/usr/bin/env bash
# joserfc refuses a DPoP proof that is signed with RSA: its header is longer than 512 bytes.
#
# Expected: RFC 9449, section 4.2: the header of a DPoP proof carries the public key as `jwk`; RSA is among the
#   algorithms that section 5.1 lets a server announce. RFC 7515 sets no limit for headers.
# Seen: joserfc's jwt.decode raises ExceededSizeError, "Header size exceeds 512 bytes.", for a key of 2048 bits and
#   above. The same proof with an EC key is verified; PyJWT verifies both. joserfc signs such a proof without a word.
# Versions: joserfc 1.8.0, PyJWT 2.15.1 (PyPI).
# Why it matters: clients whose keys live in older TPMs and smart cards have RSA keys. They can make proofs that the
#   same library on the server refuses.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check joserfc==1.8.0 PyJWT==2.15.1 cryptography==50.0.2

cat > check.py <<'PY'
import time
import uuid

import jwt as pyjwt
from joserfc import jwk, jwt

for name, algorithm, key in (
    ("EC P-256", "ES256", jwk.ECKey.generate_key("P-256")),
    ("RSA 2048", "RS256", jwk.RSAKey.generate_key(2048)),
):
    public = key.as_dict(private=False)
    members = {member: public[member] for member in ("kty", "crv", "x", "y", "n", "e") if member in public}
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": members}
    claims = {"jti": str(uuid.uuid4()), "htm": "POST", "htu": "https://server.example/token", "iat": int(time.time())}
    proof = jwt.encode(header, claims, key)
    length = len(proof.split(".")[0])
    pyjwt.decode(proof, pyjwt.PyJWK(members | {"alg": algorithm}).key, [algorithm])
    try:
        jwt.decode(proof, key)
        outcome = "verified"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    print(f"{name}: PyJWT verified, joserfc {outcome}")
    print(f"  (length of the encoded header: {length})")
PY
timeout 60 venv/bin/python -W ignore check.py | tee seen

changed=0
expect() { grep -qE "$1" seen || { echo "CHANGED: no line matches: $1"; changed=1; }; }
expect '^EC P-256: PyJWT verified, joserfc verified$'
expect '^RSA 2048: PyJWT verified, joserfc ExceededSizeError: .*512 bytes'
exit "$changed"
