"""A person is erased from a running stack: not one byte of theirs is left on its disk, and the ticket is."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from relato.stack import databases, state
from relato.stack.home import Home

from tests.support.journey import GROUP
from tests.support.raw import traces
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

PERSON, TICKET = "p-40817", "7001"
NAME, ADDRESS = "Quitéria Vasconcelos", "quiteria.vasconcelos@exemplo.example"
WRITTEN = {
    "title": "Bilhete xerografado da Quitéria",
    "description": "descrição solfejada do pedido",
    "note": "ocorrência marmorizada dela",
    "to her": "resposta acolchoada para ela",
    "solution": "solução envernizada para ela",
    "reason": "motivo pespontado da correção",
    "chat": "conversa alinhavada com ela",
    "draft": "rascunho guilhochado dela",
    "long": "parágrafo bordado " + "muito comprido " * 400 + "até o fim chuleado",
}
SHORT = [text for name, text in WRITTEN.items() if name != "long"] + ["parágrafo bordado", "fim chuleado"]
WORDS = [NAME, ADDRESS, *SHORT]


@pytest.fixture
async def own() -> AsyncIterator[Stack]:
    """A stack of this test's own: what lies on its disk is to be searched."""
    async with running_stack() as running:
        yield running


async def _live(own: Stack) -> None:
    """Somebody asks for something, and both sides write, in all the ways that there are."""
    person = {"person_id": PERSON, "name": NAME, "email": ADDRESS, "language": "pt-BR"}
    await own.save("people", PERSON, person | {"time_zone": "America/Sao_Paulo", "active": True})
    ticket = {"ticket_id": TICKET, "title": WRITTEN["title"], "status": "in-progress", "requester_id": PERSON}
    ticket |= {"group_id": GROUP, "responsible_id": "carlos", "opened_at": "2026-11-20T09:00:00-03:00"}
    await own.save("tickets", TICKET, ticket | {"description": WRITTEN["description"]})
    await own.level()
    note = {"occurred_at": datetime.now(UTC).isoformat(), "channel": "portal"}
    await _done(own, PERSON, "occurrences", note | {"description_html": f"<p>{WRITTEN['note']}</p>"})
    told = note | {"channel": "execution", "visible_to_requester": True, "notify_by_email": True}
    texts = {
        "description_html": f"<p>{WRITTEN['to her']}</p>",
        "solution_html": f"<p>{WRITTEN['solution']}</p>",
    }
    answer = await _done(own, "carlos", "occurrences", told | texts | {"time_spent_minutes": 35})
    await _done(
        own,
        "carlos",
        f"occurrences/{answer['occurrence_id']}/corrections",
        {"description_html": f"<p>{WRITTEN['long']}</p>", "reason": WRITTEN["reason"]},
    )
    await _done(own, "carlos", "chat", {"text": WRITTEN["chat"]})
    await _done(own, PERSON, "messages", {"text_html": f"<p>{WRITTEN['note']}</p>"})
    await own.http.put(
        f"/api/notes/tickets/{TICKET}/drafts/message",
        json={"text_html": f"<p>{WRITTEN['draft']}</p>"},
        headers=await own.bearer(PERSON),
    )
    await own.level()

    async def mailed() -> bool:
        mails = await own.json("emails", "list", "--ticket", TICKET)
        return {each["state"] for each in mails} == {"accepted"} and len(mails) >= 3

    await until(mailed, what="mails to and about her")


async def _done(own: Stack, person: str, what: str, body: Mapping[str, object]) -> dict[str, str]:
    key = {"Idempotency-Key": str(uuid4())}
    answer = await own.post(person, f"/tickets/{TICKET}/{what}", body, **key)
    assert answer.status_code == 201, answer.text
    given: dict[str, str] = answer.json()
    return given


async def _settled(own: Stack) -> None:
    """As after the next checkpoints: what a write-ahead log still holds is gone with them."""
    now = state.read(Home(own.home))
    assert now is not None
    connection = await asyncpg.connect(databases.address(now.postgres, "postgres"))
    try:
        for _ in range(3):
            await connection.execute("SELECT pg_switch_wal()")
            await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def test_nothing_of_who_was_erased_is_left_on_disk_and_the_shape_of_the_history_is(own: Stack) -> None:
    await _live(own)
    await _settled(own)
    before = traces(own.home, WORDS)
    assert [word for word in WORDS if word not in before] == [], "all of it can be found"
    assert any("kafka" in file for file in before[WRITTEN["chat"]])
    history = (await own.get("carlos", f"/tickets/{TICKET}/history")).json()["items"]

    tried = await own.json("people", "erase", PERSON, "--reason", "she asked", "--dry-run")
    held = {(each["service"], each["name"]): each["number"] for each in tried["items"]}
    assert held["notes", "events"] == held["notes", "relato.notes"] == 5
    assert (held["notes", "itsm.people"], held["notes", "itsm.tickets"]) == (1, 1)
    assert held["notifier", "mails"] == held["notifier", "relato.notifications"] >= 1
    assert traces(own.home, [NAME]), "a dry run changes nothing"

    code, _, errors = await own.relato("people", "erase", PERSON, "--reason", "she asked", "--yes")
    assert (code, f"{PERSON} is erased. As brokers are set up, " in errors) == (0, True), errors
    assert "within 35 seconds" in errors, "a look each 30 seconds, and 5 more"
    known = await own.json("people", "held", PERSON)
    assert [each for each in known["items"] if each["number"]] == []
    assert {name for name, each in known["forgetting"].items() if each and each["done"]} == {
        *("notes", "notifier", "history-projector"),
    }
    await own.level()

    async def cleared() -> bool:
        await _settled(own)
        return not traces(own.home, WORDS)

    try:
        await until(cleared, within=240, what="not one byte")
    except AssertionError:
        assert traces(own.home, WORDS) == {}
    assert await _wrong(own) == []

    after = (await own.get("carlos", f"/tickets/{TICKET}/history")).json()["items"]
    assert [_shape(each) for each in after if each["version"] <= 5] == [_shape(each) for each in history]
    assert sum(each.get("time_spent_minutes") or 0 for each in after) == 35
    desk = (await own.get("carlos", f"/tickets/{TICKET}")).json()
    assert (desk["status"], desk["requester"]["id"], desk["time_spent_minutes"]) == (
        *("in-progress", PERSON, 35),
    )


async def _wrong(own: Stack) -> list[dict[str, Any]]:
    """What is wrong with log, topic, chain and tree."""
    _, output, _ = await own.relato("events", "verify", "--json")
    findings: list[dict[str, Any]] = json.loads(output)["findings"]
    return findings


def _shape(entry: dict[str, Any]) -> tuple[object, ...]:
    """What of an entry has nothing to do with words."""
    return (entry["version"], entry["kind"], entry["recorded_at"], entry.get("time_spent_minutes"))
