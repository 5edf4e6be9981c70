"""Who is erased goes from every generation that may be read, and from the projector's own topic."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from history_projector import generations, making, people
from relato_contracts.erasure import ERASED
from relato_contracts.people import PersonErased
from relato_contracts.topics import dead_letters
from relato_runtime import erased, remains

from tests.support import projection as of
from tests.support import world
from tests.support.projection import Projection


@pytest.fixture
async def history(database: Callable[..., Awaitable[str]]) -> Projection:
    made = Projection(await database("history_projector"))
    await made.create()
    return made


async def everything(connection: asyncpg.Connection, generation: int) -> str:
    """All rows of all tables of a generation."""
    schema = making.schema(generation)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    rows = [await connection.fetch(f"SELECT t::text FROM {schema}.{name} AS t") for (name,) in tables]
    return "\n".join(row for some in rows for (row,) in some)


async def test_who_is_erased_goes_from_every_generation_that_somebody_may_read(history: Projection) -> None:
    connection = await asyncpg.connect(history.url)
    try:
        async with connection.transaction():
            number = await generations.add(connection, "building")
            await making.make(connection, number)
        for each in (history, Projection(history.url, number)):
            note = of.recorded(author_id="ana", author_name="Ana")
            mail = of.accepted(note.occurrence_id, each.now)
            refused = of.rejected(mail, each.now)
            refused = refused.model_copy(update={"reason": "550 <ana@empresa.example> is unknown"})
            await each.tell(*world.world(), note, mail, refused)
        names = ("tickets", "ticket_entries", "occurrences", "email_outcomes")
        held = await people.held(connection, "ana")
        assert all(held[f"history_{each}.{name}"] for each in (1, number) for name in names), held

        async with connection.transaction():
            await people.erase(
                connection, PersonErased(person_id="ana", erased_at=datetime.now(UTC), tickets=1)
            )
        held = await people.held(connection, "ana")
        assert [held[f"history_{each}.email_outcomes"] for each in (1, number)] == [0, 0]
        for generation in (1, number):
            rows = await everything(connection, generation)
            assert "ana@empresa.example" not in rows
            assert f"550 {ERASED} is unknown" in rows, "the rest of the answer stays"
            assert held[f"history_{generation}.ticket_entries"] == 1, "which goes with what its stream says"
    finally:
        await connection.close()


async def test_a_dead_letter_about_who_was_erased_is_on_its_topic_until_that_is_cut_off(
    history: Projection,
) -> None:
    connection = await asyncpg.connect(history.url)
    letters = dead_letters("history-projector").name
    try:
        await connection.execute(
            """
            INSERT INTO dead_letters
                (consumer, topic, partition, record_offset, value, headers, reason, error)
            VALUES ('history/1', 'itsm.tickets', 0, 7, $1, '[]', 'json', '')
            """,
            b'{"requester_id": "ana", "title": "VPN',
        )
        assert await people.on_topics(connection, "ana") == {letters: 1}
        await people.erase(connection, PersonErased(person_id="ana", erased_at=history.now, tickets=1))
        assert (await people.held(connection, "ana"))["dead_letters"] == 0
        assert await remains.on_topics(connection, "ana") == {letters: 1}
        await remains.gone(connection, "ana", letters)
        assert await remains.on_topics(connection, "ana") == {}
        await erased.again(connection)
        assert await remains.on_topics(connection, "ana") == {letters: 1}, "of a broker that was put back"
    finally:
        await connection.close()
