#!/usr/bin/env bash
# jsrsasign accepts a token for two services only where both audiences are listed as acceptable.
#
# Expected: RFC 7519, section 4.1.3: a principal must reject the token "if the principal processing the claim does not
#   identify itself with a value in the "aud" claim": one value that fits is enough.
# Seen: KJUR.jws.JWS.verifyJWT requires that all values of the token's array are in the accepted list. A token for
#   ["labeler", "platform"] is refused by the labeler. jsonwebtoken accepts it.
# Versions: jsrsasign 11.1.5, jsonwebtoken 9.0.3 (npm).
# Why it matters: a token for several services verifies nowhere, and the obvious remedy, to list the other service as
#   acceptable, makes each service take tokens that were meant for the other one alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm init -y >/dev/null
npm install --silent --no-audit --no-fund jsrsasign@11.1.5 jsonwebtoken@9.0.3

cat > check.cjs <<'JS'
const jsonwebtoken = require('jsonwebtoken');
const { KJUR } = require('jsrsasign');

const secret = '0123456789abcdef0123456789abcdef';
for (const aud of ['labeler', ['labeler'], ['labeler', 'platform']]) {
  const token = jsonwebtoken.sign({ sub: 'alice', aud }, secret, { expiresIn: 60 });
  const byJsrsasign = KJUR.jws.JWS.verifyJWT(token, { utf8: secret }, { alg: ['HS256'], aud: ['labeler'] });
  let byJsonwebtoken = true;
  try { jsonwebtoken.verify(token, secret, { audience: ['labeler'] }); } catch { byJsonwebtoken = false; }
  console.log(`aud ${JSON.stringify(aud)}, accepted ["labeler"]: jsrsasign ${byJsrsasign}, jsonwebtoken ${byJsonwebtoken}`);
}
JS
timeout 60 node check.cjs | tee seen
cat > expected <<'TEXT'
aud "labeler", accepted ["labeler"]: jsrsasign true, jsonwebtoken true
aud ["labeler"], accepted ["labeler"]: jsrsasign true, jsonwebtoken true
aud ["labeler","platform"], accepted ["labeler"]: jsrsasign false, jsonwebtoken true
TEXT
diff expected seen > difference || { echo 'CHANGED (< expected, > seen):'; cat difference; exit 1; }
