"""Senders with leases on the same mails, a mail server that does what it likes, and mails taken back."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from notifier import leases, plans, send
from notifier.plans import Mail
from notifier.send import Sender
from notifier.settings import NotifierSettings
from notifier.smtp import MailConnection, Permanent, Transient, Uncertain
from pydantic import HttpUrl, SecretStr
from relato_runtime.readiness import Readiness

from tests.model.conftest import Stage
from tests.model.schedule import Action, Process, Schedule, Violated
from tests.model.stepped import SteppedPool
from tests.support.stream import BEGINNING, uuid

_RECIPIENTS = ("ana@a.example", "bia@b.example", "carlos@c.example")
_TAKEN_BACK = "carlos@c.example"
_FINAL = {
    "accepted": "EmailAccepted",
    "rejected": "EmailRejected",
    "dead": "EmailRejected",
    "uncertain": "EmailUncertain",
    "suppressed": "EmailSuppressed",
}
_SETTINGS = NotifierSettings(
    database_url=SecretStr("postgresql:///unused"),
    kafka_bootstrap="unused",
    oidc_issuer="http://unused",
    smtp_url=SecretStr("smtp://unused"),
    public_url=HttpUrl("http://relato.example"),
    senders=2,
    first_retry_seconds=1,
)
_LEASE_SECONDS = _SETTINGS.lease_seconds + 1


@dataclass
class _Server:
    """How often it has taken each mail."""

    schedule: Schedule
    taken: Counter[str] = field(default_factory=Counter)


class _Connection:
    """What the sender uses of one."""

    def __init__(self, server: _Server, process: Process) -> None:
        self._server = server
        self._process = process

    async def ready(self) -> None:
        await self._server.schedule.gate(self._process, "connects")
        if self._server.schedule.chance.random() < 0.1:
            raise Transient("no connection")

    async def submit(self, sender: str, recipient: str, source: bytes) -> tuple[int, str]:
        schedule = self._server.schedule
        await schedule.gate(self._process, f"hands over to {recipient}")
        fate = schedule.chance.random()
        if fate < 0.1:
            raise Permanent("no such user", 550)
        if fate < 0.3:
            raise Transient("later", 451)
        self._server.taken[recipient] += 1
        await schedule.gate(self._process, f"is answered about {recipient}")
        if fate < 0.4:
            raise Uncertain("the connection was cut")
        return 250, "taken"

    def close(self) -> None:
        """Nothing is kept."""


class _Sender(Sender):
    """The service's own, with connections to the model's server."""

    def __init__(self, pool: SteppedPool, server: _Server, process: Process) -> None:
        super().__init__(_SETTINGS, pool.as_pool(), Readiness("senders"), "senders", lambda: None)
        self._server = server
        self._process = process

    def _connection(self) -> MailConnection:
        return cast(MailConnection, _Connection(self._server, self._process))


async def prepare(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders that do not rest; a note of every change of a mail's state."""
    await stage.observer.execute(_WATCHED)
    monkeypatch.setattr(send, "_POLL_SECONDS", 0)
    monkeypatch.setattr(send, "_REST_SECONDS", 0)


async def explore(stage: Stage, schedule: Schedule, changed: Callable[[str], str]) -> None:
    """One schedule; ``Violated`` when a promise was broken."""
    await _reset(stage)
    server = _Server(schedule)
    async with AsyncExitStack() as stack:
        senders: list[Process] = []
        taken_back = False

        def process(name: str, *, mortal: bool = True) -> tuple[Process, SteppedPool]:
            made = schedule.process(name)
            made.mortal = mortal
            pool = SteppedPool(stage.url, schedule, made, changed)
            stack.push_async_callback(pool.close)
            return made, pool

        async def start() -> None:
            made, pool = process(f"sender {len(senders) + 1}")
            senders.append(made)
            schedule.start(made, _Sender(pool, server, made).run())

        house, houses = process("housekeeping", mortal=False)
        planner, planning = process("planner", mortal=False)

        async def expire() -> None:
            schedule.start(house, _expire(houses))

        async def take_back() -> None:
            nonlocal taken_back
            taken_back = True
            schedule.start(planner, _take_back(planning))

        actions = [
            Action("a sender starts", start, lambda: sum(each.alive for each in senders) < 2),
            Action("a mail is taken back", take_back, lambda: not taken_back, weight=0.05),
            Action("leases that ran out are looked at", expire, lambda: _idle(house), weight=0.5),
            Action("a lease passes", lambda: stage.advance(_LEASE_SECONDS), weight=0.3),
        ]
        try:
            await schedule.explore(
                actions, lambda: _followed(stage, server), lambda: False, steps=140, deaths=2
            )
            await schedule.kill_all()
            await _finish(stage, schedule, server, process)
            await _holds(stage, server)
        finally:
            await schedule.kill_all()


def _idle(process: Process) -> bool:
    return all(task.done() for task in process.tasks)


async def _expire(pool: SteppedPool) -> None:
    await leases.expire(pool.as_pool())


async def _take_back(pool: SteppedPool) -> None:
    """As the planner does when an occurrence is retracted."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE occurrences SET retracted = true")
        await plans.withdraw(connection, {uuid(3): "retracted"})


async def _finish(
    stage: Stage, schedule: Schedule, server: _Server, process: Callable[[str], tuple[Process, SteppedPool]]
) -> None:
    """Whoever is left decides about everything."""
    made, pool = process("last")
    settled = False

    async def look() -> None:
        nonlocal settled
        settled = bool(
            await stage.observer.fetchval(
                "SELECT NOT EXISTS (SELECT FROM mails WHERE state <> ALL($1::text[]))", list(_FINAL)
            )
        )

    async def wait() -> None:
        await stage.advance(_LEASE_SECONDS * 100)
        schedule.start(made, _expire(pool))

    await wait()
    await schedule.explore([], look, lambda: False, steps=20)
    sender, pool_of_sender = process("last sender")
    schedule.start(sender, _Sender(pool_of_sender, server, sender).run())
    again = Action("a long while passes", wait, lambda: _idle(made), weight=0.3)
    await schedule.explore([again], look, lambda: settled, steps=800)
    if not settled:
        raise Violated("nobody ever decided about a mail")


async def _followed(stage: Stage, server: _Server) -> None:
    """Only who holds a lease hands over, and only while it runs; nothing goes out twice."""
    if twice := [recipient for recipient, times in server.taken.items() if times > 1]:
        raise Violated(f"a mail went out twice to {twice}")
    wrong = await stage.observer.fetchrow(
        """
        SELECT by, recipient, claimed_by, late FROM model.begun WHERE late OR by <> claimed_by LIMIT 1
        """
    )
    if wrong is not None:
        said = "after its lease ran out" if wrong["late"] else f"that {wrong['claimed_by']} holds"
        raise Violated(f"{wrong['by']} begins to hand over a mail {said}")


async def _holds(stage: Stage, server: _Server) -> None:
    """What has to be so in the end."""
    await _followed(stage, server)
    mails = await stage.observer.fetch("SELECT mail_id, recipient, state FROM mails")
    told = await stage.observer.fetch("SELECT type, data FROM outbox ORDER BY seq")
    for mail in mails:
        taken, state = server.taken[mail["recipient"]], mail["state"]
        if taken and state not in {"accepted", "uncertain"}:
            raise Violated(f"a mail that went out is {state}")
        if not taken and state == "accepted":
            raise Violated("a mail that did not go out is accepted")
        mine = [each["type"] for each in told if json.loads(each["data"])["mail_id"] == str(mail["mail_id"])]
        if not mine or mine[-1] != f"relato.{_FINAL[state]}.v1":
            raise Violated(f"of a mail that is {state} was told {mine}")


async def _reset(stage: Stage) -> None:
    await stage.observer.execute(_RESET)
    known: dict[str, Any] = {"ticket_id": "1001", "event_version": 1, "event_at": BEGINNING}
    mails = [
        Mail(
            **known,
            mail_id=uuid4(),
            event_id=UUID(int=uuid(number).int),
            correlation_id=None,
            traceparent=None,
            subject_id=uuid(number),
            parameter=251,
            recipient=recipient,
            recipient_role="requester",
            template_id="t-251",
            state="planned",
            sender="suporte@relato.example",
            message_id=f"<{number}@relato.example>",
            source=b"Subject: s\r\n\r\nt\r\n",
        )
        for number, recipient in enumerate(_RECIPIENTS, 1)
    ]
    assert mails[2].recipient == _TAKEN_BACK
    await plans.plan(stage.observer, mails)
    await stage.observer.execute("UPDATE mails SET due_at = (SELECT now FROM model.clock)")
    await stage.observer.execute(
        """
        INSERT INTO occurrences
            (occurrence_id, version, author_name, occurred_at, html, text, solution_html, visible, retracted)
        VALUES ($1, 1, 'Carlos', now(), '', '', '', true, false)
        """,
        uuid(3),
    )


_WATCHED = """
CREATE TABLE model.claimed (mail_id uuid PRIMARY KEY, by text);
CREATE TABLE model.begun (by text, recipient text, claimed_by text, late boolean);
CREATE FUNCTION model.note_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'leased' THEN
        INSERT INTO model.claimed VALUES (NEW.mail_id, current_setting('model.process'))
        ON CONFLICT (mail_id) DO UPDATE SET by = excluded.by;
    ELSIF NEW.state = 'submitting' THEN
        INSERT INTO model.begun
        SELECT current_setting('model.process'), NEW.recipient, claimed.by,
            OLD.leased_until IS NULL OR OLD.leased_until <= model.clock_timestamp()
        FROM model.claimed WHERE mail_id = NEW.mail_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mail AFTER UPDATE ON mails FOR EACH ROW EXECUTE FUNCTION model.note_mail();
"""
_RESET = """
TRUNCATE mails, attempts, decisions, outbox, rates, occurrences, model.claimed, model.begun;
UPDATE model.clock SET now = pg_catalog.now();
"""
