#!/usr/bin/env bash
# python-jose takes a JWKS, but a key of another type that stands before the right one ends the verification.
#
# Expected: the docstring of jose.jwt.decode: the key can be "a dict with the 'keys' key that gives a tuple or list of
#   keys". RFC 7517, section 5: a set may hold keys of several types, and their order means nothing by default.
# Seen: keys are tried in order, `kid` is not looked at, and the first key whose `kty` does not fit the algorithm
#   raises "Incorrect key type" instead of being passed over. The same set in another order works.
# Versions: python-jose 3.5.0 (PyPI).
# Why it matters: issuers publish RSA and EC keys side by side while they change algorithms. Whether tokens verify
#   then depends on the order of a list that the issuer may change at any time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check 'python-jose[cryptography]==3.5.0' cryptography==50.0.2

cat > check.py <<'PY'
import time
import warnings

warnings.simplefilter("ignore")
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public(private, algorithm, kid):
    key = jwk.construct(private, algorithm).public_key().to_dict()
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in key.items()} | {"kid": kid}


rsa_pem = pem(rsa.generate_private_key(65537, 2048))
ec_pem = pem(ec.generate_private_key(ec.SECP256R1()))
rsa_key, ec_key = public(rsa_pem, "RS256", "rs"), public(ec_pem, "ES256", "es")
claims = {"sub": "alice", "exp": int(time.time()) + 60}
for algorithm, private, kid in (("RS256", rsa_pem, "rs"), ("ES256", ec_pem, "es")):
    token = jwt.encode(claims, private, algorithm, {"kid": kid})
    for keys in ([rsa_key, ec_key], [ec_key, rsa_key]):
        try:
            jwt.decode(token, {"keys": keys}, algorithms=[algorithm])
            outcome = "verified"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        print(f"{algorithm} token, keys {'+'.join(key['kty'] for key in keys)}: {outcome}")
PY
timeout 60 venv/bin/python -W ignore check.py 2>/dev/null | tee seen
cat > expected <<'TEXT'
RS256 token, keys RSA+EC: verified
RS256 token, keys EC+RSA: JWKError: Incorrect key type. Expected: 'RSA', Received: EC
ES256 token, keys RSA+EC: JWKError: Incorrect key type. Expected: 'EC', Received: RSA
ES256 token, keys EC+RSA: verified
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
