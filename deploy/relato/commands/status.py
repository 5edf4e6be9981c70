"""`relato status`: what runs, on which address, how far behind consumers are, and what waits for a person."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable
from typing import Annotated, TypeVar

import asyncpg
import psutil
import typer
from aiokafka.errors import KafkaError
from notes import outbox
from rich.console import Console
from rich.table import Table

from relato.commands import afar, tables, waiting
from relato.commands.outcome import refuse, refusing
from relato.commands.status_document import Broker, Process, Service, Status
from relato.reach import reach
from relato.stack import databases, state, strays
from relato.stack.lag import Lag, lags
from relato.stack.services import says

Answer = TypeVar("Answer")
_SECONDS = 4.0


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
        """Say what runs, on which address, how far behind each consumer is, and what waits for a person.

        With RELATO_PUBLIC_URL and RELATO_TOKEN it asks that installation, wherever it runs.
        """
        with refusing():
            where = reach()
            if where.given.public_url is not None and where.given.token is not None:
                _say(asyncio.run(afar.ask(where)), as_json)
                return
            home = where.home
            if where.running is None:
                refuse(
                    f"Relato does not run from {home.root}. `relato up` starts it; "
                    "RELATO_PUBLIC_URL and RELATO_TOKEN lead to one that runs elsewhere."
                )
            document = ask(where.running)
            stopped = strays.supervisor(home) is None
            if stopped:
                document["phase"] = "stopped"
            _say(document, as_json)
            if stopped:
                refuse(f"Relato stopped unexpectedly; its logs: {home.logs}. `relato up` starts it again.")


def _say(document: Status, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        _show(document)


def ask(running: state.StackState) -> Status:
    """What a stack that was started says about itself."""
    # That it cannot connect is an answer here, and stands in the document.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(_ask(running))


async def _ask(running: state.StackState) -> Status:
    """Ask everyone at once; who does not answer in time is down."""
    services, version, unpublished, consumers, measured = await asyncio.gather(
        asyncio.gather(*(_service(child) for child in running.children if child.service)),
        _answered(_version(databases.address(running.postgres, "postgres"))),
        _answered(_outbox(databases.address(running.postgres, "notes"))),
        _answered(lags(running.kafka)),
        waiting.measured(child.address for child in running.children if child.service and _alive(child)),
    )
    pending, oldest = unpublished if unpublished is not None else (None, None)
    return {
        "origin": running.origin,
        "phase": running.phase,
        "kafka": {
            "bootstrap": running.kafka,
            "version": running.kafka_version,
            "answers": consumers is not None,
        },
        "brokers": [
            _broker(child) for child in running.children if child.address in running.kafka.split(",")
        ],
        "postgres": {"version": version, "answers": version is not None},
        "mail": {"smtp": running.smtp, "http": running.mail_page},
        "services": list(services),
        "consumers": [_consumer(lag) for lag in consumers or []],
        "outbox": {"pending": pending, "oldest_seconds": oldest},
        "waiting": waiting.counted(measured),
        "processes": [_process(child) for child in running.children],
    }


async def _answered(question: Awaitable[Answer]) -> Answer | None:
    """The answer, or None from a server that is down."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await question
    except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None


async def _service(child: state.ChildState) -> Service:
    pid = _alive(child)
    why, remarks = await says(f"{child.address}/readyz") if pid else ("it does not run", {})
    return {
        "name": child.name,
        "service": child.service,
        "pid": pid,
        "address": child.address,
        "ready": why is None,
        "why": why,
        "remarks": remarks,
        "restarts": child.restarts,
    }


def _broker(child: state.ChildState) -> Broker:
    return {"name": child.name, "pid": _alive(child), "address": child.address}


async def _version(url: str) -> str:
    connection = await asyncpg.connect(url, timeout=_SECONDS)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close(timeout=1)


async def _outbox(url: str) -> tuple[int, float]:
    connection = await asyncpg.connect(url, timeout=_SECONDS)
    try:
        return await outbox.size(connection)
    finally:
        await connection.close(timeout=1)


def _consumer(lag: Lag) -> dict[str, str | int]:
    return {"group": lag.group, "topic": lag.topic, "lag": lag.lag}


def _process(child: state.ChildState) -> Process:
    return {
        "name": child.name,
        "pid": _alive(child),
        "address": child.address,
        "restarts": child.restarts,
        "last_exit": child.last_exit,
        "log": str(child.log),
    }


def _alive(child: state.ChildState) -> int | None:
    """Its pid while that process lives; the supervisor may have been killed since it wrote it down."""
    if child.pid is None or child.started is None:
        return None
    try:
        process = psutil.Process(child.pid)
        same = abs(process.create_time() - child.started) < 1
        return child.pid if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _show(document: Status) -> None:
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else tables.PIPED_WIDTH)
    console.print(f"Origin    {document['origin']}", highlight=False)
    console.print(
        f"Kafka     {document['kafka']['bootstrap'] or ''}  {_up(document['kafka'])}", highlight=False
    )
    console.print(
        f"Postgres  {document['postgres']['version'] or ''}  {_up(document['postgres'])}",
        highlight=False,
    )
    if mail := document["mail"]["http"] or document["mail"]["smtp"]:
        console.print(f"Mail      {mail}", highlight=False)
    whys = {service["name"]: service["why"] for service in document["services"]}
    processes = Table("process", "pid", "restarts", "state", box=None, pad_edge=False)
    processes.add_column("address", overflow="fold")
    if not document["processes"]:
        for service in document["services"]:
            processes.add_row(service["name"], "", "", service["why"] or "ready", service["address"])
    for process in document["processes"]:
        name = process["name"]
        words = "down" if process["pid"] is None else whys.get(name, "runs") or "ready"
        processes.add_row(
            name, str(process["pid"] or ""), str(process["restarts"]), words, process["address"]
        )
    console.print(processes)
    for service in document["services"]:
        for remark in service["remarks"].values():
            console.print(f"{service['name']}: {remark}", highlight=False)
    consumers = Table("consumer", "topic", "behind", box=None, pad_edge=False)
    for consumer in document["consumers"]:
        consumers.add_row(str(consumer["group"]), str(consumer["topic"]), str(consumer["lag"]))
    console.print(consumers)
    unsent = document["outbox"]
    if unsent["pending"] is None:
        console.print("Outbox    not known while its database is down")
    else:
        console.print(
            f"Outbox    {unsent['pending']} pending, the oldest for {unsent['oldest_seconds']:.1f} s"
        )
    waits = Table("waits for a person", "number", "command", box=None, pad_edge=False)
    for name, command in waiting.LOOKS.items():
        number = document["waiting"][name]
        waits.add_row(name.replace("_", " "), "not known" if number is None else str(number), command)
    console.print(waits)


def _up(server: dict[str, str | bool | None]) -> str:
    return "answers" if server["answers"] else "does not answer"
