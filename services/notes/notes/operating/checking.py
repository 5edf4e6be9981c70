"""The log beside what was read of its topic: all SQL of a verification."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from relato_runtime.database import Connection

_LARGE_SECONDS = 600


class Checked(NamedTuple):
    """A record of the topic, as far as it is compared: a row of ``checked_records``."""

    ticket_id: str
    version: int
    partition: int
    record_offset: int
    event_id: str
    at: datetime | None
    digest: bytes
    replayed: bool


async def clear(connection: Connection) -> None:
    """Forget what was read."""
    await connection.execute("TRUNCATE checked_records, checked_heads")


async def keep(connection: Connection, records: Sequence[Checked]) -> None:
    """Add records."""
    await connection.copy_records_to_table("checked_records", records=records)


async def analyse(connection: Connection) -> None:
    """Let the planner know how much was read."""
    await connection.execute("ANALYZE checked_records", timeout=_LARGE_SECONDS)


async def count(connection: Connection) -> int:
    """How many events the log has, as its streams say."""
    number: int = await connection.fetchval(
        "SELECT coalesce(sum(version), 0)::bigint FROM streams", timeout=_LARGE_SECONDS
    )
    return number


async def following(connection: Connection, after: str, limit: int) -> list[tuple[str, int]]:
    """The next streams, in the order of their tickets' ids, with how many events each has."""
    rows = await connection.fetch(
        "SELECT ticket_id, version FROM streams WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2",
        after,
        limit,
    )
    return [(row["ticket_id"], row["version"]) for row in rows]


async def compare(connection: Connection, job: int, topic: str, after: str, until: str | None) -> None:
    """Write down all that is wrong with the tickets behind one, up to another."""
    await connection.execute(_COMPARE, job, topic, after, until, timeout=_LARGE_SECONDS)


async def reconsider(connection: Connection, job: int) -> None:
    """What was missing and has been read since is not missing; it was on its way."""
    await connection.execute(
        """
        DELETE FROM job_findings AS missing USING checked_records AS read
        WHERE missing.job = $1 AND missing.kind = 'missing'
            AND read.ticket_id = missing.ticket_id AND read.version = missing.version
        """,
        job,
        timeout=_LARGE_SECONDS,
    )


async def waiting(connection: Connection, job: int, topic: str, seconds: int) -> None:
    """Write down what has waited for Kafka for longer than it should, and what waits for nothing."""
    await connection.execute(
        """
        INSERT INTO job_findings (job, kind, ticket_id, version, topic, detail)
        SELECT $1, CASE WHEN events.seq IS NULL THEN 'orphan' ELSE 'late' END,
            outbox.ticket_id, outbox.version, $2,
            jsonb_build_object('seq', outbox.seq, 'enqueued_at', enqueued_at)
        FROM outbox LEFT JOIN events USING (ticket_id, version)
        WHERE events.seq IS NULL OR enqueued_at < now() - make_interval(secs => $3)
        ORDER BY outbox.seq
        """,
        *(job, topic, seconds),
        timeout=_LARGE_SECONDS,
    )


_COMPARE = """
WITH logged AS MATERIALIZED (
    SELECT ticket_id, version, event_id::text, recorded_at,
        sha256(convert_to(type || E'\\n' || data::text, 'UTF8')) AS digest,
        EXISTS (SELECT FROM outbox WHERE outbox.seq = events.seq) AS waits
    FROM events WHERE ticket_id > $3 AND ($4::text IS NULL OR ticket_id <= $4)
), records AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY ticket_id, version ORDER BY replayed, partition, record_offset)
        AS nth
    FROM checked_records WHERE ticket_id > $3 AND ($4::text IS NULL OR ticket_id <= $4)
), streamed AS MATERIALIZED (
    SELECT * FROM streams WHERE ticket_id > $3 AND ($4::text IS NULL OR ticket_id <= $4)
), ends AS MATERIALIZED (
    SELECT ticket_id, coalesce(streamed.version, 0) AS stream, coalesce(log.last, 0) AS last,
        coalesce(log.number, 0) AS number
    FROM streamed FULL JOIN (
        SELECT ticket_id, max(version) AS last, count(*) AS number FROM logged GROUP BY ticket_id
    ) AS log USING (ticket_id)
), firsts AS (
    SELECT *, lag(record_offset) OVER ticket AS before, first_value(partition) OVER ticket AS home
    FROM records WHERE nth = 1 AND NOT replayed
    WINDOW ticket AS (PARTITION BY ticket_id ORDER BY version)
), found AS (
    SELECT 'hole' AS kind, ticket_id, missing AS version, NULL::int AS partition,
        NULL::bigint AS record_offset, jsonb_build_object('on_topic', EXISTS (
            SELECT FROM checked_records AS read
            WHERE read.ticket_id = ends.ticket_id AND read.version = missing
        )) AS detail
    FROM ends CROSS JOIN LATERAL (
        SELECT generate_series(1, greatest(stream, last)) AS missing
        EXCEPT SELECT version FROM logged WHERE logged.ticket_id = ends.ticket_id
    ) AS holes WHERE number <> greatest(stream, last)
    UNION ALL
    SELECT 'stream', ticket_id, last, NULL, NULL, jsonb_build_object('stream', stream)
    FROM ends WHERE stream < last
    UNION ALL
    SELECT
        CASE
            WHEN records.digest IS NULL THEN 'missing'
            WHEN logged.digest IS NULL THEN 'unexpected'
            ELSE 'different'
        END,
        ticket_id, version, partition, record_offset,
        CASE
            WHEN records.digest IS NULL THEN '{}'
            WHEN logged.digest IS NULL THEN jsonb_build_object('follows', (
                -- Whether nothing is missing between the log's last version and this one.
                SELECT count(DISTINCT read.version) = greatest(0, records.version - stream)
                FROM (
                    SELECT coalesce(max(version), 0) AS stream FROM streams
                    WHERE streams.ticket_id = records.ticket_id
                ) AS known
                LEFT JOIN checked_records AS read ON read.ticket_id = records.ticket_id
                    AND read.version > stream AND read.version <= records.version
                GROUP BY stream
            ))
            ELSE jsonb_build_object('differs', to_jsonb(array_remove(ARRAY[
                CASE WHEN logged.event_id <> records.event_id THEN 'id' END,
                CASE WHEN recorded_at IS DISTINCT FROM at THEN 'time' END,
                CASE WHEN logged.digest <> records.digest THEN 'data' END
            ], NULL)))
        END
    FROM logged FULL JOIN records USING (ticket_id, version)
    WHERE CASE
        WHEN records.digest IS NULL THEN NOT waits
        WHEN logged.digest IS NULL THEN true
        ELSE (logged.event_id, recorded_at, logged.digest)
            IS DISTINCT FROM (records.event_id, at, records.digest)
    END
    UNION ALL
    SELECT 'duplicate', ticket_id, version, partition, record_offset, '{}'
    FROM records JOIN logged USING (ticket_id, version)
    WHERE nth > 1 AND NOT replayed AND (logged.event_id, recorded_at, logged.digest)
        IS NOT DISTINCT FROM (records.event_id, at, records.digest)
    UNION ALL
    SELECT CASE WHEN partition <> home THEN 'scattered' ELSE 'disorder' END, ticket_id, version, partition,
        record_offset, '{}'
    FROM firsts WHERE partition <> home OR record_offset < before
)
INSERT INTO job_findings (job, kind, ticket_id, version, topic, partition, record_offset, detail)
SELECT $1, CASE WHEN accepted THEN 'accepted' ELSE kind END, ticket_id, version,
    CASE WHEN kind IN ('hole', 'stream') THEN NULL ELSE $2 END, partition, record_offset,
    CASE WHEN accepted THEN detail || jsonb_build_object('was', kind) ELSE detail END
FROM found CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM accepted_records AS known
        JOIN checked_records AS read USING (partition, record_offset, digest)
        WHERE known.topic = $2 AND known.kind = found.kind AND known.partition = found.partition
            AND known.record_offset = found.record_offset
            AND read.ticket_id = found.ticket_id AND read.version = found.version
    ) AS accepted
) AS decided
ORDER BY ticket_id, version, kind
"""
