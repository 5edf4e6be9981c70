"""Histories that were put back from a backup are nothing to be read until they have what was said since."""

import asyncpg
from history_projector.settings import ProjectorSettings
from relato_runtime import incarnation
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


_RENAMED = "SELECT name = 'Ana Maria' FROM reference.people WHERE person_id = 'ana'"
