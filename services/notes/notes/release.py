"""What is held back, shown when its time has come: by any process, and once."""

import asyncio
from datetime import UTC, datetime

from relato_runtime.database import Pool
from relato_runtime.readiness import Readiness

from notes import releases
from notes.commands import ReleaseOccurrence
from notes.commit import Committer
from notes.handle import Request
from notes.holding import FARTHEST
from notes.releases import Due

_POLL_SECONDS = 0.25
_BATCH = 64


async def run(pool: Pool, committer: Committer, readiness: Readiness, part: str) -> None:
    """Release what is due until something goes wrong; what was not released is still due then.

    Several processes may ask for the same release, and one may ask again after its answer was lost:
    the first to hold the ticket's lock decides, and the others find that nothing is held back.
    """
    while True:
        now = datetime.now(UTC)
        due = await releases.due(pool, now, FARTHEST, _BATCH)
        readiness.has(part)
        asked = [committer.commit(_request(each, now)) for each in due]
        failed = [
            each
            for each in await asyncio.gather(*asked, return_exceptions=True)
            if isinstance(each, Exception)
        ]
        if failed:  # the others have been released; this one is due again
            raise failed[0]
        if len(due) < _BATCH:
            await asyncio.sleep(_POLL_SECONDS)


def _request(due: Due, now: datetime) -> Request:
    command = ReleaseOccurrence(due.ticket_id, due.person_id, now, due.occurrence_id, expected_version=None)
    return Request(command, due.correlation_id, due.traceparent, key=None)
