"""Durable commands over HTTP, beside pgbench running the same inserts as a transaction each."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import asyncpg
from relato.stack import postgres
from relato_runtime import database

from tests.bench import results, wrk
from tests.bench.company import TICKETS
from tests.bench.scene import Scene

_CLIENTS = (1, 16, 64)
_SECONDS = 5.0
_ROUNDS = 3
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


async def measure(scene: Scene, only: Sequence[int] = _CLIENTS) -> list[results.Commands]:
    """By number of clients: the rate of notes alone, pgbench's, their ratio, and latencies.

    And, for information, with all services at work on the same cores, through the front door.
    """
    script = scene.work / "inserts.sql"
    script.write_text(_INSERTS)
    url = await _prepare(scene)
    targets = scene.company.write_targets(scene.work / "targets")
    await wrk.run("record.lua", targets, scene.addresses["notes"], clients=16, seconds=3)  # warm
    await scene.level()
    figures = []
    for clients in only:
        async with scene.alone("notes"):
            limits, loads = [], []
            for _ in range(_ROUNDS):
                limits.append(await _pgbench(url, script, clients))
                loads.append(
                    await wrk.run(
                        *("record.lua", targets, scene.addresses["notes"]), clients=clients, seconds=_SECONDS
                    )
                )
                await scene.relayed()
        limit = median(limits)
        load = sorted(loads, key=lambda each: each.rate)[_ROUNDS // 2]
        front = await wrk.run("record.lua", targets, scene.front_door, clients=clients, seconds=_SECONDS)
        await scene.level()
        figures.append(
            results.Commands(
                clients=clients,
                rate=round(load.rate),
                limit=round(limit),
                ratio=round(load.rate / limit, 3),
                p50_ms=load.p50_ms,
                p99_ms=load.p99_ms,
                front_door=results.FrontDoor(
                    rate=round(front.rate), p50_ms=front.p50_ms, p99_ms=front.p99_ms
                ),
            )
        )
    return figures


async def _prepare(scene: Scene) -> str:
    url = await scene.new_database("pgbench")
    await database.migrate(url, "notes")
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO streams (ticket_id) SELECT 'B' || n FROM generate_series(1, $1::int) AS n", TICKETS
    )
    await connection.close()
    return url


async def _pgbench(url: str, script: Path, clients: int) -> float:
    process = await asyncio.create_subprocess_exec(
        str(postgres._binaries() / "pgbench"),
        *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"),
        *(f"--time={_SECONDS:.0f}", f"--file={script}", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    match = re.search(r"^tps = ([0-9.]+)", output.decode(), re.MULTILINE)
    if match is None:
        raise RuntimeError(f"pgbench failed:\n{output.decode()}{errors.decode()}")
    return float(match[1])
