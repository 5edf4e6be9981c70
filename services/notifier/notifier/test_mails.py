"""Test mails, each handed over once at most: all SQL.

A row is there before the mail server is asked, so whatever becomes of the process that asked,
the same key never sends again; what nobody learnt the outcome of is uncertain.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from relato_runtime.database import Connection, Pool

State = Literal["submitting", "accepted", "refused", "uncertain"]
A_MINUTE = 5
"""Test mails of one person in a minute."""
_KEPT = timedelta(hours=72)  # as long as notes keeps its keys


class TooMany(Exception):
    """The person has sent enough for a minute."""


class Key(NamedTuple):
    """A person's Idempotency-Key."""

    person_id: str
    key: str


class Outcome(NamedTuple):
    """What became of a mail, and what the mail server said."""

    state: State = "submitting"
    code: int | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class TestMail:
    """A test mail: which request it is from, to whom it goes, and what became of it."""

    request_hash: bytes
    recipient: str
    outcome: Outcome


async def find(connection: Connection, key: Key) -> TestMail | None:
    """The mail that a request with this key was about."""
    row = await connection.fetchrow(
        """
        SELECT request_hash, recipient, code, answer,
            CASE
                WHEN state = 'submitting' AND ends_at < clock_timestamp() THEN 'uncertain' ELSE state
            END AS state
        FROM test_mails WHERE person_id = $1 AND key = $2
        """,
        *key,
    )
    if row is None:
        return None
    outcome = Outcome(row["state"], row["code"], row["answer"])
    return TestMail(row["request_hash"], row["recipient"], outcome)


async def begin(connection: Connection, key: Key, mail: TestMail, lasting: timedelta) -> TestMail | None:
    """Take it upon oneself to hand a mail over, within ``lasting``; the one there is, if another has.

    ``TooMany`` when the person has sent enough.
    """
    async with connection.transaction():
        # One person's requests one after the other, so that they are counted.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", key.person_id)
        if (known := await find(connection, key)) is not None:
            return known
        lately = await connection.fetchval(
            """
            SELECT count(*) FROM test_mails
            WHERE person_id = $1 AND begun_at > clock_timestamp() - interval '1 minute'
            """,
            key.person_id,
        )
        if lately >= A_MINUTE:
            raise TooMany
        await connection.execute(
            """
            INSERT INTO test_mails (person_id, key, request_hash, recipient, state, ends_at)
            VALUES ($1, $2, $3, $4, 'submitting', clock_timestamp() + $5::interval)
            """,
            *(*key, mail.request_hash, mail.recipient, lasting),
        )
    return None


async def record(pool: Pool, key: Key, outcome: Outcome) -> None:
    """Keep what became of a mail."""
    await pool.execute(
        "UPDATE test_mails SET state = $3, code = $4, answer = $5 WHERE person_id = $1 AND key = $2",
        *(*key, *outcome),
    )


async def forget(pool: Pool) -> None:
    """Forget keys that nobody sends again."""
    await pool.execute("DELETE FROM test_mails WHERE begun_at < now() - $1::interval", _KEPT)
