"""Who reads a page, and how they read: language, zone, and which parts of the product are theirs."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from fastapi import Request
from relato_contracts.fields import EARLIEST, LATEST
from relato_runtime.database import Pool
from relato_runtime.problems import Problem

from portal_query import read, read_people
from portal_query.http import Portal
from portal_query.pages import words


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody before a page; nobody is known by name before the login."""

    language: str
    zone: tzinfo = UTC
    person_id: str = ""
    name: str = ""
    has_desk: bool = False
    is_administrator: bool = False
    is_operator: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def locale(self) -> Locale:
        """Their formats."""
        return words.locale(self.language)

    def moment(self, wall: str) -> datetime | None:
        """A moment by the clock of their zone, as a form sends it; ``Problem`` 422 for what is no time."""
        if not wall:
            return None
        with suppress(ValueError):
            moment = datetime.fromisoformat(wall).replace(tzinfo=self.zone)
            if EARLIEST <= moment <= LATEST:
                return moment
        raise Problem(422, "invalid", f"Expected a date and time between {EARLIEST.year} and {LATEST.year}.")

    @property
    def zone_name(self) -> str:
        """Their zone as IANA names it."""
        return getattr(self.zone, "key", "UTC")


def stranger(request: Request) -> Reader:
    """Somebody of whom only the browser is known."""
    return Reader(words.preferred(request.headers.get("accept-language", "")))


class Readers:
    """Finds out who reads."""

    def __init__(self, portal: Portal, executors: Pool, requesters: Pool) -> None:
        self._portal = portal
        self._executors = executors
        self._requesters = requesters

    async def of(self, request: Request) -> Reader:
        """The reader of a request, as a FastAPI dependency; ``Problem`` 401 without a session."""
        caller = await self._portal.caller(request)
        known = await read_people.person(self._requesters, caller.person_id)
        nobody = stranger(request)
        reader = Reader(
            language=known["language"] if known and known["language"] in words.LANGUAGES else nobody.language,
            zone=_zone(known["time_zone"]) if known else UTC,
            person_id=caller.person_id,
            name=known["name"] if known else caller.name,
            has_desk=await read.is_executor(self._executors, caller.person_id),
            is_administrator="administrator" in caller.roles,
            is_operator="operator" in caller.roles,
        )
        request.state.reader = reader
        return reader


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
