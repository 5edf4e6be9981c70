"""Claim, hand over, record: for as many mails at a time as there are senders."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from asyncpg import InternalClientError
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from relato_runtime import background, stopping, telemetry
from relato_runtime.database import UNAVAILABLE, Pool
from relato_runtime.readiness import Readiness
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from notifier import leases
from notifier.attempts import Result
from notifier.hands import Hands
from notifier.journal import Journal
from notifier.leases import Leased
from notifier.rates import Rate
from notifier.retry import Patience, next_attempt
from notifier.settings import NotifierSettings
from notifier.smtp import MailConnection, Permanent, Refusal, Transient

log = structlog.get_logger(__name__)

ATTEMPTS = Counter("relato_mail_attempts", "Attempts to hand a mail over, by what they came to", ["state"])
ATTEMPTS.labels("accepted")  # there from the start: an alert asks whether it grows
SECONDS = Histogram("relato_mail_submission_seconds", "How long the mail server took over one mail")

_AHEAD = 4
"""Mails claimed at once, for each sender: those that wait cost nobody anything, claiming does."""
_POLL_SECONDS = 0.05
_REST_SECONDS = 0.5
"""Between looks for what nobody has told of: what has become due, and what other processes have planned."""
_LOOKS = 2
"""In vain and in a row, until they come no more often than that."""
# asyncpg reports a connection that the server has just ended, and that it has not seen close yet,
# as an error of its own state.
_AWAY = (*UNAVAILABLE, InternalClientError)


def patience_of(settings: NotifierSettings) -> Patience:
    """How often and how long to try, as it is set."""
    return Patience(
        attempts=settings.attempts_limit,
        first=timedelta(seconds=settings.first_retry_seconds),
        longest=timedelta(seconds=settings.longest_retry_seconds),
        age=settings.age_limit,
    )


class Sender:
    """Sends what is due, from one process of possibly several."""

    def __init__(
        self,
        settings: NotifierSettings,
        pool: Pool,
        readiness: Readiness,
        part: str,
        on_outcome: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._on_outcome = on_outcome
        self._readiness = readiness
        self._part = part
        self._patience = patience_of(settings)
        self._stirred = asyncio.Event()
        self._limits = {
            "recipient": Rate(settings.recipient_per_minute, settings.recipient_burst),
            "domain": Rate(settings.domain_per_minute, settings.domain_burst),
        }

    def wake(self) -> None:
        """Say that mails may have been planned by this process."""
        self._stirred.set()

    async def run(self) -> None:
        """Send until cancelled, then finish what has begun; whatever breaks is raised."""
        journal = Journal(self._pool, uuid4(), self._settings.lease, self._on_outcome)
        hands = Hands([self._connection() for _ in range(self._settings.senders)])
        patience = self._settings.lease_seconds
        in_vain = 0
        try:
            self._readiness.has(self._part)
            while True:
                self._stirred.clear()
                hands.raise_failures()
                any_due = False
                if not hands.waiting:
                    any_due = await self._claim(hands, journal.lease)
                    in_vain = 0 if any_due else in_vain + 1
                for connection in hands.idle[: len(hands.waiting)]:
                    task = asyncio.create_task(self._send(hands, connection, journal))
                    task.add_done_callback(self._stir)
                    hands.sending[task] = connection
                if any_due and not hands.sending:
                    continue  # all that was due waits for its turn; more may be due
                pause = _POLL_SECONDS if in_vain < _LOOKS else _REST_SECONDS
                # Where no sender is free there is nothing to look for.
                await background.rest(self._stirred, pause if hands.idle else None)
        except asyncio.CancelledError:
            patience = stopping.MAILS
            raise
        finally:
            not_begun = list(hands.waiting)
            hands.waiting.clear()
            try:
                await self._release(not_begun, journal.lease)
            finally:
                await hands.finish(patience)

    async def _claim(self, hands: Hands, lease: UUID) -> bool:
        """Take mails into the hands; whether any was due.

        At the end of the process, too, what was claimed is known: it would wait for its lease to run out.
        """
        number = _AHEAD * self._settings.senders
        claiming = asyncio.create_task(
            leases.claim(self._pool, number, lease, self._settings.lease, self._limits)
        )
        try:
            claimed, any_due = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await asyncio.wait({claiming}, timeout=stopping.CLAIM)
            if claiming.done() and claiming.exception() is None:
                hands.waiting.extend(claiming.result()[0])
            claiming.cancel()
            raise
        hands.waiting.extend(claimed)
        return any_due

    async def _release(self, mails: Sequence[Leased], lease: UUID) -> None:
        """What was not begun goes to whoever is next; should that fail, when the lease has run out."""
        if mails:
            try:
                await leases.release(self._pool, mails, lease)
            except _AWAY as error:
                log.warning("mails not given back", number=len(mails), error=type(error).__name__)

    async def _send(self, hands: Hands, connection: MailConnection, journal: Journal) -> None:
        """Hand over one mail after the other for as long as some wait.

        That one has been handed over is written down along with the beginning of the next.
        """
        while hands.waiting:
            mail = hands.waiting.popleft()
            if not hands.waiting:
                self._stirred.set()
            since = telemetry.now()
            result = await self._hand_over(mail, connection, journal)
            if result is not None:
                task = asyncio.create_task(self._record(mail, journal, result, since))
                task.add_done_callback(self._stir)
                hands.recording.add(task)

    async def _hand_over(self, mail: Leased, connection: MailConnection, journal: Journal) -> Result | None:
        try:
            await connection.ready()
            if not await journal.begin(mail):
                log.info(
                    "mail not sent: taken back, stopped, switched off, or the lease ran out",
                    mail_id=str(mail.mail_id),
                )
                await self._release([mail], journal.lease)
                return None
            with SECONDS.time():
                code, answer = await connection.submit(mail.sender, mail.recipient, mail.source)
        except Refusal as refusal:
            return self._judge(mail, refusal)
        return Result("accepted", code, answer)

    def _judge(self, mail: Leased, refusal: Refusal) -> Result:
        if isinstance(refusal, Permanent):
            return Result("rejected", refusal.code, refusal.answer)
        if not isinstance(refusal, Transient):
            return Result("uncertain", refusal.code, refusal.answer)
        due_at = next_attempt(
            mail.tries,
            mail.since,
            datetime.now(UTC),
            random.random(),  # noqa: S311  # jitter, not a secret
            self._patience,
        )
        return Result("dead" if due_at is None else "retry", refusal.code, refusal.answer, due_at)

    async def _record(self, mail: Leased, journal: Journal, result: Result, since: int) -> None:
        """While the database is away the answer is kept in mind: it is known, and should not be uncertain."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(_AWAY),
            stop=stop_after_delay(self._settings.lease_seconds),
            wait=wait_exponential_jitter(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt:
                recorded = await journal.end(mail, result)
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

    def _stir(self, task: "asyncio.Task[None]") -> None:
        self._stirred.set()

    def _connection(self) -> MailConnection:
        settings = self._settings
        return MailConnection(
            settings.mail_server, settings.smtp_connect_seconds, settings.smtp_timeout_seconds
        )
