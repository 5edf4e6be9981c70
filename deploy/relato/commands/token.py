"""`relato token`: a token of the local issuer, to call the API as someone."""

import asyncio
import json
from typing import Annotated

import typer

from relato import settings as stack_settings
from relato.commands.outcome import refuse, refusing
from relato.errors import StackError
from relato.issuer import keys, people
from relato.stack import databases, state
from relato.stack.home import Home


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def token(
        person: Annotated[str, typer.Option(help="The person_id to act as, for example ana.")],
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Print a token for that person, good for eight hours, and nothing else."""
        with refusing():
            home = Home(stack_settings.load().home)
            running = state.read(home)
            if running is None:
                refuse(f"Relato does not run from {home.root}. `relato up` starts it.")
            if not running.local_issuer:
                refuse(f"Tokens come from {running.issuer} here, not from the local issuer.")
            issued = asyncio.run(issue(home, running, person))
        print(json.dumps({"person_id": person, "token": issued}) if as_json else issued)


async def issue(home: Home, running: state.StackState, person_id: str) -> str:
    """A token that the running services accept; raises StackError when there is no such person."""
    person = await people.one(databases.address(running.postgres, "history"), person_id)
    if person is None:
        raise StackError(f"itsm.people knows no person {person_id!r}.")
    return keys.sign(
        keys.key(home.secrets),
        running.issuer,
        keys.AUDIENCE,
        person.person_id,
        {"name": person.name, "roles": people.roles(home.root, person.person_id)},
    )
