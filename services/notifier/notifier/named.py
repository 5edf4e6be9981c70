"""How many outcomes of mails name somebody, as they stand on their topic: all SQL about that."""

from relato_contracts.erasure import ERASED
from relato_contracts.topics import NOTIFICATIONS, dead_letters
from relato_runtime import erased, remains
from relato_runtime.database import Connection

from notifier.erasing import THEIRS

_LARGE_SECONDS = 600


async def named(connection: Connection, person_id: str) -> dict[str, int]:
    """By topic, how many records of ours name somebody, as far as rows tell: of each mail, the last outcome.

    They are whom it went to, or who decided about it.
    """
    number: int = await connection.fetchval(
        f"""
        SELECT count(*) FROM mails
        WHERE state IN ('accepted', 'rejected', 'dead', 'uncertain', 'suppressed')
            AND (
                mail_id IN ({THEIRS})
                OR decision ->> 'person_id' = $1 AND decision ->> 'person_name' <> $2
            )
        """,  # noqa: S608  # constants
        *(person_id, ERASED),
        timeout=_LARGE_SECONDS,
    )
    letters = (await erased.held(connection, person_id))["dead_letters"]
    return {NOTIFICATIONS.name: number, dead_letters("notifier").name: letters}


async def keep(connection: Connection, person_id: str) -> None:
    """Keep how many those are, since the rows that tell it are about to go."""
    await remains.keep(connection, person_id, await named(connection, person_id))
