"""Durable commands over HTTP, beside pgbench running the same inserts as a transaction each."""

import asyncio
import re
from pathlib import Path
from typing import Any

import asyncpg
from relato.stack import postgres
from relato.stack.databases import address
from relato_runtime import database

from tests.bench import wrk
from tests.bench.company import TICKETS, Company
from tests.support.databases import with_database
from tests.support.stack import Stack

_CLIENTS = (1, 16, 64)
_SECONDS = 8.0
_WANTED = {1: 0.4, 16: 0.6, 64: 0.9}
_INSERTS = f"""
\\set n random(1, {TICKETS})
BEGIN;
INSERT INTO idempotency_keys (person_id, key, request_hash, response)
VALUES ('carlos', gen_random_uuid()::text, '\\x00', '{{}}');
UPDATE streams SET version = version + 1, recorded_at = now() WHERE ticket_id = 'B' || :n
RETURNING version \\gset
INSERT INTO events
    (ticket_id, version, seq, event_id, type, subject_id, actor, correlation_id, recorded_at, data)
VALUES ('B' || :n, :version, nextval('events_seq'), gen_random_uuid(), 'relato.OccurrenceRecorded.v1',
    gen_random_uuid(), 'carlos', gen_random_uuid()::text, now(), '{{"x": "{"Cabo de rede. " * 40}"}}')
RETURNING seq \\gset
INSERT INTO outbox (seq, ticket_id, version) VALUES (:seq, 'B' || :n, :version);
COMMIT;
"""


async def measure(stack: Stack, company: Company, work: Path) -> list[dict[str, Any]]:
    """By number of clients: the rate, pgbench's, their ratio, and latencies; and through the front door."""
    status = await stack.json("status")
    notes = next(each["address"] for each in status["services"] if each["name"] == "notes")
    admin = postgres.dsn(stack.home / "postgres")
    script = work / "inserts.sql"
    script.write_text(_INSERTS)
    await _prepare(admin)
    targets = company.write_targets(work / "targets")
    await wrk.run("record.lua", targets, notes, clients=16, seconds=3)  # warm
    figures = []
    for clients in _CLIENTS:
        limit = await _pgbench(admin, script, clients)
        load = await wrk.run("record.lua", targets, notes, clients=clients, seconds=_SECONDS)
        await _relayed(address(admin, "notes"))
        front = await wrk.run(
            "record.lua", targets, f"http://127.0.0.1:{stack.port}", clients=clients, seconds=_SECONDS / 2
        )
        await _relayed(address(admin, "notes"))
        figures.append(
            {
                "clients": clients,
                "rate": round(load.rate),
                "limit": round(limit),
                "ratio": round(load.rate / limit, 2),
                "wanted": _WANTED[clients],
                "p50_ms": load.p50_ms,
                "p99_ms": load.p99_ms,
                "front_door": {"rate": round(front.rate), "p50_ms": front.p50_ms, "p99_ms": front.p99_ms},
            }
        )
    return figures


async def _prepare(admin: str) -> None:
    connection = await asyncpg.connect(admin)
    await connection.execute("DROP DATABASE IF EXISTS pgbench")
    await connection.execute("CREATE DATABASE pgbench")
    await connection.close()
    url = with_database(admin, "pgbench")
    await database.migrate(url, "notes")
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO streams (ticket_id) SELECT 'B' || n FROM generate_series(1, $1::int) AS n", TICKETS
    )
    await connection.close()


async def _pgbench(admin: str, script: Path, clients: int) -> float:
    process = await asyncio.create_subprocess_exec(
        str(postgres._binaries() / "pgbench"),
        *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"),
        *(f"--time={_SECONDS:.0f}", f"--file={script}", with_database(admin, "pgbench")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    match = re.search(r"^tps = ([0-9.]+)", output.decode(), re.MULTILINE)
    if match is None:
        raise RuntimeError(f"pgbench failed: {errors.decode()}")
    return float(match[1])


async def _relayed(url: str) -> None:
    """What was committed reaches Kafka before the next figure is measured."""
    connection = await asyncpg.connect(url)
    try:
        while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):  # noqa: ASYNC110  # a table
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
