#!/usr/bin/env bash
# An Ed25519 key whose `alg` is "Ed25519": PyJWT says that its JWKS has no usable key and that cryptography may be
# missing.
#
# Expected: RFC 9864 registers "Ed25519" as the full name of what was signed as "EdDSA" before; key and signature are
#   the same. RFC 7517, section 4.4: `alg` is optional, and the key's `kty` and `crv` say what it is.
# Seen: of PyJWT's PyJWKSet, jwcrypto, joserfc and jose the first refuses the set: "The JWK Set did not contain any
#   usable keys. Perhaps 'cryptography' is not installed?", with cryptography installed. Without `alg`, the token of the
#   new name fails in PyJWT, since the key counts as one for EdDSA. fast-jwt and golang-jwt know only the old name; so
#   does go-jose, which reports "error in cryptographic primitive" although the caller lists the name as allowed.
# Versions: PyJWT 2.15.1, cryptography 50.0.2, jwcrypto 1.6.1, joserfc 1.8.0 (PyPI), jose 6.2.18, fast-jwt 6.3.6 (npm),
#   github.com/golang-jwt/jwt/v5 5.3.1, github.com/go-jose/go-jose/v4 4.1.9 (Go).
# Why it matters: an issuer whose library follows the RFC changes the name with an update. Four of the seven here refuse
#   every token then, and two of the messages send one to look for a broken installation or a broken signature.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyJWT==2.15.1 cryptography==50.0.2 jwcrypto==1.6.1 joserfc==1.8.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund jose@6.2.18 fast-jwt@6.3.6
export GOMODCACHE="$work/mod" GOFLAGS="-modcacherw -trimpath"
go mod init example >/dev/null 2>&1
go get github.com/golang-jwt/jwt/v5@v5.3.1 github.com/go-jose/go-jose/v4@v4.1.9 >/dev/null 2>&1

cat > issue.mjs <<'JS'
// Writes the same key twice, with and without its name, and a token for each name.
import { writeFileSync } from 'node:fs';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true });
const key = { ...await exportJWK(publicKey), kid: '2026-11', use: 'sig' };
for (const alg of ['EdDSA', 'Ed25519']) {
  const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg, kid: '2026-11' }).sign(privateKey);
  writeFileSync(`${alg}.jwt`, token);
  writeFileSync(`${alg}.json`, JSON.stringify({ keys: [{ ...key, alg }] }));
}
writeFileSync('no alg.json', JSON.stringify({ keys: [key] }));
JS
cat > check.py <<'PY'
import json

import jwt as pyjwt
from joserfc import jwk, jwt
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

both = ["EdDSA", "Ed25519"]
verifiers = {
    "PyJWT": lambda token, jwks: pyjwt.decode(token, pyjwt.PyJWKSet.from_json(jwks)["2026-11"], both),
    "jwcrypto": lambda token, jwks: JWT(jwt=token, key=JWKSet.from_json(jwks), algs=both),
    "joserfc": lambda token, jwks: jwt.decode(token, jwk.KeySet.import_key_set(json.loads(jwks)), algorithms=both),
}
for alg, keys in (("EdDSA", "EdDSA"), ("Ed25519", "Ed25519"), ("Ed25519", "no alg")):
    for name, verify in verifiers.items():
        try:
            verify(open(f"{alg}.jwt").read(), open(f"{keys}.json").read())
            outcome = "verified"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        print(f"token {alg}, key {keys}: {name}: {outcome}")
PY
cat > check.mjs <<'JS'
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createVerifier } from 'fast-jwt';
import { createLocalJWKSet, jwtVerify } from 'jose';

for (const [alg, keys] of [['EdDSA', 'EdDSA'], ['Ed25519', 'Ed25519'], ['Ed25519', 'no alg']]) {
  const token = readFileSync(`${alg}.jwt`, 'utf8');
  const jwks = JSON.parse(readFileSync(`${keys}.json`, 'utf8'));
  const pem = createPublicKey({ key: jwks.keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const verifiers = {
    jose: () => jwtVerify(token, createLocalJWKSet(jwks)),
    'fast-jwt': async () => createVerifier({ key: pem })(token),
  };
  for (const [name, verify] of Object.entries(verifiers)) {
    const outcome = await verify().then(() => 'verified', (error) => error.message);
    console.log(`token ${alg}, key ${keys}: ${name}: ${outcome}`);
  }
}
JS
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func outcome(err error) string {
	if err == nil {
		return "verified"
	}
	return err.Error()
}

func main() {
	for _, alg := range []string{"EdDSA", "Ed25519"} {
		token := string(must(os.ReadFile(alg + ".jwt")))
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(must(os.ReadFile(alg+".json")), &set); err != nil {
			panic(err)
		}
		key := set.Keys[0].Key
		_, byGolang := jwt.Parse(token, func(*jwt.Token) (any, error) { return key, nil })
		signed := must(jose.ParseSigned(token, []jose.SignatureAlgorithm{"EdDSA", "Ed25519"}))
		_, byGoJose := signed.Verify(set)
		fmt.Printf("token %s, key %s: golang-jwt: %s\n", alg, alg, outcome(byGolang))
		fmt.Printf("token %s, key %s: go-jose: %s\n", alg, alg, outcome(byGoJose))
	}
}
GO
node issue.mjs
go mod tidy >/dev/null 2>&1
{ timeout 60 venv/bin/python -W ignore check.py; timeout 60 node check.mjs; timeout 240 go run .; } | tee seen
cat > expected <<'TEXT'
token EdDSA, key EdDSA: PyJWT: verified
token EdDSA, key EdDSA: jwcrypto: verified
token EdDSA, key EdDSA: joserfc: verified
token Ed25519, key Ed25519: PyJWT: PyJWKSetError: The JWK Set did not contain any usable keys. Perhaps 'cryptography' is not installed?
token Ed25519, key Ed25519: jwcrypto: verified
token Ed25519, key Ed25519: joserfc: verified
token Ed25519, key no alg: PyJWT: InvalidAlgorithmError: Token algorithm 'Ed25519' does not match the key's algorithm 'EdDSA'
token Ed25519, key no alg: jwcrypto: verified
token Ed25519, key no alg: joserfc: verified
token EdDSA, key EdDSA: jose: verified
token EdDSA, key EdDSA: fast-jwt: verified
token Ed25519, key Ed25519: jose: verified
token Ed25519, key Ed25519: fast-jwt: The token algorithm is invalid.
token Ed25519, key no alg: jose: verified
token Ed25519, key no alg: fast-jwt: The token algorithm is invalid.
token EdDSA, key EdDSA: golang-jwt: verified
token EdDSA, key EdDSA: go-jose: verified
token Ed25519, key Ed25519: golang-jwt: token is unverifiable: signing method (alg) is unavailable
token Ed25519, key Ed25519: go-jose: go-jose/go-jose: error in cryptographic primitive
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
