"""`relato projections`: the generations of the read models."""

import asyncio
import json
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from history_projector import generations
from history_projector.generations import Projection

from relato.commands import tables
from relato.commands.outcome import refusing
from relato.connected import connected
from relato.reach import Reach, reach
from relato.stack.lag import lags


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="projections")

    @group.callback()
    def _group() -> None:
        """Read models: which generations there are, and how far each is."""

    @group.command("list")
    def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
        """List the generations, which of them is live, and how far behind each is."""
        with refusing():
            projections = asyncio.run(_listed(reach()))
        if as_json:
            print(json.dumps(projections))
        else:
            _show(projections)


async def _listed(reach: Reach) -> list[Projection]:
    behind = await _behind(reach)
    async with connected(reach, "history") as connection:
        return await generations.listed(connection, behind)


async def _behind(reach: Reach) -> dict[str, int]:
    """How many records each consumer has still to take in; of none while the broker is away."""
    settings = reach.kafka()
    behind: dict[str, int] = {}
    try:
        async with asyncio.timeout(5):
            prefix = f"{settings.topic_prefix}relato."
            for lag in await lags(settings.kafka_bootstrap, prefix=prefix):
                name = lag.group.removeprefix(prefix)
                behind[name] = behind.get(name, 0) + lag.lag
    except (KafkaError, OSError):
        return {}
    return behind


def _show(projections: list[Projection]) -> None:
    tables.show(
        ("projection", "generation", "state", "applied", "behind", "a second"),
        (
            (
                *(each["projection"], str(each["generation"]), each["state"], str(each["applied"])),
                *("unknown" if each["behind"] is None else str(each["behind"]), str(each["rate"])),
            )
            for each in projections
        ),
    )
