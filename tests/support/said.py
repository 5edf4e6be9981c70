"""What must never stand in a log: secrets, tokens, cookies, addresses, and whatever people wrote."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from relato.demo.facts import company
from relato_contracts.itsm import GroupSaved, ParameterSaved, PersonSaved

_LEAST = 8
"""Characters; shorter texts stand in logs by chance."""
_WRITTEN = {
    "description", "description_html", "description_text", "solution_html", "solution_text",
    "text", "text_html", "html", "title", "subject", "reason",
}  # fmt: skip
"""Fields that hold what people write."""
_TAGS = re.compile(r"<[^>]*>|\n")
_PUBLIC = {"kty", "use", "alg", "kid", "n", "e"}
"""Of a key, what everybody may know (RFC 7517 and RFC 7518 §6.3.1)."""
_LOOKS_SECRET = {
    "a token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),
    "a session's cookie": re.compile(r"relato_session=[\w-]"),
    # What secrets.token_urlsafe(32) makes: ids of sessions, and secrets.
    "what looks like a secret": re.compile(
        r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]{43}(?![\w-])", re.ASCII
    ),
}


class Written:
    """What people wrote, line by line, as it would stand in a log."""

    def __init__(self) -> None:
        self.lines: set[str] = set()

    async def on_request(self, request: httpx.Request) -> None:
        """Take note of what a client sends, whatever becomes of it."""
        if request.headers.get("content-type", "").startswith("application/json"):
            try:
                self.add(json.loads(await request.aread()))
            except ValueError:
                return  # what is no JSON says nothing

    def add(self, value: Any) -> None:
        """Take note of what people wrote in a JSON value."""
        if isinstance(value, Mapping):
            # What became of what was held back has a code for a reason.
            fields = {**value, "reason": None} if value.get("release_outcome") else value
            for name, each in fields.items():
                if isinstance(each, str) and name in _WRITTEN:
                    self.lines |= set(lines(each))
                else:
                    self.add(each)
        elif isinstance(value, list):
            for each in value:
                self.add(each)


def lines(text: str) -> Iterator[str]:
    """The lines of a text, without its mark-up, that are long enough to be recognised."""
    for line in _TAGS.split(text):
        plain = html.unescape(line).strip()
        if len(plain) >= _LEAST:
            yield plain


async def recorded(notes_url: str) -> Written:
    """All that people wrote in any journey: facts, drafts."""
    written = Written()
    connection = await asyncpg.connect(notes_url)
    try:
        for statement in ("SELECT data::text FROM events", "SELECT body::text FROM drafts"):
            for (text,) in await connection.fetch(statement):
                written.add(json.loads(text))
    finally:
        await connection.close()
    return written


def secrets(directory: Path) -> set[str]:
    """Every secret of an installation."""
    found: set[str] = set()
    for path in directory.iterdir():
        text = path.read_text().strip()
        try:
            found |= set(_leaves(json.loads(text)))
        except ValueError:
            found.add(text)
    return found


def addresses() -> set[str]:
    """All mail addresses of the demonstration's company."""
    found: set[str] = set()
    for fact in company():
        match fact:
            case PersonSaved(email=str() as email):
                found.add(email)
            case GroupSaved():
                found |= set(fact.emails)
            case ParameterSaved(number=10):
                found.add(fact.value)
    return found


def leaks(logs: Path, known: Iterable[str]) -> list[str]:
    """Where a log has one of these, or what looks like a token, a cookie or a secret."""
    words = sorted(set(known))
    found = []
    for path in sorted(logs.rglob("*")):
        if not path.is_file():
            continue
        log = path.read_text(errors="replace")
        found += [f"{path.name} has {word!r}" for word in words if any(form in log for form in _forms(word))]
        for what, pattern in _LOOKS_SECRET.items():
            if match := pattern.search(log):
                line = log[log.rfind("\n", 0, match.start()) + 1 :].partition("\n")[0]
                found.append(f"{path.name} has {what}: {line[:300]}")
    return found


def _forms(word: str) -> set[str]:
    """As it is, and as JSON writes it."""
    return {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _PUBLIC:
                yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, str):
        yield value
