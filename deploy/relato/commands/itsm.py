"""`relato itsm put`: publish facts of the ITSM where there is none to do it."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import httpx
import typer
from pydantic import JsonValue, TypeAdapter, ValidationError
from relato_contracts.itsm import KINDS, ItsmFact, Kind
from relato_contracts.topics import key_of

from relato.commands.outcome import refusing
from relato.errors import StackError
from relato.reach import Reach, reach

_json: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="itsm")

    @group.callback()
    def _group() -> None:
        """Facts of the ITSM, for installations without one."""

    @group.command()
    def put(
        kind: Annotated[Kind, typer.Argument(help="What the facts are about.")],
        file: Annotated[str, typer.Argument(help="JSON: one fact or a list; - reads standard input.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the facts.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Publish facts as an administrator, each as it stands on its topic."""
        with refusing():
            facts = read(kind, _text(file))
            if not dry_run:
                asyncio.run(_publish(reach(), kind, facts))
        ids = [key_of(fact) for fact in facts]
        if as_json:
            print(json.dumps({"kind": kind, "ids": ids, "dry_run": dry_run}))
        else:
            words = "Would publish" if dry_run else "Published"
            print(f"{words} {len(ids)} of {kind}: {', '.join(ids)}", file=sys.stderr)


def read(kind: Kind, text: str) -> Sequence[ItsmFact]:
    """The facts of a JSON document, one or a list; raises StackError with all that is wrong with them."""
    try:
        document = _json.validate_json(text)
    except ValidationError as error:
        raise StackError(f"This is not JSON: {error.errors(include_url=False)[0]['msg']}.") from None
    given = document if isinstance(document, list) else [document]
    facts: list[ItsmFact] = []
    wrong: list[str] = []
    for place, body in enumerate(given):
        where = f"/{place}" if isinstance(document, list) else ""
        try:
            facts.append(KINDS[kind].model_validate_json(json.dumps(body), extra="forbid"))
        except ValidationError as error:
            wrong += [
                f"{where}/{'/'.join(str(step) for step in each['loc'])}: {each['msg']}"
                for each in error.errors(include_input=False, include_url=False)
            ]
    if wrong:
        raise StackError("\n".join(wrong))
    return facts


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise StackError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise StackError(f"{file} is not UTF-8 text.") from error


async def _publish(reach: Reach, kind: Kind, facts: Sequence[ItsmFact]) -> None:
    headers = {"Authorization": f"Bearer {reach.administrators_token()}"}
    base = f"{reach.origin()}/api/notes/itsm/{kind}"
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as client:
        for done, fact in enumerate(facts):
            body = fact.model_dump(mode="json", exclude_none=True)
            try:
                answer = await client.put(f"{base}/{key_of(fact)}", json=body)
                while answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
                    answer = await client.put(f"{base}/{key_of(fact)}", json=body)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
                raise StackError(f"notes does not answer: {reason}. {_so_far(done, facts)}") from error
            if not answer.is_success:
                raise StackError(f"{key_of(fact)} was refused: {_reason(answer)} {_so_far(done, facts)}")


def _reason(answer: httpx.Response) -> str:
    try:
        problem = cast("dict[str, JsonValue]", answer.json())
        return f"{answer.status_code} {problem.get('detail') or problem.get('title')}"
    except (ValueError, AttributeError):
        return f"{answer.status_code} {answer.reason_phrase}."


def _so_far(done: int, facts: Sequence[ItsmFact]) -> str:
    return f"{done} of {len(facts)} were published."
