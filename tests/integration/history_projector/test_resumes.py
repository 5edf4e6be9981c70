"""Verifications of the history go on where their process was killed."""

from collections.abc import Awaitable, Callable

import asyncpg
from history_projector import verifications
from history_projector.settings import ProjectorSettings
from pydantic import SecretStr
from relato_runtime import jobs
from relato_runtime.verified import VERIFY

from tests.integration.history_projector.conftest import running
from tests.integration.history_projector.test_rebuild import TICKET_IDS, history
from tests.support import killing
from tests.support.issuer import Issuer
from tests.support.waiting import until


async def test_folding_afresh_and_comparing_generations_go_on_where_their_process_was_killed(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str, issuer: Issuer
) -> None:
    settings = ProjectorSettings(
        database_url=SecretStr(await database("history_projector")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer=issuer.url,
    )
    async with running(settings, issuer) as projector:
        await history(projector)
        await projector.done("rebuild")
        await projector.level(2)
    log = await asyncpg.connect(settings.database_url.get_secret_value())
    holder = await asyncpg.connect(settings.database_url.get_secret_value())
    held = holder.transaction()
    await held.start()
    await holder.execute("LOCK TABLE history_1.time_totals IN ACCESS EXCLUSIVE MODE")
    async with killing.process("history_projector", settings) as first:
        await killing.begin(log, "fold of history", VERIFY, {})
        await log.execute(
            "INSERT INTO verifications (generation, against, person_id, name, total)"
            " VALUES (2, 1, 'olga', 'Olga', $1)",
            len(TICKET_IDS),
        )
        await killing.middle(log, VERIFY, phase="tickets")

        async def both() -> bool:
            waiting = await log.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            return bool(waiting == 2)

        await until(both, within=60, what="two verifications in the middle")
        await killing.kill(first)
    await held.rollback()
    await holder.close()
    await log.execute("UPDATE verifications SET claimed_until = now()")
    async with killing.process("history_projector", settings):
        job = await killing.ended(log, VERIFY)

        async def compared() -> bool:
            latest = await verifications.latest(log)
            return latest is not None and latest.finished_at is not None

        await until(compared, within=60, what="the end of the comparison")
    assert job.done >= job.total  # what waits for a version is read, and is in no row
    assert await jobs.found(log, job.id, 10) == ([], None, {})
    latest = await verifications.latest(log)
    assert latest is not None
    assert (latest.compared, latest.cancelled) == (len(TICKET_IDS), False)
    assert (await verifications.found(log, latest.id, 10, 0)).number == 0
    await log.close()
