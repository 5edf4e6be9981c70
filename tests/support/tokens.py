"""Tokens that do not count, and how they are made."""

import base64
import hmac
import json
import time
from collections.abc import Callable

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.issuer import Issuer


def _of_another_issuer(issuer: Issuer) -> str:
    other = Issuer()
    other.url = issuer.url
    return other.token("carlos")


def _forged(issuer: Issuer) -> str:
    claims = {"iss": issuer.url, "aud": "relato", "sub": "carlos", "exp": int(time.time()) + 60}
    return jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, claims, ECKey.generate_key("P-256"))


def _confused(issuer: Issuer) -> str:
    """Signed symmetrically with what everybody can read: the public key."""
    _, body, _ = issuer.token("carlos").split(".")
    head = _encoded(json.dumps({"alg": "HS256", "kid": issuer.key.kid}).encode())
    signature = hmac.digest(issuer.key.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{_encoded(signature)}"


def _unsigned(issuer: Issuer) -> str:
    body = issuer.token("carlos").split(".")[1]
    return f"{_encoded(json.dumps({'alg': 'none'}).encode())}.{body}."


def _carrying_its_own_key(issuer: Issuer) -> str:
    key = ECKey.generate_key("P-256")
    claims = {"iss": issuer.url, "aud": "relato", "sub": "carlos", "exp": int(time.time()) + 60}
    return jwt.encode({"alg": "ES256", "jwk": key.as_dict(private=False)}, claims, key)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


WORTHLESS: tuple[Callable[[Issuer], str], ...] = (
    lambda issuer: "nonsense",
    lambda issuer: "a.b.c",
    lambda issuer: "x" * 20_000,
    _of_another_issuer,
    _forged,
    _confused,
    _unsigned,
    _carrying_its_own_key,
    lambda issuer: issuer.token("carlos")[:-4] + "AAAA",
    lambda issuer: issuer.token("carlos", exp=int(time.time()) - 120),
    lambda issuer: issuer.token("carlos", exp="never"),
    lambda issuer: issuer.token("carlos", nbf=int(time.time()) + 600),
    lambda issuer: issuer.token("carlos", iat=int(time.time()) + 600),
    lambda issuer: issuer.token("carlos", aud="another"),
    lambda issuer: issuer.token("carlos", aud=None),
    lambda issuer: issuer.token("carlos", iss="http://127.0.0.1/other"),
    lambda issuer: issuer.token("carlos' OR 1=1"),
    lambda issuer: issuer.token("carlos", sub=["carlos"]),
    lambda issuer: issuer.token("carlos", sub=None),
)
"""Each makes one that an issuer's services have to refuse."""
