"""A clock that is set back must not make mails wait for it: SQL alone."""

from datetime import timedelta

from relato_runtime.database import Pool

_TOLERANCE = timedelta(seconds=5)


async def follow(pool: Pool, lease: timedelta) -> timedelta | None:
    """Look at the clock; by how much it was set back since the last look, if it was.

    What lies ahead (turns, retries, rates) is moved back with it, and no lease lasts longer than one
    that begins now.
    """
    async with pool.acquire() as connection, connection.transaction():
        back: timedelta | None = await connection.fetchval(
            """
            WITH before AS MATERIALIZED (SELECT at FROM clock_seen FOR UPDATE)
            UPDATE clock_seen SET at = clock_timestamp() FROM before
            RETURNING CASE WHEN isfinite(before.at) THEN before.at - clock_seen.at END
            """
        )
        if back is None or back < _TOLERANCE:
            return None
        await connection.execute(
            """
            UPDATE mails SET due_at = due_at - $1::interval
            WHERE state IN ('planned', 'retry') AND due_at > clock_timestamp()
            """,
            back,
        )
        await connection.execute(
            """
            UPDATE mails SET leased_until = least(leased_until, clock_timestamp() + $1::interval)
            WHERE state IN ('leased', 'submitting')
            """,
            lease,
        )
        await connection.execute("UPDATE rates SET next_at = next_at - $1::interval", back)
        return back
