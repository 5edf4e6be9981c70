"""What was said and is to be forgotten is in no row of the history, and everything else is as it was."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from history_projector import generations, people
from relato_contracts.erasure import ERASED, untold
from relato_contracts.people import PersonErased
from relato_runtime import clearing, erased

from tests.integration.history_projector.conftest import Projecting
from tests.integration.history_projector.test_projector import publish_stream
from tests.support import projection as of
from tests.support import raw, world
from tests.support import stream as a
from tests.support.projection import Projection
from tests.support.waiting import until

_SECRETS = ("Cabo trocado", "Cabo novo", "outro cabo", "Funciona", "Reinicie", "Olá", "Carlos")


@pytest.fixture
async def history(database: Callable[..., Awaitable[str]]) -> Projection:
    made = Projection(await database("history_projector"))
    await made.create()
    return made


async def everything(history: Projection) -> str:
    """All rows of all tables of the generation."""
    connection = await asyncpg.connect(generations.address(history.url, 1))
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'history_1' ORDER BY tablename"
        )
        rows = [
            f"{name}: {row}"
            for (name,) in tables
            for (row,) in await connection.fetch(f"SELECT t::text FROM {name} AS t ORDER BY 1")
        ]
        return "\n".join(rows)
    finally:
        await connection.close()


async def test_what_is_erased_is_in_no_row_and_times_minutes_and_switches_stay(history: Projection) -> None:
    note = of.recorded(visible_to_requester=True)
    await history.tell(
        *world.world(),
        *(note, of.corrected(note, author_name="Carlos"), of.solved(note)),
        *(of.messaged(), of.chatted()),
        of.erased(1, 2, 3, 4, 5, anonymous=(1, 2, 3, 4, 5), subjects=[note.occurrence_id]),
    )
    rows = await everything(history)
    assert [text for text in _SECRETS if text in rows] == []
    connection = await asyncpg.connect(history.url)
    try:
        shown = await connection.fetch("SELECT * FROM history.shown_entries ORDER BY version")
        assert {row["description_html"] for row in shown} == {ERASED}
        occurrence = await connection.fetchrow("SELECT * FROM history.occurrences")
        assert occurrence is not None
        assert occurrence["solution_html"] == ERASED
        assert (occurrence["time_spent_minutes"], occurrence["corrected"]) == (25, True)
        assert occurrence["author_id"] == "carlos"
    finally:
        await connection.close()


async def test_it_is_the_same_whether_the_words_went_before_or_after_a_later_fact(
    history: Projection,
) -> None:
    note = of.recorded()
    await history.tell(note)
    await history.tell(of.corrected(note))
    await history.tell(of.erased(1, subjects=[note.occurrence_id]))
    await history.tell(of.solved(note))
    rows = await everything(history)
    assert "Cabo trocado" not in rows
    assert "Cabo novo" in rows, "the correction was not erased"
    assert "Carlos" in rows, "nor was any name"


async def test_a_ticket_whose_title_the_itsm_has_erased_keeps_none_in_its_history(
    history: Projection,
) -> None:
    ticket = world.ticket(description="Não consigo entrar")
    await history.tell(ticket)
    await history.tell(ticket.model_copy(update={"title": "VPN caiu de novo"}))
    await history.tell(untold(ticket))
    rows = await everything(history)
    assert "VPN" not in rows
    assert "Não consigo" not in rows
    assert rows.count("title-changed") == 1, "and erasing it is no change of it"


async def test_what_they_said_first_goes_also_where_the_itsm_has_the_ticket_no_more_or_gave_it_away(
    history: Projection,
) -> None:
    removed = world.ticket("2001", title="VPN da Ana", description="Não consigo entrar")
    given = world.ticket("2002", title="Notebook da Ana", description="Não liga mais")
    others = world.ticket("2003", title="VPN da Bia", requester_id="bia", description="Lenta")
    await history.tell(removed, given, others)
    await history.tell(removed.model_copy(update={"title": "VPN da Ana caiu"}))
    await history.remove_ticket("2001")
    await history.remove_ticket("2003")
    await history.tell(given.model_copy(update={"requester_id": "bia"}))
    await history.tell(given.model_copy(update={"requester_id": "bia", "title": "Notebook da Bia"}))
    connection = await asyncpg.connect(history.url)
    try:
        assert (await people.held(connection, "ana"))["history_1.ticket_entries"] == 2
        await people.erase(connection, PersonErased(person_id="ana", erased_at=history.now, tickets=2))
        assert (await people.held(connection, "ana"))["history_1.ticket_entries"] == 0
    finally:
        await connection.close()
    rows = await everything(history)
    assert [
        text for text in ("VPN da Ana", "Notebook da Ana", "Não consigo", "Não liga") if text in rows
    ] == []
    assert [text for text in ("VPN da Bia", "Lenta", "Notebook da Bia") if text not in rows] == []


async def test_an_outcome_that_comes_again_without_its_recipient_takes_the_place_of_what_it_was(
    history: Projection,
) -> None:
    note = of.recorded()
    mail = of.accepted(note.occurrence_id, history.now)
    await history.tell(note)
    await history.tell_again(mail, mail.model_copy(update={"recipient": ERASED}))
    assert "ana@empresa.example" not in await everything(history)


async def test_what_others_say_on_the_ticket_of_who_was_erased_keeps_no_erasure_from_its_end(
    history: Projection,
) -> None:
    await history.tell(world.ticket(requester_id="bia"), of.recorded())
    connection = await asyncpg.connect(history.url)

    async def entries() -> tuple[int, int]:
        """Those that have to go, and all."""
        to_go, held = await people.to_go(connection, "ana"), await people.held(connection, "ana")
        return to_go["history_1.ticket_entries"], held["history_1.ticket_entries"]

    try:
        await erased.remember(connection, "ana", history.now)
        assert await entries() == (1, 1)
        await history.tell(of.erased(1))
        await history.tell(of.recorded())
        assert await entries() == (0, 1)
        await history.tell(of.recorded(author_id="ana"))
        assert await entries() == (1, 2), "what they say themselves is another matter"
    finally:
        await connection.close()


async def test_what_went_by_rule_goes_from_the_disk_as_well(
    projector: Projecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "QUIET", timedelta(seconds=1))
    note = a.recorded(description_html="<p>Zarabatana</p>", description_text="Zarabatana")
    chat = a.chatted(2, text="Berimbau")
    gone = a.erased([note, chat], [1, 2]).model_copy(update={"cause": "retention"})
    first, second, third = a.stream(note, chat, gone)
    await projector.publish(*(world.record(projector.settings, fact) for fact in world.world()))
    await publish_stream(projector, first, second)
    assert set(await raw.in_tables(projector.database, ["Zarabatana", "Berimbau"])) == {
        "Zarabatana",
        "Berimbau",
    }
    await publish_stream(projector, third)

    async def cleared() -> bool:
        begun = await projector.database.fetchval("SELECT true FROM jobs WHERE kind = 'clear'")
        return bool(begun) and not await projector.database.fetchval("SELECT true FROM leftovers")

    await until(cleared, within=60, what="files without it")
    assert await raw.in_tables(projector.database, ["Zarabatana", "Berimbau"]) == {}
    replayed = [(replace(envelope, replay_id="again"), fact) for envelope, fact in (first, second, third)]
    await publish_stream(projector, *replayed)
    assert not await projector.database.fetchval("SELECT true FROM leftovers"), "nothing went this time"


async def test_who_is_erased_once_more_is_dealt_with_once_more(history: Projection) -> None:
    connection = await asyncpg.connect(history.url)
    try:
        await erased.remember(connection, "ana", history.now)
        await erased.done(connection, "ana")
        await erased.remember(connection, "ana", history.now)
        assert await erased.pending(connection) is None, "the same was said twice"
        later = history.now + timedelta(days=1)
        await erased.remember(connection, "ana", later)
        assert await erased.pending(connection) == ("ana", later)
    finally:
        await connection.close()
