"""What `relato status` makes of an installation elsewhere, of which it sees what its processes answer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from pydantic import SecretStr
from relato.commands import afar
from relato.errors import StackError
from relato.reach import Given, Reach
from relato.stack.home import Home

from tests.support.serving import serving


def lag(consumer: str, topic: str, value: float | None) -> dict[str, Any]:
    labels = {"consumer": consumer, "topic": topic, "partition": "0"}
    return {"name": "relato_consumer_lag", "labels": labels, "value": value}


def outbox(pending: float | None) -> dict[str, Any]:
    return {"name": "relato_outbox_pending", "labels": {}, "value": pending}


def mails(state: str, value: float) -> dict[str, Any]:
    return {"name": "relato_mails", "labels": {"state": state}, "value": value}


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "notes": [
        {"instance": "a", "missing": {}, "remarks": {}, "samples": [outbox(None)]},
        {"instance": "b", "missing": {"relay": "Kafka is away"}, "remarks": {}, "samples": [outbox(7)]},
    ],
    "notifier": [
        {
            "instance": "c", "missing": {}, "remarks": {"sending": "stopped"},
            "samples": [mails("uncertain", 2), mails("dead", 0)],
        },
    ],
    "history-projector": [
        {
            "instance": name, "missing": {}, "remarks": {},
            "samples": [lag("history/1", "v2.relato.notes", 3), lag("history/1", "v2.itsm.tickets", None)],
        }
        for name in ("d", "e")
    ],
}  # fmt: skip
"""What processes of each service answer in turn; the portal does not."""


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Reach]:
    app, asked = FastAPI(), dict.fromkeys(ANSWERS, 0)

    @app.get("/api/operate/services/{name}")
    async def service(name: str) -> dict[str, Any]:
        if name not in ANSWERS:
            raise HTTPException(502)
        asked[name] += 1
        return ANSWERS[name][asked[name] % len(ANSWERS[name])]

    @app.get("/api/operate/projections")
    async def projections() -> dict[str, Any]:
        return {"items": [{"generation": 1, "behind": None}]}

    async with serving(app) as address:
        yield Reach(Given(public_url=address, token=SecretStr("t")), Home(tmp_path), None)


async def test_processes_of_a_service_are_told_apart_and_their_partitions_added_up(elsewhere: Reach) -> None:
    status = await afar.ask(elsewhere)
    assert [(each["name"], each["ready"], each["why"]) for each in status["services"]] == [
        ("notes", True, None),
        ("notes-2", False, "relay: Kafka is away"),
        ("notifier", True, None),
        ("history-projector", True, None),
        ("history-projector-2", True, None),
        ("portal-query", False, "Bad Gateway"),
    ]
    assert status["services"][2]["remarks"] == {"sending": "stopped"}
    assert status["consumers"] == [{"group": "v2.relato.history/1", "topic": "v2.relato.notes", "lag": 6}]
    assert status["outbox"] == {"pending": 7, "oldest_seconds": None}
    assert (status["waiting"]["mails_uncertain"], status["waiting"]["mails_given_up"]) == (2, 0)
    assert (status["kafka"]["answers"], status["postgres"]["answers"]) == (False, True)


async def test_where_nothing_answers_it_says_so(tmp_path: Path) -> None:
    nowhere = Reach(Given(public_url="http://127.0.0.1:9", token=SecretStr("t")), Home(tmp_path), None)
    with pytest.raises(StackError, match="does not answer"):
        await afar.ask(nowhere)
