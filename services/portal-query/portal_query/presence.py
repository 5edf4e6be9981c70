"""Who has a ticket open: kept for seconds, told to streams by NOTIFY and to other services by Kafka."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog
from relato_contracts.envelope import Envelope, encode
from relato_contracts.presence import PersonPresent, PresenceState
from relato_contracts.topics import PRESENCE
from relato_runtime import kafka
from relato_runtime.database import Pool
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.readiness import Readiness
from relato_runtime.settings import KafkaSettings
from relato_runtime.telemetry import current_traceparent
from uuid6 import uuid7

from portal_query.live import PRESENCE_CHANNEL
from portal_query.read import Row

log = structlog.get_logger(__name__)

Role = Literal["attendant", "requester"]
_SWEEP_SECONDS = 2
_WAITING_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class Present:
    """What a page says about the person before it."""

    person_id: str
    name: str
    role: Role
    state: PresenceState
    for_team: bool = False
    """What they write is internal so far."""
    page: str = ""
    """Which of their pages says so."""


class Presence:
    """Takes in what pages say about who is there."""

    def __init__(self, pool: Pool, settings: KafkaSettings, *, lasting: timedelta) -> None:
        self._pool = pool
        self._settings = settings
        self.lasting = lasting
        """For how long somebody counts as there who said so once."""
        self._waiting: asyncio.Queue[OutgoingRecord] = asyncio.Queue(_WAITING_RECORDS)

    async def say(self, ticket_id: str, who: Present) -> None:
        """Somebody is there, or has closed a page; followers are told when that is new."""
        person_id, state = who.person_id, who.state
        now = datetime.now(UTC)
        until = now + self.lasting
        page = (ticket_id, person_id, who.role, who.page, PRESENCE_CHANNEL)
        if state == "gone":
            await self._pool.execute(_LEAVE, *page)
            # Asked afterwards: of pages that are closed at once the last one sees that none is left.
            left = await self._pool.fetchrow(_LEFT, ticket_id, person_id)
            state, until = ("gone", now) if left is None else (left["state"], left["until"])
        else:
            await self._pool.execute(_STAY, *page, who.name, state, self.lasting, who.for_team)
        self._hand_over(
            PersonPresent(ticket_id=ticket_id, person_id=person_id, state=state, until=until), now
        )

    async def of(self, ticket_id: str) -> list[Row]:
        """Who has the ticket open, by name: somebody with several pages writes if they do so on one."""
        return await self._pool.fetch(
            """
            SELECT person_id, name, role, state, for_team FROM (
                SELECT DISTINCT ON (person_id, role) * FROM portal.open_pages
                WHERE ticket_id = $1 AND until > now()
                ORDER BY person_id, role, state = 'writing' DESC, for_team
            ) AS people ORDER BY name, person_id, role
            """,
            ticket_id,
        )

    async def publish(self) -> None:
        """A loop that brings what was said to Kafka; what cannot be sent is soon worth nothing."""
        async with kafka.producing(self._settings) as producer:
            while True:
                records = [await self._waiting.get()]
                while not self._waiting.empty():
                    records.append(self._waiting.get_nowait())
                await kafka.send(producer, records)

    async def sweep(self, readiness: Readiness, part: str) -> None:
        """A loop that forgets those whose pages fell silent, and tells followers."""
        while True:
            await self._pool.execute(_FORGET, PRESENCE_CHANNEL)
            readiness.has(part)
            await asyncio.sleep(_SWEEP_SECONDS)

    def _hand_over(self, fact: PersonPresent, now: datetime) -> None:
        envelope = Envelope(
            id=str(uuid7()),
            source="/relato/portal-query",
            time=now,
            subject=fact.ticket_id,
            actor=fact.person_id,
            traceparent=current_traceparent(),
        )
        if self._waiting.full():
            self._waiting.get_nowait()  # the oldest is worth least
        self._waiting.put_nowait(
            OutgoingRecord(self._settings.topic_prefix + PRESENCE.name, *encode(fact, envelope))
        )


_STAY = """
WITH known AS (
    SELECT state, for_team FROM portal.open_pages
    WHERE ticket_id = $1 AND person_id = $2 AND role = $3 AND page = $4 AND until > now()
), said AS (
    INSERT INTO portal.open_pages (ticket_id, person_id, role, page, name, state, until, for_team)
    VALUES ($1, $2, $3, $4, $6, $7, now() + $8::interval, $9)
    ON CONFLICT (ticket_id, person_id, role, page)
    DO UPDATE SET name = excluded.name, state = excluded.state, until = excluded.until,
        for_team = excluded.for_team
)
SELECT pg_notify($5, $1) WHERE NOT EXISTS (SELECT FROM known WHERE state = $7 AND for_team = $9)
"""
_LEAVE = """
WITH gone AS (
    DELETE FROM portal.open_pages
    WHERE ticket_id = $1 AND person_id = $2 AND role = $3 AND page = $4 RETURNING ticket_id
)
SELECT pg_notify($5, ticket_id) FROM gone
"""
_LEFT = """
SELECT state, until FROM portal.open_pages
WHERE ticket_id = $1 AND person_id = $2 AND until > now() ORDER BY until DESC LIMIT 1
"""
_FORGET = """
WITH gone AS (DELETE FROM portal.open_pages WHERE until <= now() RETURNING ticket_id)
SELECT pg_notify($1, ticket_id) FROM (SELECT DISTINCT ticket_id FROM gone) AS tickets
"""
