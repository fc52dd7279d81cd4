#!/usr/bin/env bash
# Hono's JWT helper refuses RFC 9068 access tokens, whose header says `typ: at+jwt`.
#
# Expected: RFC 9068, section 2.1: JWT access tokens "MUST include this media type in the "typ" header parameter", as
#   "at+jwt" or "application/at+jwt". RFC 8725, section 3.11, recommends explicit types in general.
# Seen: hono/jwt's verify() throws JwtHeaderInvalid for any `typ` other than "JWT". A token without `typ` passes. There
#   is no option for it. npm's jose verifies all three.
# Versions: hono 4.13.19, jose 6.2.18 (npm).
# Why it matters: the issuers that follow the standard for access tokens are the ones whose tokens cannot be used. The
#   error prints the header and not the member it dislikes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund hono@4.13.19 jose@6.2.18

cat > check.mjs <<'JS'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { verify } from 'hono/jwt';

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
for (const typ of ['JWT', undefined, 'at+jwt']) {
  const header = { alg: 'ES256', ...(typ && { typ }) };
  const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader(header).setExpirationTime('1m').sign(privateKey);
  const byJose = await jwtVerify(token, publicKey).then(() => 'verified', (error) => error.name);
  const byHono = await verify(token, publicKey, 'ES256').then(() => 'verified', (error) => error.name);
  console.log(`typ ${typ ?? '(none)'}: jose ${byJose}, hono ${byHono}`);
}
JS
timeout 60 node --no-warnings check.mjs | tee seen
cat > expected <<'TEXT'
typ JWT: jose verified, hono verified
typ (none): jose verified, hono verified
typ at+jwt: jose verified, hono JwtHeaderInvalid
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
