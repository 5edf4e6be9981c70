"""Sends a test mail to whoever asks for it, once for each key, by the way of all mails."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.errors import MessageError

import structlog
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.problems import Problem

from notifier import message, sending, specimen, test_mails
from notifier.bodies import Trial
from notifier.known import MAILS_OFF
from notifier.message import Headed
from notifier.planner import sender_of
from notifier.render import Rendered
from notifier.settings import NotifierSettings
from notifier.smtp import MailConnection, Refusal, Uncertain
from notifier.test_mails import Key, Outcome, TestMail, TooMany
from notifier.trying import Situation, Workshop

log = structlog.get_logger(__name__)

_TICKET = "test"  # in List-Id, so that no filter takes it for a mail about a ticket
_SLACK_SECONDS = 5.0


class Tester:
    """Hands test mails over, each by a connection of its own."""

    def __init__(self, settings: NotifierSettings, pool: Pool, workshop: Workshop) -> None:
        self._settings = settings
        self._pool = pool
        self._workshop = workshop

    async def send(self, who: Caller, key: str, trial: Trial) -> TestMail:
        """A mail to the caller, or what became of the one with that key; ``Problem`` where there is none.

        Nothing is tried again: who asked sees what the server said, and may ask once more.
        """
        digest = hashlib.sha256(trial.model_dump_json().encode()).digest()
        mine = Key(who.person_id, key)
        async with self._pool.acquire() as connection:
            known = await test_mails.find(connection, mine)
        if known is not None:
            return _same(known, digest)
        situation = await self._workshop.situation(trial, who)
        if situation.known.parameters.get(MAILS_OFF) == "S":
            raise Problem(409, "mails-disabled", "All e-mail is switched off (parameter 297).")
        if (held := await sending.stopped(self._pool)) is not None:
            raise Problem(409, "sending-stopped", f"No mail goes out: {held}.")
        if not situation.reader.address:
            raise Problem(422, "no-address", "You have no e-mail address, or are not active.")
        rendered = await self._workshop.rendered(trial, situation.letter)
        sender, source = self._built(mine, trial, situation, rendered)
        begun = TestMail(digest, situation.reader.address, Outcome())
        limits = self._settings.smtp_connect_seconds + self._settings.smtp_timeout_seconds
        lasting = timedelta(seconds=limits + _SLACK_SECONDS)
        try:
            async with self._pool.acquire() as connection:
                known = await test_mails.begin(connection, mine, begun, lasting)
        except TooMany as error:
            detail = f"At most {test_mails.A_MINUTE} test mails in a minute."
            raise Problem(429, "too-many-requests", detail, headers={"Retry-After": "60"}) from error
        if known is not None:
            return _same(known, digest)
        outcome = await self._hand_over(sender, begun.recipient, source)
        await test_mails.record(self._pool, mine, outcome)
        log.info("test mail", person_id=who.person_id, state=outcome.state, code=outcome.code)
        return replace(begun, outcome=outcome)

    def _built(self, key: Key, trial: Trial, situation: Situation, rendered: Rendered) -> tuple[str, bytes]:
        """Whom the mail is from, and the mail."""
        sender = sender_of(self._settings, situation.known)
        headed = Headed(
            mail_id=message.mail_id_of_test(key.person_id, key.key),
            sender=sender,
            recipient=situation.reader.address,
            recipient_name=situation.reader.name,
            ticket_id=_TICKET,
            date=datetime.now(UTC),
            thread=(),
        )
        marked = replace(rendered, subject=f"{specimen.TEST_MARKS[trial.language]} {rendered.subject}")
        try:
            return message.deliverable(sender.address), message.build(headed, marked)
        except (ValueError, MessageError) as error:
            detail = "No mail can be addressed to you, or from parameter 10."
            raise Problem(422, "no-address", detail) from error

    async def _hand_over(self, sender: str, recipient: str, source: bytes) -> Outcome:
        settings = self._settings
        connection = MailConnection(
            settings.mail_server, settings.smtp_connect_seconds, settings.smtp_timeout_seconds
        )
        try:
            await connection.ready()
            code, answer = await connection.submit(sender, recipient, source)
        except Refusal as refusal:
            uncertain = isinstance(refusal, Uncertain)
            return Outcome("uncertain" if uncertain else "refused", refusal.code, refusal.answer)
        finally:
            connection.close()
        return Outcome("accepted", code, answer)


def _same(mail: TestMail, digest: bytes) -> TestMail:
    """The mail of the same request; ``Problem`` 422 if it is another's, 409 while it is handed over."""
    if mail.request_hash != digest:
        detail = "The idempotency key was used before, with another request."
        raise Problem(422, "idempotency-key-reused", detail)
    if mail.outcome.state == "submitting":
        detail = "This mail is being handed over right now."
        raise Problem(409, "in-progress", detail, headers={"Retry-After": "1"})
    return mail
