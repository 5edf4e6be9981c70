"""Attempts to hand mails over: SQL to say that they begin, and what they came to, for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from relato_contracts.erasure import ADDRESS, ERASED
from relato_runtime.database import Connection

from notifier import outbox
from notifier.leases import Leased
from notifier.sending import GOES_ON, SWITCHED_OFF


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt came to; ``due_at`` goes with ``retry``."""

    state: Literal["accepted", "retry", "rejected", "dead", "uncertain"]
    code: int | None
    answer: str
    due_at: datetime | None = None


async def begin(
    connection: Connection, mails: Sequence[Leased], lease: UUID, lasting: timedelta
) -> set[UUID]:
    """Say, before anything goes out, that these now may have gone; their leases begin anew.

    Returns those that may go out. The others must not: the lease has run out, sending was stopped, or
    e-mail was switched off or what the mail is about taken back since it was planned, which suppresses it.
    """
    rows = await connection.fetch(
        _BEGIN, [mail.mail_id for mail in mails], [mail.attempt for mail in mails], lease, lasting
    )
    await outbox.tell(connection, [row["mail_id"] for row in rows if row["outcome"] == "suppressed"])
    return {row["mail_id"] for row in rows if row["outcome"] == "submitting"}


_BEGIN = f"""
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS given (mail_id, attempt)
), gone AS (
    SELECT mail_id,
        CASE WHEN switched_off THEN 'disabled' WHEN retracted THEN 'retracted' ELSE 'hidden' END AS reason
    FROM (SELECT {SWITCHED_OFF} AS switched_off) AS house CROSS JOIN given
    JOIN mails USING (mail_id) LEFT JOIN occurrences ON occurrence_id = subject_id
    WHERE switched_off OR retracted OR (NOT visible AND recipient_role = 'requester')
), held AS (
    UPDATE mails SET reason = gone.reason, updated_at = clock_timestamp(),
        leased_until = clock_timestamp() + $4,
        state = CASE WHEN gone.mail_id IS NULL THEN 'submitting' ELSE 'suppressed' END
    FROM given LEFT JOIN gone USING (mail_id)
    WHERE mails.mail_id = given.mail_id AND lease = $3 AND attempts = given.attempt
        AND state = 'leased' AND leased_until > clock_timestamp() AND {GOES_ON}
    RETURNING mails.mail_id, attempts, state
)
INSERT INTO attempts (mail_id, attempt, outcome) SELECT mail_id, attempts, state FROM held
RETURNING mail_id, outcome
"""  # noqa: S608  # constants alone


async def end(connection: Connection, results: Sequence[tuple[Leased, Result]], lease: UUID) -> set[UUID]:
    """Write down what attempts came to; returns those mails that nobody else has decided about since.

    An answer that comes after the lease ran out still counts: the mail is no longer uncertain then.
    """
    changed = await connection.fetch(
        _END,
        lease,
        [mail.mail_id for mail, _ in results],
        [mail.attempt for mail, _ in results],
        [result.state for _, result in results],
        [None if result.state == "accepted" else result.answer for _, result in results],
        [result.due_at for _, result in results],
        [result.code for _, result in results],
        [result.answer for _, result in results],
    )
    await outbox.announce(connection, changed)
    return {row["mail_id"] for row in changed}


# Without a source it was erased while it was handed over: it is not tried again, and what the server said of
# whom it was for is not written down.
_END = f"""
WITH changed AS (
    UPDATE mails SET
        state = CASE WHEN source IS NULL AND given.outcome = 'retry' THEN 'suppressed' ELSE given.outcome END,
        reason = CASE WHEN source IS NULL AND given.outcome = 'retry' THEN 'erased'
            WHEN recipient = '{ERASED}'
                THEN regexp_replace(nullif(given.why, ''), '{ADDRESS}', '{ERASED}', 'g')
            ELSE nullif(given.why, '') END,
        due_at = coalesce(given.next_at, due_at), leased_until = NULL, updated_at = clock_timestamp()
    FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::text[])
        AS given (id, attempt, outcome, why, next_at, code, answer)
    WHERE mail_id = given.id AND lease = $1 AND attempts = given.attempt
        AND state IN ('leased', 'submitting', 'uncertain')
    RETURNING {outbox.COLUMNS}, attempts, code, CASE WHEN recipient = '{ERASED}'
        THEN regexp_replace(answer, '{ADDRESS}', '{ERASED}', 'g') ELSE answer END AS answer
), noted AS (
    INSERT INTO attempts (mail_id, attempt, outcome, code, answer)
    SELECT mail_id, attempts, state, code, answer FROM changed
    ON CONFLICT (mail_id, attempt) DO UPDATE SET outcome = excluded.outcome,
        code = excluded.code, answer = excluded.answer
)
SELECT * FROM changed
"""  # noqa: S608  # constants alone
