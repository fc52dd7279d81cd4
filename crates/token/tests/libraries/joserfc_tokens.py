"""Signs and verifies with joserfc: joserfc_tokens.py sign|verify, a JSON request on stdin."""

import json
import sys

from joserfc import jwk, jwt

request = json.load(sys.stdin)
alg = request["jwk"]["alg"]
key = jwk.import_key(request["jwk"])
if sys.argv[1] == "sign":
    print(jwt.encode(request["header"], request["claims"], key, algorithms=[alg]))
else:
    token = jwt.decode(request["token"], key, algorithms=[alg])
    jwt.JWTClaimsRegistry().validate(token.claims)
    print(json.dumps(token.claims))
