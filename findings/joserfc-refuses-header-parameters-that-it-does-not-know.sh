#!/usr/bin/env bash
# joserfc refuses a token whose header has a parameter that it does not know.
#
# Expected: RFC 7515, section 4: header parameters that are not understood and not listed in `crit` MUST be ignored.
# Seen: jwt.decode raises UnsupportedHeaderError, "Unsupported {'iss'} in header", for a claim repeated in the header
#   and for a private parameter alike. PyJWT, jwcrypto and jose verify both tokens. joserfc does so as well if the
#   caller passes a JWSRegistry with strict_check_header=False.
# Versions: joserfc 1.8.0, PyJWT 2.15.1, jwcrypto 1.6.1, cryptography 50.0.2 (PyPI), jose 6.2.18 (npm).
# Why it matters: an issuer may add a parameter on any day, since verifiers are bound to ignore it. Services that verify
#   with joserfc then refuse all of its tokens, while the others notice nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check joserfc==1.8.0 PyJWT==2.15.1 jwcrypto==1.6.1 cryptography==50.0.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund jose@6.2.18

cat > check.py <<'PY'
import jwt as pyjwt
from joserfc import jwk, jws, jwt
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

private = jwk.ECKey.generate_key("P-256")
public = jwk.ECKey.import_key(private.as_dict(private=False))
with open("public.json", "w") as file:
    file.write(JWK.from_pem(public.as_pem()).export_public())
lenient = jws.JWSRegistry(strict_check_header=False)
verifiers = {
    "PyJWT": lambda token: pyjwt.decode(token, public.as_pem(), ["ES256"]),
    "jwcrypto": lambda token: JWT(jwt=token, key=JWK.from_pem(public.as_pem()), algs=["ES256"]),
    "joserfc": lambda token: jwt.decode(token, public),
    "joserfc without strict_check_header": lambda token: jwt.decode(token, public, registry=lenient),
}
for name, parameters in (("none", {}), ("iss", {"iss": "https://issuer.example"}), ("zone", {"zone": "north"})):
    token = pyjwt.encode({"iss": "https://issuer.example", "sub": "alice"}, private.as_pem(private=True), "ES256", parameters)
    with open(f"{name}.jwt", "w") as file:
        file.write(token)
    for verifier, verify in verifiers.items():
        try:
            verify(token)
            outcome = "verified"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        print(f"further parameter {name}: {verifier}: {outcome}")
PY
cat > check.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { importJWK, jwtVerify } from 'jose';

const key = await importJWK(JSON.parse(readFileSync('public.json', 'utf8')), 'ES256');
for (const name of ['none', 'iss', 'zone']) {
  const outcome = await jwtVerify(readFileSync(`${name}.jwt`, 'utf8'), key).then(() => 'verified', (error) => error.message);
  console.log(`further parameter ${name}: jose: ${outcome}`);
}
JS
{ timeout 60 venv/bin/python -W ignore check.py; timeout 60 node check.mjs; } | tee seen
{
  for name in none iss zone; do
    for verifier in PyJWT jwcrypto joserfc 'joserfc without strict_check_header'; do
      outcome=verified
      [[ $verifier != joserfc || $name == none ]] || outcome="UnsupportedHeaderError: unsupported_header: Unsupported {'$name'} in header"
      echo "further parameter $name: $verifier: $outcome"
    done
  done
  for name in none iss zone; do echo "further parameter $name: jose: verified"; done
} > expected
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
