#!/usr/bin/env bash
# One key of an unknown type in a JWKS: Authlib and jwskate can no longer use any key of the set.
#
# Expected: RFC 7517, section 5: "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" (key type) values
#   that are not understood by them". PyJWT, joserfc and jwcrypto do.
# Seen: with an ML-DSA key (kty AKP) beside an ES256 key Authlib raises a bare KeyError('AKP') and jwskate InvalidJwk
#   while they load the set, so a token signed with the ES256 key cannot be verified.
# Versions: Authlib 1.9.10, jwskate 0.12.2, PyJWT 2.15.1, joserfc 1.8.0, jwcrypto 1.6.1 (PyPI).
# Why it matters: post-quantum keys are published ahead of their use. The day an issuer adds the first one, verifiers
#   with these libraries refuse every token, among them all that were signed with the old key.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check Authlib==1.9.10 jwskate==0.12.2 PyJWT==2.15.1 joserfc==1.8.0 jwcrypto==1.6.1 cryptography==50.0.2

cat > check.py <<'PY'
import json
import os
import time
import warnings

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import ec

warnings.simplefilter("ignore")
key = ec.generate_private_key(ec.SECP256R1())
known = pyjwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "es", "use": "sig", "alg": "ES256"}
pub = pyjwt.utils.base64url_encode(os.urandom(1952)).decode()  # as long as an ML-DSA-65 key
unknown = {"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "use": "sig", "pub": pub}
token = pyjwt.encode({"sub": "alice", "exp": int(time.time()) + 60}, key, "ES256", {"kid": "es"})


def with_pyjwt(jwks):
    pyjwt.decode(token, pyjwt.PyJWKSet.from_dict(jwks)["es"].key, ["ES256"])


def with_joserfc(jwks):
    from joserfc import jwk, jwt
    jwt.decode(token, jwk.KeySet.import_key_set(jwks), ["ES256"])


def with_jwcrypto(jwks):
    from jwcrypto import jwk, jwt
    jwt.JWT(jwt=token, key=jwk.JWKSet.from_json(json.dumps(jwks)), algs=["ES256"])


def with_authlib(jwks):
    from authlib.jose import JsonWebKey, JsonWebToken
    JsonWebToken(["ES256"]).decode(token, JsonWebKey.import_key_set(jwks))


def with_jwskate(jwks):
    from jwskate import JwkSet, SignedJwt
    assert SignedJwt(token).verify_signature(JwkSet(jwks), algs=["ES256"])


for name in ("pyjwt", "joserfc", "jwcrypto", "authlib", "jwskate"):
    for keys in ([known], [known, unknown]):
        try:
            globals()["with_" + name]({"keys": keys})
            outcome = "verified"
        except Exception as error:
            outcome = type(error).__name__
        print(name, "+".join(entry["kty"] for entry in keys), outcome)
PY
timeout 60 venv/bin/python -W ignore check.py 2>/dev/null | tee seen
cat > expected <<'TEXT'
pyjwt EC verified
pyjwt EC+AKP verified
joserfc EC verified
joserfc EC+AKP verified
jwcrypto EC verified
jwcrypto EC+AKP verified
authlib EC verified
authlib EC+AKP KeyError
jwskate EC verified
jwskate EC+AKP InvalidJwk
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
