"""`relato events`: what happens on tickets, as CloudEvents in JSON, one a line; and what is done with it."""

import asyncio
import os
import select
import signal
import sys
from contextlib import aclosing
from typing import Annotated, Literal

import typer
from relato_contracts.topics import NOTES
from relato_runtime import cloudevent

from relato import records
from relato.commands import adopting, fact_types, heads, moving, republishing, running, verifying
from relato.commands.outcome import refusing
from relato.reach import Reach, reach


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="events")

    @group.callback()
    def _group() -> None:
        """What happened on tickets: read it, verify it, repair it."""

    verifying.register(group)
    republishing.register(group)
    moving.register(group)
    heads.register(group)
    adopting.register(group)
    running.register(group)

    @group.command()
    def tail(
        ticket: Annotated[str | None, typer.Option(help="Of this ticket alone.")] = None,
        type_: Annotated[
            str | None, typer.Option("--type", help="Of this type alone, such as OccurrenceRecorded.")
        ] = None,
        start: Annotated[Literal["start", "end"], typer.Option("--from", help="Where to begin.")] = "start",
        follow: Annotated[bool, typer.Option(help="Wait for what comes after the last.")] = True,
        _as_json: Annotated[bool, typer.Option("--json", help="Each line is JSON anyway.")] = False,
    ) -> None:
        """Print events as CloudEvents in JSON, one a line, until interrupted."""
        types = None if type_ is None else fact_types.meant(type_)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with refusing():
            try:
                asyncio.run(_print(reach(), ticket, types, start, follow))
            except KeyboardInterrupt:
                return
            except BrokenPipeError:
                # Whoever read has gone; the interpreter must not try to flush to them at its end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _print(
    reach: Reach, ticket: str | None, types: set[str] | None, start: Literal["start", "end"], follow: bool
) -> None:
    readers = select.poll()
    readers.register(sys.stdout.fileno(), select.POLLERR)
    async with aclosing(records.read(reach.kafka(), [NOTES], start=start, follow=follow)) as batches:
        async for batch in batches:
            for record in batch:
                if ticket is not None and record.key != ticket.encode():
                    continue
                event = cloudevent.from_record(record)
                if event is None:
                    where = f"{record.topic}, partition {record.partition}, offset {record.offset}"
                    print(f"No CloudEvent: {where}", file=sys.stderr)
                elif types is None or event["type"] in types:
                    print(cloudevent.as_line(event))
            sys.stdout.flush()
            if readers.poll(0):
                raise BrokenPipeError
