"""A verification of the ledger goes on where its process was killed."""

import asyncpg
from relato_runtime import jobs
from relato_runtime.verified import VERIFY

from tests.integration.notifier.conftest import Notifier
from tests.support import killing, stream, world


async def test_a_verification_of_the_ledger_goes_on_where_its_process_was_killed(idle: Notifier) -> None:
    await idle.publish(*world.world())
    await idle.start()
    await idle.taken_in()
    await idle.note(stream.to_requester(1, notify_by_email=True))
    await idle.mails(1, "accepted")
    await idle.outcomes(1)
    await idle.stop()
    holder = await asyncpg.connect(idle.settings.database_url.get_secret_value())
    held = holder.transaction()
    await held.start()
    # What waits for Kafka is asked for beside each mail.
    await holder.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
    async with killing.process("notifier", idle.settings) as first:
        await killing.begin(idle.database, "mails", VERIFY, {})
        await killing.middle(idle.database, VERIFY, phase="ledger")
        await killing.kill(first)
    await held.rollback()
    await holder.close()
    left = await jobs.latest(idle.database, VERIFY)
    assert left is not None
    assert left.finished_at is None
    async with killing.process("notifier", idle.settings):
        job = await killing.ended(idle.database, VERIFY)
    assert (job.done, await jobs.found(idle.database, job.id, 10)) == (job.total, ([], None, {}))
