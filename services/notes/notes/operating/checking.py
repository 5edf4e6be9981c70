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
    """Three of them, 32 bytes each: of what it says, of who did it, and of the request that it came from."""
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
        sha256(convert_to(type || E'\\n' || data::text, 'UTF8')) AS said,
        sha256(convert_to(actor, 'UTF8')) AS actor, sha256(convert_to(correlation_id, 'UTF8')) AS request,
        EXISTS (SELECT FROM outbox WHERE outbox.seq = events.seq) AS waits
    FROM events WHERE ticket_id > $3 AND ($4::text IS NULL OR ticket_id <= $4)
), records AS MATERIALIZED (
    -- A version before this one has read what a record says alone.
    SELECT *, substr(digest, 1, 32) AS said, nullif(substr(digest, 33, 32), '') AS actor,
        nullif(substr(digest, 65), '') AS request,
        row_number() OVER (PARTITION BY ticket_id, version ORDER BY replayed, partition, record_offset) AS nth
    FROM checked_records WHERE ticket_id > $3 AND ($4::text IS NULL OR ticket_id <= $4)
), streamed AS MATERIALIZED (
    SELECT * FROM streams WHERE ticket_id > $3 AND ($4::text IS NULL OR ticket_id <= $4)
), compared AS MATERIALIZED (
    SELECT ticket_id, version, partition, record_offset, nth, replayed, waits,
        logged.event_id IS NOT NULL AS in_log, records.event_id IS NOT NULL AS on_topic,
        array_remove(ARRAY[
            CASE WHEN logged.event_id <> records.event_id THEN 'id' END,
            CASE WHEN recorded_at IS DISTINCT FROM at THEN 'time' END,
            CASE WHEN logged.said <> records.said THEN 'data' END,
            CASE WHEN logged.actor <> records.actor THEN 'actor' END,
            CASE WHEN logged.request <> records.request THEN 'request' END
        ], NULL) AS differs
    FROM logged FULL JOIN records USING (ticket_id, version)
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
        CASE WHEN NOT on_topic THEN 'missing' WHEN NOT in_log THEN 'unexpected' ELSE 'different' END,
        ticket_id, version, partition, record_offset,
        CASE
            WHEN NOT on_topic THEN '{}'
            WHEN NOT in_log THEN jsonb_build_object('follows', (
                -- Whether nothing is missing between the log's last version and this one.
                SELECT count(DISTINCT read.version) = greatest(0, compared.version - stream)
                FROM (
                    SELECT coalesce(max(version), 0) AS stream FROM streams
                    WHERE streams.ticket_id = compared.ticket_id
                ) AS known
                LEFT JOIN checked_records AS read ON read.ticket_id = compared.ticket_id
                    AND read.version > stream AND read.version <= compared.version
                GROUP BY stream
            ))
            ELSE jsonb_build_object('differs', to_jsonb(differs))
        END
    FROM compared
    WHERE CASE WHEN NOT on_topic THEN NOT waits WHEN NOT in_log THEN true ELSE differs <> '{}' END
    UNION ALL
    SELECT 'duplicate', ticket_id, version, partition, record_offset, '{}'
    FROM compared WHERE in_log AND nth > 1 AND NOT replayed AND differs = '{}'
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
        JOIN checked_records AS read ON read.partition = known.partition
            AND read.record_offset = known.record_offset AND substr(read.digest, 1, 32) = known.digest
        WHERE known.topic = $2 AND known.kind = found.kind AND known.partition = found.partition
            AND known.record_offset = found.record_offset
            AND read.ticket_id = found.ticket_id AND read.version = found.version
    ) AS accepted
) AS decided
ORDER BY ticket_id, version, kind
"""
