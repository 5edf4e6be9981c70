"""Backups put back: databases older than the broker, and a broker older than the databases."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

from relato.records import read
from relato.stack import postgres
from relato.stack.databases import OWNERS
from relato.stack.home import Home
from relato.stack.services import SERVICES
from relato_contracts.topics import NOTES

from tests.faults.load import Told
from tests.faults.run import Under
from tests.faults.site import Site


async def broker_newer(under: Under) -> None:
    """All databases are put back as a dump under load had them; the broker knows what came after."""
    site, load = under.site, under.load
    await load.reached(0.3)
    known = list(load.acknowledged)
    with tempfile.TemporaryDirectory() as directory:
        dumps = {database: Path(directory) / database for database in OWNERS}
        await asyncio.gather(*(_dump(site, database, dump) for database, dump in dumps.items()))
        await load.reached(0.5)
        async with site.held(*SERVICES):
            for database, dump in dumps.items():
                await _restore(site, database, dump)
            await _forget_lost(under, known)


async def broker_older(under: Under) -> None:
    """The broker's disk is put back as it was a while ago; the databases know what came after."""
    site, load = under.site, under.load
    await load.reached(0.2)
    known = list(load.acknowledged)
    data = Home(site.stack.home).kafka / "data"
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "data"
        broker = await site.kill("kafka", signal.SIGSTOP)
        try:
            await asyncio.to_thread(shutil.copytree, data, copy)
        finally:
            os.kill(broker, signal.SIGCONT)
        await load.reached(0.5)
        async with site.held(*SERVICES, "kafka"):
            await asyncio.to_thread(shutil.rmtree, data)
            await asyncio.to_thread(shutil.copytree, copy, data)
            # Whoever published facts of the ITSM since then would have to publish them again.
            for told in load.acknowledged:
                if told not in known and told.step.kind == "save":
                    told.outcome = "lost"


async def _dump(site: Site, database: str, dump: Path) -> None:
    await _tool("pg_dump", "--format=custom", f"--file={dump}", _dsn(site, database))


async def _restore(site: Site, database: str, dump: Path) -> None:
    async with site.sql("postgres") as sql:
        await sql.execute(f"DROP DATABASE {database} WITH (FORCE)")
    await _tool("pg_restore", "--create", f"--dbname={_dsn(site, 'postgres')}", str(dump))


def _dsn(site: Site, database: str) -> str:
    return postgres.dsn(Home(site.stack.home).postgres, database=database)


async def _tool(name: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs; it has to succeed."""
    process = await asyncio.create_subprocess_exec(
        str(postgres._binaries() / name), *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, f"{name}: {errors.decode()}"


async def _forget_lost(under: Under, known: list[Told]) -> None:
    """What was acknowledged after the dump began and is not on Kafka may be lost; nothing else may."""
    async with under.site.sql("notes") as sql:
        rows = await sql.fetch("SELECT ticket_id, version FROM events")
    there = {(row["ticket_id"], row["version"]) for row in rows}
    async for records in read(under.site.kafka, [NOTES]):
        for record in records:
            version = (dict(record.headers).get("ce_streamversion") or b"").decode()
            if version.isdigit():
                there.add(((record.key or b"").decode(), int(version)))
    for told in under.load.acknowledged:
        accepted, kind = told.accepted, told.step.kind
        # Drafts are nowhere else; what is published for the ITSM is on Kafka alone.
        kept = kind == "save" if accepted is None else (accepted.ticket_id, accepted.version) in there
        if told not in known and not kept:
            told.outcome = "lost"
