"""Exceptions in words that hold nothing of what people wrote: some libraries quote it in their messages."""

import sys
import traceback

import asyncpg
from pydantic import ValidationError
from structlog.types import EventDict

_LONGEST = 300


def described(error: BaseException) -> str:
    """An exception's type and what it says, without the values that it says it about."""
    kind = type(error).__name__
    match error:
        case asyncpg.PostgresError():
            # The server's message and detail quote keys and whole rows.
            about = {
                name: getattr(error, name, None) for name in ("sqlstate", "table_name", "constraint_name")
            }
            said = " ".join(f"{name}={value}" for name, value in about.items() if value)
        case asyncpg.DataError():
            said = ""  # quotes the argument
        case ValidationError():
            places = ["/".join(map(str, each["loc"])) + f": {each['type']}" for each in error.errors()[:5]]
            said = f"{error.title}: {'; '.join(places)}"
        case _:
            said = str(error)[:_LONGEST]
    return f"{kind}: {said}" if said else kind


def traced(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the exception with where it came from, and what caused it."""
    info = event.pop("exc_info", None)
    if not info:
        return event
    if isinstance(info, tuple):
        info = info[1]
    error = info if isinstance(info, BaseException) else sys.exc_info()[1]
    chain: list[str] = []
    while error is not None:
        frames = traceback.StackSummary.extract(
            traceback.walk_tb(error.__traceback__), lookup_lines=False, capture_locals=False
        )
        places = [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in frames
        ]
        chain.append("\n  ".join([described(error), *places]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if chain:
        event["exception"] = "\nfrom ".join(chain)
    return event
