"""Whether mails go out at all, by operators' and administrators' switches: every process looks at both before
it hands a mail over. SQL alone."""

from datetime import datetime
from typing import NamedTuple

from relato_runtime.caller import Caller
from relato_runtime.database import Connection, Pool
from relato_runtime.refusals import Refused

from notifier.known import MAILS_OFF

GOES_ON = "NOT EXISTS (SELECT FROM sending WHERE stopped_at IS NOT NULL)"
"""A condition for statements that let a mail go out."""
SWITCHED_OFF = f"EXISTS (SELECT FROM parameters WHERE number = {MAILS_OFF} AND value = 'S')"
"""A condition for statements that suppress a mail instead: parameter 297."""


class Stopped(NamedTuple):
    """Since when nothing goes out, by whom and why."""

    at: datetime
    name: str
    reason: str

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"sending was stopped by {self.name} at {self.at:%Y-%m-%d %H:%M:%S %Z}{why}"


async def stopped(connection: Connection | Pool) -> Stopped | None:
    """Whether sending is stopped."""
    row = await connection.fetchrow(
        "SELECT stopped_at AS at, name, reason FROM sending WHERE stopped_at IS NOT NULL"
    )
    return None if row is None else Stopped(**dict(row))


async def switched_off(connection: Connection) -> bool:
    """Whether parameter 297 is on."""
    off: bool = await connection.fetchval(f"SELECT {SWITCHED_OFF}")
    return off


async def change(connection: Connection, *, stop: bool, who: Caller, reason: str) -> None:
    """Stop or start; of two who do so at once the second is ``Refused``, as is whoever comes too late."""
    await connection.execute("SELECT FROM sending FOR UPDATE")
    now = await stopped(connection)
    if stop and now is not None:
        raise Refused(f"It is so already: {now}.")
    if not stop and now is None:
        raise Refused("Sending is not stopped.")
    await connection.execute(
        """
        UPDATE sending SET stopped_at = CASE WHEN $1 THEN clock_timestamp() END,
            name = CASE WHEN $1 THEN $2 END, reason = CASE WHEN $1 THEN $3 END, person_id = $4
        """,
        *(stop, who.name or who.person_id, reason, who.person_id),
    )


async def waiting(connection: Connection) -> int:
    """How many mails would go out, now or at their next attempt."""
    number: int = await connection.fetchval(
        "SELECT count(*) FROM mails WHERE state IN ('planned', 'leased', 'retry')"
    )
    return number
