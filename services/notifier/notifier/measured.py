"""What mails and their outcomes wait for: all SQL of that."""

from collections.abc import Mapping

from prometheus_client import Gauge
from relato_runtime.database import Connection

MAILS = Gauge(
    "relato_mails", "Mails of the ledger that are open or were not accepted, by their state", ["state"]
)
OVERDUE = Gauge(
    "relato_mails_overdue_seconds", "For how long the mail that has been due longest has been due"
)
OUTCOMES = Gauge("relato_mail_outcomes_pending", "Outcomes that Kafka has not acknowledged yet")
OUTCOMES_OLDEST = Gauge("relato_mail_outcomes_oldest_seconds", "How long the oldest of them has waited")

_OPEN = ("planned", "leased", "submitting")
_TROUBLED = ("retry", "rejected", "dead", "uncertain")


async def ledger(connection: Connection) -> Mapping[Gauge, float]:
    """Mails by state, but for those of which there are ever more and about which nobody asks."""
    # In two parts, for each of which there is an index.
    rows = await connection.fetch(
        """
        SELECT state, count(*) AS number FROM mails
        WHERE state IN ('planned', 'leased', 'submitting') GROUP BY state
        UNION ALL
        SELECT state, count(*) FROM mails
        WHERE state IN ('retry', 'rejected', 'dead', 'uncertain') GROUP BY state
        """
    )
    found = {row["state"]: row["number"] for row in rows}
    overdue: float = await connection.fetchval(
        """
        SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(due_at)), 0), 0)::float8
        FROM mails WHERE state IN ('planned', 'retry')
        """
    )
    return {**{MAILS.labels(state): found.get(state, 0) for state in (*_OPEN, *_TROUBLED)}, OVERDUE: overdue}


async def outcomes(connection: Connection) -> Mapping[Gauge, float]:
    """How many outcomes wait, and for how long."""
    row = await connection.fetchrow(
        """
        SELECT count(*) AS waiting,
            coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS oldest
        FROM outbox
        """
    )
    assert row is not None
    return {OUTCOMES: row["waiting"], OUTCOMES_OLDEST: row["oldest"]}
