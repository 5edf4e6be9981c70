"""Claim, hand over, record: for as many mails at a time as there are senders."""

import asyncio
import random
from collections import deque
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from asyncpg import InternalClientError
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from relato_runtime import telemetry
from relato_runtime.database import UNAVAILABLE, Pool
from relato_runtime.readiness import Readiness
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from notifier import clock, leases, test_mails
from notifier.leases import Leased, Result
from notifier.rates import Rate
from notifier.retry import Patience, next_attempt
from notifier.settings import NotifierSettings
from notifier.smtp import MailConnection, Permanent, Refusal, Transient

log = structlog.get_logger(__name__)

ATTEMPTS = Counter("relato_mail_attempts", "Attempts to hand a mail over, by what they came to", ["state"])
SECONDS = Histogram("relato_mail_submission_seconds", "How long the mail server took over one mail")

_AHEAD = 4
"""Mails claimed at once, for each sender: those that wait cost nobody anything, claiming does."""
_POLL_SECONDS = 0.05
_EXPIRE_SECONDS = 1.0
_TIDY_SECONDS = 600.0
_STOP_SECONDS = 6.0
# asyncpg reports a connection that the server has just ended, and that it has not seen close yet,
# as an error of its own state.
_AWAY = (*UNAVAILABLE, InternalClientError)


class Sender:
    """Sends what is due, from one process of possibly several."""

    def __init__(self, settings: NotifierSettings, pool: Pool, readiness: Readiness, part: str) -> None:
        self._settings = settings
        self._pool = pool
        self._readiness = readiness
        self._part = part
        self._patience = Patience(
            attempts=settings.attempts_limit,
            first=timedelta(seconds=settings.first_retry_seconds),
            longest=timedelta(seconds=settings.longest_retry_seconds),
            age=settings.age_limit,
        )
        self._planned = asyncio.Event()
        self._limits = {
            "recipient": Rate(settings.recipient_per_minute, settings.recipient_burst),
            "domain": Rate(settings.domain_per_minute, settings.domain_burst),
        }

    def wake(self) -> None:
        """Say that mails may have been planned by this process."""
        self._planned.set()

    async def run(self) -> None:
        """Send until cancelled, then finish what has begun; whatever breaks is raised."""
        lease = uuid4()
        connections = [self._connection() for _ in range(self._settings.senders)]
        busy: dict[asyncio.Task[None], MailConnection] = {}
        waiting: deque[Leased] = deque()
        patience = self._settings.lease_seconds
        try:
            self._readiness.has(self._part)
            while True:
                self._planned.clear()
                any_due = False
                if not waiting:
                    claimed, any_due = await self._claim(lease)
                    waiting.extend(claimed)
                idle = [each for each in connections if each not in busy.values()]
                for connection in idle[: len(waiting)]:
                    mail = waiting.popleft()
                    busy[asyncio.create_task(self._deliver(mail, connection, lease))] = connection
                if any_due and not busy:
                    continue  # all that was due waits for its turn; more may be due
                await self._wait(busy, polling=len(busy) < len(connections))
        except asyncio.CancelledError:
            patience = _STOP_SECONDS
            raise
        finally:
            try:
                await self._release(waiting, lease)
            finally:
                await self._finish(busy, patience)
                for each in connections:
                    each.close()

    async def _claim(self, lease: UUID) -> tuple[list[Leased], bool]:
        number = _AHEAD * self._settings.senders
        return await leases.claim(self._pool, number, lease, self._settings.lease, self._limits)

    async def _release(self, waiting: Collection[Leased], lease: UUID) -> None:
        """What was not begun goes to whoever is next; should that fail, when the lease has run out."""
        if waiting:
            try:
                await leases.release(self._pool, list(waiting), lease)
            except _AWAY as error:
                log.warning("mails not given back", number=len(waiting), error=type(error).__name__)

    async def _wait(self, busy: dict[asyncio.Task[None], MailConnection], *, polling: bool) -> None:
        """Until a sender is free or, where one already is, until it is time to look for mails again."""
        planned = asyncio.create_task(self._planned.wait())
        try:
            done, _ = await asyncio.wait(
                {*busy, planned} if polling else set(busy),
                timeout=_POLL_SECONDS if polling else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            planned.cancel()
        for task in [each for each in busy if each in done]:
            busy.pop(task)
            task.result()

    async def _finish(self, busy: dict[asyncio.Task[None], MailConnection], patience: float) -> None:
        """Let what has begun come to its end; what does not becomes uncertain when its lease runs out."""
        if not busy:
            return
        try:
            done, _ = await asyncio.wait(busy, timeout=patience)
        finally:
            for task in busy:
                task.cancel()
        for task in done:
            if (error := task.exception()) is not None:
                log.error("mail not recorded", exc_info=error)

    async def _deliver(self, mail: Leased, connection: MailConnection, lease: UUID) -> None:
        since = telemetry.now()
        try:
            await connection.ready()
            if not await leases.submitting(self._pool, mail, lease, self._settings.lease):
                log.info("mail not sent: taken back, or the lease ran out", mail_id=str(mail.mail_id))
                return
            with SECONDS.time():
                code, answer = await connection.submit(mail.sender, mail.recipient, mail.source)
            result = Result("accepted", code, answer)
        except Refusal as refusal:
            result = self._judge(mail, refusal)
        await self._record(mail, lease, result)
        telemetry.past(
            "send mail",
            mail.traceparent,
            since,
            kind=SpanKind.CLIENT,
            failed=result.state != "accepted",
            relato__mail_id=str(mail.mail_id),
            relato__ticket_id=mail.ticket_id,
            relato__state=result.state,
        )

    def _judge(self, mail: Leased, refusal: Refusal) -> Result:
        if isinstance(refusal, Permanent):
            return Result("rejected", refusal.code, refusal.answer)
        if not isinstance(refusal, Transient):
            return Result("uncertain", refusal.code, refusal.answer)
        due_at = next_attempt(
            mail.attempt,
            mail.planned_at,
            datetime.now(UTC),
            random.random(),  # noqa: S311  # jitter, not a secret
            self._patience,
        )
        return Result("dead" if due_at is None else "retry", refusal.code, refusal.answer, due_at)

    async def _record(self, mail: Leased, lease: UUID, result: Result) -> None:
        """While the database is away the answer is kept in mind: it is known, and should not be uncertain."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(_AWAY),
            stop=stop_after_delay(self._settings.lease_seconds),
            wait=wait_exponential_jitter(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt:
                recorded = await leases.record(self._pool, mail, lease, result)
        ATTEMPTS.labels(result.state).inc()
        log.info(
            "mail" if recorded else "mail decided elsewhere",
            mail_id=str(mail.mail_id),
            ticket_id=mail.ticket_id,
            state=result.state,
            code=result.code,
            attempt=mail.attempt,
            trace_id=telemetry.trace_id(mail.traceparent),
        )

    def _connection(self) -> MailConnection:
        settings = self._settings
        return MailConnection(
            settings.mail_server, settings.smtp_connect_seconds, settings.smtp_timeout_seconds
        )


async def keep_house(pool: Pool, lease: timedelta, readiness: Readiness, part: str) -> None:
    """Decide about leases that ran out, and forget what no longer counts."""
    readiness.has(part)
    now = asyncio.get_running_loop().time
    tidied = now()
    while True:
        if back := await clock.follow(pool, lease):
            log.warning("the clock was set back", seconds=back.total_seconds())
        if uncertain := await leases.expire(pool):
            ATTEMPTS.labels("uncertain").inc(uncertain)
            log.warning("mails became uncertain", number=uncertain)
        if now() - tidied > _TIDY_SECONDS:
            await leases.tidy(pool)
            await test_mails.forget(pool)
            tidied = now()
        await asyncio.sleep(_EXPIRE_SECONDS)
