"""What has to be decided and forgotten as time passes."""

import asyncio
from datetime import timedelta

import structlog
from relato_runtime.database import Pool
from relato_runtime.readiness import Readiness

from notifier import clock, leases, sending, test_mails
from notifier.send import ATTEMPTS

log = structlog.get_logger(__name__)

_EXPIRE_SECONDS = 1.0
_TIDY_SECONDS = 600.0


async def keep_house(pool: Pool, lease: timedelta, readiness: Readiness, part: str) -> None:
    """Decide about leases that ran out, forget what no longer counts, and say when nothing is to go out."""
    readiness.has(part)
    now = asyncio.get_running_loop().time
    tidied = now()
    while True:
        if back := await clock.follow(pool, lease):
            log.warning("the clock was set back", seconds=back.total_seconds())
        if (held := await sending.stopped(pool)) is None:
            readiness.forget("sending")
        else:
            readiness.remark("sending", str(held))
        if uncertain := await leases.expire(pool):
            ATTEMPTS.labels("uncertain").inc(uncertain)
            log.warning("mails became uncertain", number=uncertain)
        if now() - tidied > _TIDY_SECONDS:
            await leases.tidy(pool)
            await test_mails.forget(pool)
            tidied = now()
        await asyncio.sleep(_EXPIRE_SECONDS)
