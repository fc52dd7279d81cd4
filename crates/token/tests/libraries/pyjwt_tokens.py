"""Signs and verifies with PyJWT: pyjwt_tokens.py sign|verify, a JSON request on stdin."""

import json
import sys

import jwt
from jwt.algorithms import get_default_algorithms

request = json.load(sys.stdin)
alg = request["jwk"]["alg"]
key = get_default_algorithms()[alg].from_jwk(request["jwk"])
if sys.argv[1] == "sign":
    print(jwt.encode(request["claims"], key, algorithm=alg, headers=request["header"]))
else:
    claims = jwt.decode(request["token"], key, algorithms=[alg], options={"verify_aud": False})
    print(json.dumps(claims))
