"""One LISTEN connection a process: who follows a ticket is woken when something about it changed."""

import asyncio
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

import asyncpg
import structlog
from prometheus_client import Gauge
from relato_runtime import incarnation
from relato_runtime.database import Connection
from relato_runtime.readiness import Readiness

from portal_query.following import Changes, Follower, TicketsChanged

log = structlog.get_logger(__name__)

FOLLOWERS = Gauge("relato_ticket_followers", "Streams and requests that wait for news of a ticket")
HISTORY_CHANNEL = "history"
PRESENCE_CHANNEL = "portal_presence"
SETTINGS_CHANNEL = "settings"
READ_CHANNEL = "portal_chat_read"
SESSIONS_CHANNEL = "portal_sessions"
_CHECK_SECONDS = 10


class NotProjected(Exception):
    """The history projector has not made its read models yet."""


class Live:
    """Turns notifications of the database into news for those who follow tickets."""

    def __init__(self, url: str, readiness: Readiness, part: str) -> None:
        self._url = url
        self._readiness = readiness
        self._part = part
        self._followers: dict[str, set[Changes]] = {}
        self._lists: set[TicketsChanged] = set()

    @contextmanager
    def following(
        self, ticket_id: str, session: str | None = None, person_id: str | None = None
    ) -> Iterator[Changes]:
        """Be told of everything that happens to a ticket from now on, until the session that asks is over.

        With a person, of what they read of its chat elsewhere, too.
        """
        changes = Changes(session, person_id)
        self._followers.setdefault(ticket_id, set()).add(changes)
        FOLLOWERS.inc()
        try:
            yield changes
        finally:
            FOLLOWERS.dec()
            followers = self._followers[ticket_id]
            followers.discard(changes)
            if not followers:
                del self._followers[ticket_id]

    @contextmanager
    def following_all(self, person_id: str, session: str | None = None) -> Iterator[TicketsChanged]:
        """Be told to which tickets something happens from now on, and what the person reads elsewhere."""
        changes = TicketsChanged(person_id, session)
        self._lists.add(changes)
        try:
            yield changes
        finally:
            self._lists.discard(changes)

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is raised, and the next run begins afresh."""
        connection = await asyncpg.connect(self._url, timeout=5, command_timeout=5)
        lost = asyncio.Event()
        try:
            if not await connection.fetchval(_PROJECTED):
                raise NotProjected("the history projector has not made its read models yet")
            await incarnation.required(connection)
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(HISTORY_CHANNEL, self._on_history)
            await connection.add_listener(PRESENCE_CHANNEL, self._on_presence)
            await connection.add_listener(SETTINGS_CHANNEL, self._on_settings)
            await connection.add_listener(READ_CHANNEL, self._on_read)
            await connection.add_listener(SESSIONS_CHANNEL, self._on_sessions)
            # Nobody told us what happened while there was no connection. Browsers' streams begin anew,
            # and the front door says whose session is over.
            self._wake(list(self._followers), history=True, presence=True, settings=True, read=True)
            self._tell_lists(None)
            self._end(None)
            self._readiness.has(self._part)
            while not lost.is_set():
                await connection.execute("SELECT 1")  # a connection that died silently shows here
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), _CHECK_SECONDS)
            raise ConnectionError("the connection that listens was lost")
        finally:
            connection.terminate()

    def _on_history(self, _connection: Connection, _pid: int, _channel: str, payload: object) -> None:
        told = json.loads(str(payload))
        # Operators switched to other tables: each may have had news that the others had not.
        everything = bool(told.get("everything"))
        self._wake(list(self._followers) if everything else told["tickets"], history=True, presence=False)
        self._tell_lists(None if everything else told["tickets"])

    def _on_presence(self, _connection: Connection, _pid: int, _channel: str, payload: object) -> None:
        self._wake([str(payload)], history=False, presence=True)

    def _on_settings(self, _connection: Connection, _pid: int, _channel: str, _payload: object) -> None:
        self._wake(list(self._followers), history=False, presence=False, settings=True)

    def _on_read(self, _connection: Connection, _pid: int, _channel: str, payload: object) -> None:
        told = json.loads(str(payload))
        for changes in self._lists:
            if changes.person_id == told["person"]:
                changes.wake([told["ticket"]])
        for page in self._followers.get(told["ticket"], ()):
            if page.person_id == told["person"]:
                page.wake(read=True)

    def _on_sessions(self, _connection: Connection, _pid: int, _channel: str, payload: object) -> None:
        self._end(str(payload).split())

    def _end(self, sessions: Collection[str] | None) -> None:
        everybody: list[Follower] = [*self._lists]
        for some in self._followers.values():
            everybody += some
        for each in everybody:
            if each.session is not None and (sessions is None or each.session in sessions):
                each.end()

    def _tell_lists(self, tickets: Collection[str] | None) -> None:
        for changes in self._lists:
            changes.wake(tickets)

    def _wake(
        self,
        ticket_ids: Iterable[str],
        *,
        history: bool,
        presence: bool,
        settings: bool = False,
        read: bool = False,
    ) -> None:
        for ticket_id in ticket_ids:
            for changes in self._followers.get(ticket_id, ()):
                changes.wake(history=history, presence=presence, settings=settings, read=read)


# From the catalogue, because this role may not look into the schema itself.
_PROJECTED = """
SELECT EXISTS (SELECT FROM pg_views WHERE schemaname = 'history' AND viewname = 'requester_tickets')
   AND EXISTS (
       SELECT FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace
       WHERE n.nspname = 'requesters' AND proname = 'gone'
   )
"""
