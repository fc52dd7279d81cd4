#!/usr/bin/env bash
# One Ed25519 key in a JWKS, and node-jose loads none of its keys.
#
# Expected: RFC 7517, section 5: keys of a type that is not understood SHOULD be ignored. kty "OKP" is registered
#   since 2017 (RFC 8037), and this set has an RSA key beside it that node-jose can use.
# Seen: JWK.asKeyStore() rejects the whole set with "unsupported key type", without saying which key.
# Versions: node-jose 2.2.0, jsonwebtoken 9.0.3 with jwks-rsa 4.1.0 for comparison (npm).
# Why it matters: an issuer that moves from RS256 to EdDSA publishes both keys for a while. Services that verify with
#   node-jose refuse every token from the first minute, RS256 ones included.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-jose@2.2.0 jsonwebtoken@9.0.3 jwks-rsa@4.1.0

cat > check.cjs <<'JS'
const crypto = require('crypto');
const jsonwebtoken = require('jsonwebtoken');
const { JwksClient } = require('jwks-rsa');
const { JWK, JWS } = require('node-jose');

const pair = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsa = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'old', use: 'sig', alg: 'RS256' };
const ed25519 = { ...crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'new', use: 'sig',
  alg: 'EdDSA' };
const token = jsonwebtoken.sign({ sub: 'alice' }, pair.privateKey, { algorithm: 'RS256', keyid: 'old', expiresIn: 60 });

const byNodeJose = async (jwks) => JWS.createVerify(await JWK.asKeyStore(jwks)).verify(token);
const byJwksRsa = async (jwks) => {
  const key = await new JwksClient({ jwksUri: 'http://localhost/jwks', fetcher: async () => jwks }).getSigningKey('old');
  return jsonwebtoken.verify(token, key.getPublicKey(), { algorithms: ['RS256'] });
};
(async () => {
  for (const [name, verify] of [['node-jose', byNodeJose], ['jwks-rsa', byJwksRsa]]) {
    for (const keys of [[rsa], [rsa, ed25519]]) {
      const outcome = await verify({ keys }).then(() => 'verified', (error) => error.message);
      console.log(`${name} ${keys.map((key) => key.kty).join('+')}: ${outcome}`);
    }
  }
})();
JS
timeout 60 node check.cjs | tee seen
cat > expected <<'TEXT'
node-jose RSA: verified
node-jose RSA+OKP: unsupported key type
jwks-rsa RSA: verified
jwks-rsa RSA+OKP: verified
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
