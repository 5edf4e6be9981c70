"""The local issuer: a person is chosen on a page, and the portal gets tokens by OpenID Connect with PKCE."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import SecretStr, ValidationError
from relato.issuer.app import create_app
from relato.issuer.settings import IssuerSettings
from relato.stack.home import Home

ORIGIN = "http://127.0.0.1:8080"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
ASKED = {
    "client_id": "relato-portal",
    "redirect_uri": f"{ORIGIN}/callback",
    "response_type": "code",
    "scope": "openid profile",
    "state": "state-1",
    "nonce": "nonce-1",
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .decode()
    .rstrip("="),
    "code_challenge_method": "S256",
}
EXCHANGE = {"grant_type": "authorization_code", "redirect_uri": ASKED["redirect_uri"]}
CLIENT = ("relato-portal", "its-secret")


def _settings(home: Path, database_url: str, host: str = "127.0.0.1") -> IssuerSettings:
    return IssuerSettings(
        home=home,
        http_host=host,
        http_port=0,
        public_url=ORIGIN,
        oidc_issuer=f"{ORIGIN}/issuer",
        oidc_client_id=CLIENT[0],
        oidc_client_secret=SecretStr(CLIENT[1]),
        admin_database_url=SecretStr(database_url),
    )


@pytest.fixture
async def issuer(
    directory: Path, database: Callable[..., Awaitable[str]]
) -> AsyncIterator[httpx.AsyncClient]:
    """An issuer that knows Ana, Davi and someone who left."""
    Home(directory).create()
    url = await database("history_projector")
    connection = await asyncpg.connect(url)
    await connection.executemany(
        "INSERT INTO reference.people (person_id, name, language, time_zone, active)"
        " VALUES ($1, $2, 'pt-BR', 'America/Sao_Paulo', $3)",
        [("ana", "Ana Moreira", True), ("davi", "Davi Sampaio", True), ("gil", "Gil Rocha", False)],
    )
    await connection.close()
    transport = httpx.ASGITransport(create_app(_settings(directory, url)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def _code(issuer: httpx.AsyncClient, person: str) -> str:
    answer = await issuer.post("/authorize", data={**ASKED, "person_id": person})
    assert answer.status_code == 303
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["state-1"]
    return query["code"][0]


async def test_the_page_offers_who_is_active_by_name(issuer: httpx.AsyncClient) -> None:
    page = await issuer.get("/authorize", params=ASKED)
    assert re.findall(r'value="(\w+)">([^<]+)<span>', page.text) == [
        ("ana", "Ana Moreira"),
        ("davi", "Davi Sampaio"),
    ]


async def test_the_tokens_speak_of_the_chosen_person(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post(
        "/token",
        data={**EXCHANGE, "code": await _code(issuer, "davi"), "code_verifier": VERIFIER},
        auth=CLIENT,
    )
    assert answer.status_code == 200
    keys = KeySet.import_key_set((await issuer.get("/jwks")).json())
    access = jwt.decode(answer.json()["access_token"], keys, algorithms=["RS256"]).claims
    identity = jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256"]).claims
    assert access["sub"] == identity["sub"] == "davi"
    assert (access["aud"], access["roles"], access["name"]) == ("relato", ["administrator"], "Davi Sampaio")
    assert (identity["aud"], identity["nonce"]) == ("relato-portal", "nonce-1")
    assert access["exp"] > access["iat"]


async def test_a_code_counts_once_and_with_its_verifier_alone(issuer: httpx.AsyncClient) -> None:
    code = await _code(issuer, "ana")
    for verifier in ("another-verifier", VERIFIER):
        answer = await issuer.post(
            "/token", data={**EXCHANGE, "code": code, "code_verifier": verifier}, auth=CLIENT
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_who_is_not_the_client_gets_nothing(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post("/token", data=EXCHANGE, auth=("relato-portal", "guessed"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_codes_go_to_the_registered_address_alone(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.get("/authorize", params={**ASKED, "redirect_uri": "http://127.0.0.1:1/callback"})
    assert answer.status_code == 400


@pytest.mark.parametrize("change", [{"code_challenge_method": "plain"}, {"code_challenge": ""}])
async def test_nobody_comes_in_without_pkce(issuer: httpx.AsyncClient, change: dict[str, str]) -> None:
    answer = await issuer.get("/authorize", params={**ASKED, **change})
    assert "error=invalid_request" in answer.headers["location"]


async def test_who_left_cannot_be_chosen(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post("/authorize", data={**ASKED, "person_id": "gil"})
    assert "error=access_denied" in answer.headers["location"]


async def test_its_key_is_for_its_owner_alone(issuer: httpx.AsyncClient, directory: Path) -> None:
    assert (directory / "secrets" / "issuer-key.json").stat().st_mode & 0o777 == 0o600
    (public,) = (await issuer.get("/jwks")).json()["keys"]
    assert "d" not in public


async def test_it_answers_to_loopback_names_alone(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.get("/jwks", headers={"Host": "evil.example"})
    assert answer.status_code == 400


async def test_it_refuses_to_serve_anything_but_loopback(directory: Path) -> None:
    with pytest.raises(ValidationError, match="loopback"):
        _settings(directory, "postgresql:///unused", host="0.0.0.0")
