"""People of whom nothing is to be kept, as each service knows them: all SQL about that."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from relato_contracts.erasure import ERASED, forgotten, untold
from relato_contracts.fields import Fact
from relato_contracts.itsm import PersonSaved, TicketSaved

from relato_runtime import silent_letters
from relato_runtime.database import Connection


async def remember(connection: Connection, person_id: str, erased_at: datetime) -> None:
    """Nothing is to be kept of them from now on; who is erased once more is to be dealt with once more."""
    await connection.execute(
        """
        INSERT INTO erased_people AS known (person_id, erased_at) VALUES ($1, $2)
        ON CONFLICT (person_id) DO UPDATE SET erased_at = excluded.erased_at, done_at = NULL
            WHERE excluded.erased_at > known.erased_at
        """,
        *(person_id, erased_at),
    )


async def unknown(connection: Connection, everybody: Mapping[str, datetime]) -> set[str]:
    """Which of these people, of whom it is said when they were erased, this service has not heard that of."""
    rows = await connection.fetch(
        """
        SELECT person_id FROM unnest($1::text[], $2::timestamptz[]) AS said (person_id, erased_at)
        WHERE NOT EXISTS (
            SELECT FROM erased_people AS known
            WHERE known.person_id = said.person_id AND known.erased_at >= said.erased_at
        )
        """,
        *(list(everybody), list(everybody.values())),
    )
    return {row["person_id"] for row in rows}


async def pending(connection: Connection) -> tuple[str, datetime] | None:
    """Somebody of whom this service has not forgotten everything yet, and since when they are erased."""
    row = await connection.fetchrow(
        """
        SELECT person_id, erased_at FROM erased_people WHERE done_at IS NULL
        ORDER BY erased_at, person_id LIMIT 1
        """
    )
    return None if row is None else (row["person_id"], row["erased_at"])


async def again(connection: Connection) -> None:
    """A broker that was put back has on its topics what had gone from them: nobody is dealt with any more."""
    await connection.execute("UPDATE erased_people SET done_at = NULL WHERE done_at IS NOT NULL")
    await connection.execute("UPDATE erased_records SET gone_at = NULL WHERE gone_at IS NOT NULL")


async def done(connection: Connection, person_id: str) -> None:
    """Nothing is left of them here."""
    await connection.execute(
        "UPDATE erased_people SET done_at = now() WHERE person_id = $1 AND done_at IS NULL", person_id
    )


async def known(connection: Connection, person_ids: Iterable[str]) -> set[str]:
    """Which of these people have been erased."""
    given = list(person_ids)
    if not given:
        return set()
    rows = await connection.fetch(
        "SELECT person_id FROM erased_people WHERE person_id = ANY($1::text[])", given
    )
    return {row["person_id"] for row in rows}


async def taken_in(connection: Connection, facts: Iterable[Fact | None]) -> Mapping[Fact, Fact]:
    """What is to be taken in instead of facts of the ITSM about erased people; others are not in it.

    The ITSM has to forget them, too. Until it has, it goes on saying who they were.
    """
    about = {fact: _person(fact) for fact in facts if isinstance(fact, PersonSaved | TicketSaved)}
    gone = await known(connection, set(about.values()))
    return {fact: _without(fact) for fact, person_id in about.items() if person_id in gone}


async def forget(connection: Connection, person_id: str) -> None:
    """What every service keeps beside its own work: dead letters, and the name of who did something."""
    await silent_letters.forget(connection, person_id)
    await connection.execute(
        """
        UPDATE dead_letters SET settled_by = $2, settled_why = $2
        WHERE consumer || '-' || id IN (SELECT target FROM operations WHERE person_id = $1)
            AND settled_by IS NOT NULL
        """,
        *(person_id, ERASED),
    )
    await connection.execute(
        "UPDATE operations SET name = $2, reason = $2 WHERE person_id = $1 AND name <> $2",
        *(person_id, ERASED),
    )
    await connection.execute(
        "UPDATE jobs SET name = $2 WHERE person_id = $1 AND name <> $2", person_id, ERASED
    )


async def held(connection: Connection, person_id: str) -> dict[str, int]:
    """How much of that there is, by table."""
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM operations WHERE person_id = $1 AND name <> $2) AS operations,
            (SELECT count(*) FROM jobs WHERE person_id = $1 AND name <> $2) AS jobs
        """,
        *(person_id, ERASED),
    )
    assert row is not None
    return {"dead_letters": await silent_letters.about(connection, person_id), **row}


def _person(fact: PersonSaved | TicketSaved) -> str:
    return fact.person_id if isinstance(fact, PersonSaved) else fact.requester_id


def _without(fact: PersonSaved | TicketSaved) -> Fact:
    return forgotten(fact) if isinstance(fact, PersonSaved) else untold(fact)
