"""Only tokens of the issuer count, and only while they do."""

import time

import pytest

from tests.integration.notes.conftest import Service, occurrence
from tests.support.tokens import WORTHLESS
from tests.support.waiting import until

ADDRESS = "/api/notes/tickets/1001/occurrences"


async def test_a_token_that_does_not_count_is_401(service: Service, subtests: pytest.Subtests) -> None:
    for number, token in enumerate(WORTHLESS):
        with subtests.test(number=number):
            headers = {"Authorization": f"Bearer {token(service.issuer)}"}
            answer = await service.http.post(ADDRESS, json=occurrence(), headers=headers)
            assert answer.status_code == 401, answer.text
            assert answer.json()["type"].endswith("/unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_that_has_counted_ends_all_the_same(service: Service) -> None:
    leeway = 30
    token = service.issuer.token("carlos", exp=int(time.time()) - leeway + 2)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await service.http.post(ADDRESS, json=occurrence(), headers=headers)).status_code == 201

    async def refused() -> bool:
        return (await service.http.post(ADDRESS, json=occurrence(), headers=headers)).status_code == 401

    await until(refused, what="the token to have run out")


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
