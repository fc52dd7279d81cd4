"""Mints tokens as the services do that Hallpass takes over from, and prints them as JSON."""

import json
import sys
from datetime import datetime, timedelta, timezone

import jwt

services, clients = sys.argv[1:3]
now = datetime.now(timezone.utc).replace(microsecond=0)


def hybrid(secret=services, **changes):
    claims = {
        "sub": "1",
        "service": "platform",
        "scopes": ["labeler:read"],
        "type": "service",
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "nbf": now,
    }
    return jwt.encode({**claims, **changes}, secret, algorithm="HS256")


def background(**changes):
    claims = {
        "sub": None,
        "service": "platform-training",
        "type": "background",
        "exp": now + timedelta(hours=1),
    }
    return hybrid(**{**claims, **changes})


def client(headers=None, **changes):
    return jwt.encode({"sub": "client", "iat": now, **changes}, clients, "HS256", headers)


ago = now - timedelta(hours=1)
print(
    json.dumps(
        {
            "now": int(now.timestamp()),
            "service": hybrid(),
            "background": background(),
            "job": background(job_id=123),
            "job-text": background(job_id="job-7"),
            "client": client(),
            "client-week": client(exp=now + timedelta(days=7)),
            "named": client(headers={"kid": "clients"}),
            "expired": hybrid(iat=ago, nbf=ago, exp=ago + timedelta(minutes=5)),
            "other-secret": hybrid(secret="another secret of more than 32 bytes"),
            "none": jwt.encode({"sub": "client", "iat": now}, None, algorithm="none"),
            "float": hybrid(exp=now.timestamp() + 60.5),
            "wide": hybrid(scopes=["labeler:read", "labeler:admin"]),
        }
    )
)
