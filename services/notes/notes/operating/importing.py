"""An export into an empty log: uploaded by pieces, then taken in by ticket, each whole or not at all."""

from collections.abc import Sequence
from typing import Annotated, Literal

import asyncpg
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from relato_contracts.envelope import Undecodable
from relato_runtime import jobs
from relato_runtime.cloudevent import to_record
from relato_runtime.database import Pool
from relato_runtime.jobs import Finding, Job
from relato_runtime.operations import Operation
from relato_runtime.refusals import Refused
from relato_runtime.settings import ServiceSettings

from notes.operating import adopt, imports
from notes.operating.adopt import Arrival
from notes.operating.exporting import EXTENSIONS

IMPORT = "import"
_HEADERS = {f"ce_{extension}": name for name, extension in EXTENSIONS.items()}


class Upload(BaseModel):
    """A piece of an export."""

    model_config = ConfigDict(extra="forbid")

    first: StrictBool = False
    """Forget what was uploaded before."""
    lines: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    """CloudEvents in JSON, as an export has them."""


class Import(BaseModel):
    """What an import does, or with ``dry_run`` would do."""

    job: int | None
    dry_run: bool
    tickets: int
    events: int
    mails: Literal[0] = 0
    """Nobody is mailed about what happened elsewhere."""


async def upload(pool: Pool, person_id: str, piece: Upload) -> None:
    """Keep a piece of an export until it is taken in; raises ``Refused``."""
    lines = [_placed(number, line) for number, line in enumerate(piece.lines, 1)]
    async with pool.acquire() as connection, connection.transaction():
        await _allowed(connection)
        if (other := await imports.uploading(connection, person_id)) is not None:
            raise Refused(f"{other} is uploading an export.")
        if piece.first:
            await imports.clear(connection)
        try:
            await imports.keep(connection, person_id, lines)
        except asyncpg.UniqueViolationError as error:
            raise Refused("A version of a ticket comes twice.") from error


async def ask(pool: Pool, operation: Operation, replay_id: str) -> Import:
    """Begin to take in what was uploaded, or only say what that is; raises ``Refused`` and ``Held``."""
    async with pool.acquire() as connection:
        await _allowed(connection)
        tickets, events = await imports.count(connection)
    if not events:
        raise Refused("Nothing was uploaded.")
    job = await jobs.ask(pool, operation, {"replay_id": replay_id, "events": events}, f"{events} events")
    return Import(job=job, dry_run=operation.dry_run, tickets=tickets, events=events)


async def take_in(settings: ServiceSettings, job: Job) -> None:
    """Go on with an import from where it had come to."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=600
    )
    try:
        while (next_one := await imports.following(connection)) is not None:
            ticket_id, lines = next_one
            try:
                async with connection.transaction():
                    await _take(connection, arrivals(lines), str(job.wish["replay_id"]))
                    await imports.forget(connection, ticket_id)
                    job = await jobs.step(
                        connection, job, {"ticket": ticket_id}, done=len(lines), total=job.wish["events"]
                    )
            except Refused as error:
                async with connection.transaction():
                    await imports.forget(connection, ticket_id)
                    refused = Finding("not-imported", ticket_id, detail={"reason": str(error)})
                    job = await jobs.step(
                        connection, job, {"ticket": ticket_id}, done=len(lines), findings=[refused]
                    )
        await jobs.finish(connection, job)
    finally:
        await connection.close(timeout=2)


def arrivals(lines: Sequence[str]) -> list[Arrival]:
    """Pure: a ticket's events from their lines; ``Refused`` unless they are its whole stream."""
    records = [to_record(line, "") for line in lines]
    for record in records:
        record.headers[:] = [  # type: ignore[index]  # a list, as ``to_record`` made it
            (_HEADERS.get(name, name), raw) for name, raw in record.headers
        ]
    found = adopt.ours(records)
    if [each.version for each in found] != list(range(1, len(lines) + 1)):
        raise Refused("its versions are not 1, 2, 3 … without a hole")
    return found


async def _take(
    connection: "asyncpg.Connection[asyncpg.Record]", found: Sequence[Arrival], replay: str
) -> None:
    try:
        adopted = await adopt.log(connection, found)
    except asyncpg.UniqueViolationError as error:
        raise Refused("the log has one of its events under another ticket") from error
    if adopted.diverged:
        raise Refused("something was recorded on it meanwhile")
    await imports.replayed(connection, [each.event_id for each in found], replay)


async def _allowed(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    if await imports.filled(connection):
        raise Refused("The log has events already; an import fills an empty one.")


def _placed(number: int, line: str) -> tuple[str, int, str]:
    try:
        found = adopt.ours([to_record(line, "")])
    except Undecodable as error:
        raise Refused(f"Line {number}: {error}.") from error
    if not found or "\0" in line:
        raise Refused(f"Line {number} is no event that notes has recorded.")
    return found[0].fact.ticket_id, found[0].version, line
