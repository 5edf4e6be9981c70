"""Only tokens of the issuer count, and only while they do."""

import base64
import hmac
import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.integration.notes.conftest import Service, occurrence
from tests.support.issuer import Issuer

ADDRESS = "/api/notes/tickets/1001/occurrences"


def _forged(issuer: Issuer) -> str:
    other = Issuer()
    other.url = issuer.url
    return other.token("carlos")


def _forged_with_known_key_id(issuer: Issuer) -> str:
    claims = {"iss": issuer.url, "aud": "relato", "sub": "carlos", "exp": int(time.time()) + 60}
    return jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, claims, ECKey.generate_key("P-256"))


def _confused(issuer: Issuer) -> str:
    """Signed symmetrically with what everybody can read: the public key."""
    _, body, _ = issuer.token("carlos").split(".")
    head = _encoded(json.dumps({"alg": "HS256", "kid": issuer.key.kid}).encode())
    signature = hmac.digest(issuer.key.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{_encoded(signature)}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unsigned(issuer: Issuer) -> str:
    _head, body, _ = issuer.token("carlos").split(".")
    return f"eyJhbGciOiJub25lIn0.{body}."


@pytest.mark.parametrize(
    "token",
    [
        lambda issuer: "nonsense",
        lambda issuer: "a.b.c",
        lambda issuer: "x" * 20_000,
        _forged,
        _forged_with_known_key_id,
        _confused,
        _unsigned,
        lambda issuer: issuer.token("carlos")[:-4] + "AAAA",
        lambda issuer: issuer.token("carlos", exp=int(time.time()) - 120),
        lambda issuer: issuer.token("carlos", aud="another"),
        lambda issuer: issuer.token("carlos", iss="http://127.0.0.1/other"),
        lambda issuer: issuer.token("carlos", nbf=int(time.time()) + 600),
        lambda issuer: issuer.token("carlos' OR 1=1"),
    ],
)
async def test_a_token_that_does_not_count_is_401(service: Service, token: object) -> None:
    assert callable(token)
    headers = {"Authorization": f"Bearer {token(service.issuer)}"}
    answer = await service.http.post(ADDRESS, json=occurrence(), headers=headers)
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"].endswith("/unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_without_a_token_it_is_401(service: Service) -> None:
    answer = await service.http.post(ADDRESS, json=occurrence())
    assert answer.status_code == 401


async def test_too_large_a_body_is_413_and_another_type_415(service: Service) -> None:
    carlos = service.issuer.bearer("carlos")
    large = await service.http.post(ADDRESS, content=b"x" * 1_100_000, headers=carlos)
    assert (large.status_code, large.json()["type"].rpartition("/")[2]) == (413, "too-large")

    async def chunks() -> object:
        for _ in range(30):
            yield b"x" * 50_000

    streamed = await service.http.post(ADDRESS, content=chunks(), headers=carlos)  # type: ignore[arg-type]  # an async generator
    assert streamed.status_code == 413
    form = await service.http.post(ADDRESS, data={"a": "b"}, headers=carlos)
    assert form.status_code == 415
