"""Histories that were put back from a backup are nothing to be read until they have what was said since."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from history_projector.settings import ProjectorSettings
from notes.privacy import remembering
from relato_contracts.erasure import ERASED, untold
from relato_contracts.itsm import TicketSaved
from relato_contracts.people import PersonErased
from relato_runtime import erased, incarnation
from relato_runtime.database import open_pool
from relato_runtime.incarnation import PutBack

from tests.integration.history_projector.conftest import running
from tests.integration.history_projector.test_projector import publish_stream, versions
from tests.support import stream as a
from tests.support import world
from tests.support.databases import back_up, put_back, with_role
from tests.support.issuer import Issuer
from tests.support.waiting import until


async def test_who_reads_waits_until_what_was_said_since_the_backup_is_there(
    projector_settings: ProjectorSettings, issuer: Issuer
) -> None:
    url = projector_settings.database_url.get_secret_value()
    first, second, third = a.stream(a.recorded(1), a.recorded(2), a.recorded(3))

    async def known() -> str:
        connection = await asyncpg.connect(url)
        try:
            return await incarnation.known(connection)
        finally:
            await connection.close()

    async def same() -> bool:
        return await known() == "same"

    async def read(role: str) -> str:
        try:
            async with open_pool(with_role(url, role), required=incarnation.required) as pool:
                return str(await pool.fetchval("SELECT 'read'"))
        except PutBack:
            return "put back"

    async with running(projector_settings, issuer) as projector:
        await projector.publish(*(world.record(projector_settings, fact) for fact in world.world()))
        await publish_stream(projector, first)
        await until(same, what="the mark of a new database")
    backup = await back_up(url)
    async with running(projector_settings, issuer) as projector:
        await publish_stream(projector, second, third)
        await projector.publish(world.record(projector_settings, world.person("ana", name="Ana Maria")))
    await put_back(url, backup)
    assert await known() == "other"
    assert {await read(role) for role in ("portal_executor", "portal_requester")} == {"put back"}

    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE generations SET paused = true")
    await connection.close()
    async with running(projector_settings, issuer, awaited=False) as projector:
        # Everything else is there, and it is not what people read.
        async def of_the_itsm() -> bool:
            return bool(await projector.database.fetchval(_RENAMED))

        await until(of_the_itsm, what="reference data")
        assert await known() == "other"
        assert await read("portal_requester") == "put back"
        await projector.done("resume", 1)
        await until(same, what="a history that is level")
        assert await versions(projector) == [1, 2, 3]
        assert {await read(role) for role in ("portal_executor", "portal_requester")} == {"read"}


async def test_disks_that_were_put_back_whole_bear_their_mark_and_yet_nobody_reads_who_was_erased(
    projector_settings: ProjectorSettings, issuer: Issuer, tmp_path: Path
) -> None:
    settings = projector_settings.model_copy(update={"erasures_file": tmp_path / "erasures"})
    url = settings.database_url.get_secret_value()
    now = datetime.now(UTC)

    async def read() -> str:
        try:
            async with open_pool(with_role(url, "portal_requester"), required=incarnation.required) as pool:
                return str(await pool.fetchval("SELECT 'read'"))
        except PutBack as why:
            return str(why)

    async def readable() -> bool:
        return await read() == "read"

    async with running(settings, issuer) as projector:
        await projector.publish(*(world.record(settings, fact) for fact in world.world()))
        await until(readable, what="a new history")
    remembering.write(tmp_path / "erasures", "ana", now)
    async with running(settings, issuer) as projector:
        # In the middle of an erasure the projector is begun anew: nothing was put back.
        assert await read() == "read"
        assert await erased.pending(projector.database) is None
    connection = await asyncpg.connect(url)
    # Only a server that is begun anew can have other disks.
    await connection.execute("UPDATE incarnation SET compared_at = compared_at - interval '1 hour'")
    await connection.close()
    assert "as a whole" in await read()
    async with running(settings, issuer) as projector:

        async def waited_for() -> bool:
            return await erased.pending(projector.database) == ("ana", now)

        await until(waited_for, what="whoever the file names")
        assert "not level" in await read()
        told = PersonErased(person_id="ana", erased_at=now, tickets=1)
        tickets = [untold(fact) for fact in world.world() if isinstance(fact, TicketSaved)]
        await projector.publish(*(world.record(settings, fact) for fact in (told, *tickets)))
        await until(readable, within=60, what="a history without them")
        row = await projector.row("SELECT name FROM reference.people WHERE person_id = 'ana'")
        assert row["name"] == ERASED


async def test_who_was_erased_is_waited_for_even_where_no_topic_says_so_any_more(
    projector_settings: ProjectorSettings, issuer: Issuer, tmp_path: Path
) -> None:
    settings = projector_settings.model_copy(update={"erasures_file": tmp_path / "erasures"})
    now = datetime.now(UTC)
    async with running(settings, issuer) as projector:
        await projector.publish(*(world.record(settings, fact) for fact in world.world()))

        async def marked() -> bool:
            return await incarnation.known(projector.database) == "same"

        await until(marked, what="the mark of a new database")
        remembering.write(tmp_path / "erasures", "ana", now)
        await projector.database.execute("UPDATE incarnation SET marker = 'elsewhere'")

        async def waited_for() -> bool:
            return await erased.pending(projector.database) == ("ana", now)

        await until(waited_for, what="whoever the file names")
        assert await incarnation.known(projector.database) == "other"
        await projector.publish(
            world.record(settings, PersonErased(person_id="ana", erased_at=now, tickets=1)),
            *(
                world.record(settings, untold(fact))
                for fact in world.world()
                if isinstance(fact, TicketSaved)
            ),
        )
        await until(marked, within=60, what="a history without them")
        row = await projector.row("SELECT name FROM reference.people WHERE person_id = 'ana'")
        assert row["name"] == ERASED


_RENAMED = "SELECT name = 'Ana Maria' FROM reference.people WHERE person_id = 'ana'"
