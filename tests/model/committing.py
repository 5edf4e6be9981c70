"""Group commit with idempotency: two processes, people who send the same again, and what they are told."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from notes import errors, reference
from notes.commands import AnyCommand, PostChat, RecordOccurrence, RetractOccurrence
from notes.commit import Committer
from notes.handle import KeyReused, Request, request_hash
from notes.requested import Response
from notes.text import RichText
from relato_contracts.envelope import Envelope
from relato_contracts.fields import Fact
from uuid6 import uuid7

from tests.model.conftest import Stage
from tests.model.schedule import Action, Process, Schedule, Violated
from tests.model.stepped import SteppedPool
from tests.support import stream, world

OCCURRENCE = UUID("01930000-0000-7000-8000-00000000000a")
_NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

Told = Response | errors.Refused | Exception
MakeCommitter = Callable[[SteppedPool], Committer]


@dataclass
class Client:
    """Somebody with one request, who sends it until there is an answer."""

    request: Request
    told: Told | None = None
    sent: int = 0
    waiting: bool = False


def committer(pool: SteppedPool) -> Committer:
    """The services' own."""
    return Committer(pool.as_pool(), lambda: None)


async def prepare(stage: Stage) -> None:
    """Reference data, which no schedule changes."""
    facts: list[Fact] = world.world()
    given = [(Envelope(str(number), "/itsm", _NOW), fact) for number, fact in enumerate(facts)]
    await reference.apply(stage.observer, stream.log(given))


async def explore(
    stage: Stage, schedule: Schedule, changed: Callable[[str], str], make: MakeCommitter = committer
) -> None:
    """One schedule; ``Violated`` when a promise was broken."""
    await _reset(stage)
    async with AsyncExitStack() as stack:

        async def commit_in(process: Process) -> Committer:
            pool = SteppedPool(stage.url, schedule, process, changed)
            stack.push_async_callback(pool.close)
            running = make(pool)
            schedule.start(process, running.run())
            return running

        processes = [schedule.process("a"), schedule.process("b")]
        committers = [(each, await commit_in(each)) for each in processes]
        await _record_the_occurrence(schedule, committers, stage)
        clients = _clients()
        checked: set[int] = set()

        def living() -> list[tuple[Process, Committer]]:
            return [each for each in committers if each[0].alive]

        async def restart() -> None:
            process = schedule.process(f"process {len(committers)}")
            committers.append((process, await commit_in(process)))

        async def send(client: Client) -> None:
            process, chosen = schedule.chance.choice(living())
            client.sent += 1
            client.waiting = True
            tasks.append(asyncio.create_task(_ask(client, chosen, process)))

        async def check() -> None:
            if "events_pkey" in schedule.collisions:
                raise Violated("two decided about the same version: the stream lock did not hold")
            for number, client in enumerate(clients):
                if client.told is not None and number not in checked:
                    checked.add(number)
                    await _told_truly(stage, client)

        def sending(number: int, client: Client) -> Action:
            return Action(
                f"request {number} is sent",
                lambda: send(client),
                lambda: client.told is None and not client.waiting and bool(living()),
                weight=2.0,
            )

        tasks: list[asyncio.Task[None]] = []
        actions = [sending(number, client) for number, client in enumerate(clients)]
        actions.append(Action("another process starts", restart, lambda: len(living()) < 2, weight=0.5))
        try:
            await schedule.explore(
                actions, check, lambda: all(each.told is not None for each in clients), steps=600, deaths=3
            )
            await schedule.explore([], check, lambda: False, steps=100)  # what nobody waits for
            if any(client.told is None for client in clients):
                raise Violated("somebody was never answered")
            await _holds(stage, clients)
        finally:
            await schedule.kill_all()
            for task in tasks:
                task.cancel()


def _clients() -> list[Client]:
    """Twice the same, twice another under the same key, two who take back the same occurrence."""

    def chat(ticket_id: str, text: str, key: str, author_id: str = "carlos") -> Client:
        command = PostChat(ticket_id, author_id, _NOW, UUID(str(uuid7())), text)
        return Client(_request(command, key, text))

    def retraction(key: str) -> Client:
        command = RetractOccurrence("1001", "carlos", _NOW, OCCURRENCE, None, f"Motivo {key}")
        return Client(_request(command, key, key))

    return [
        chat("1001", "uma", "k1"),
        chat("1001", "uma", "k1"),
        chat("1001", "duas", "k2"),
        chat("1002", "outra", "k2"),
        chat("1002", "três", "k3"),
        retraction("k4"),
        retraction("k5"),
    ]


def _request(command: AnyCommand, key: str, body: str) -> Request:
    return Request(command, "c", None, key, request_hash(command.ticket_id, body))


async def _ask(client: Client, chosen: Committer, process: Process) -> None:
    answer = asyncio.create_task(chosen.commit(client.request))
    death = asyncio.create_task(process.died.wait())
    try:
        await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            error = answer.exception()
            client.told = error if isinstance(error, Exception) else answer.result()
    finally:
        client.waiting = False
        answer.cancel()
        death.cancel()


async def _record_the_occurrence(
    schedule: Schedule, committers: list[tuple[Process, Committer]], stage: Stage
) -> None:
    """The one that is taken back later."""
    text = RichText("<p>Cabo trocado</p>", "Cabo trocado")
    command = RecordOccurrence(
        *("1001", "carlos", _NOW),
        occurrence_id=OCCURRENCE,
        description=text,
        occurred_at=_NOW,
        time_spent_minutes=1,
        solution=None,
        category_id=None,
        origin_id=None,
        channel="api",
        visible_to_requester=False,
        notify_by_email=False,
    )
    client = Client(_request(command, "k0", ""))
    process, chosen = committers[0]
    asking = asyncio.create_task(_ask(client, chosen, process))

    async def nothing() -> None:
        return

    await schedule.explore([], nothing, asking.done, steps=50)
    await asking


async def _told_truly(stage: Stage, client: Client) -> None:
    """Whoever is told a version finds it in the log."""
    told, command = client.told, client.request.command
    if isinstance(told, Exception):
        if not isinstance(told, errors.AlreadyRetracted | KeyReused):
            raise Violated(f"{command} was answered with {type(told).__name__}: {told}")
        return
    assert told is not None
    actor = await stage.observer.fetchval(
        "SELECT actor FROM events WHERE ticket_id = $1 AND version = $2", command.ticket_id, told["version"]
    )
    if actor != command.author_id:
        raise Violated(f"version {told['version']} was promised and is not in the log")


async def _holds(stage: Stage, clients: list[Client]) -> None:
    """What has to be so in the end."""
    events = await stage.observer.fetch("SELECT * FROM events ORDER BY ticket_id, version")
    streams = await stage.observer.fetch("SELECT ticket_id, version FROM streams")
    waiting = await stage.observer.fetch("SELECT ticket_id, version, seq FROM outbox")
    for row in streams:
        mine = [event for event in events if event["ticket_id"] == row["ticket_id"]]
        if [event["version"] for event in mine] != list(range(1, row["version"] + 1)):
            raise Violated(f"the versions of {row['ticket_id']} have holes, or its stream counts wrongly")
        if [event["seq"] for event in mine] != sorted(event["seq"] for event in mine):
            raise Violated(f"the log's order is not that of ticket {row['ticket_id']}")
    if {tuple(row) for row in waiting} != {
        (each["ticket_id"], each["version"], each["seq"]) for each in events
    }:
        raise Violated("what is in the log is not what waits for Kafka")
    types = Counter(event["type"] for event in events)
    if types["relato.OccurrenceRetracted.v1"] != 1:
        raise Violated(f"an occurrence was retracted {types['relato.OccurrenceRetracted.v1']} times")
    texts = Counter(json.loads(each["data"]).get("text") for each in events if "Chat" in each["type"])
    answers: dict[str, list[Told]] = {}
    for client in clients:
        if client.told is not None and not isinstance(client.told, Exception):
            answers.setdefault(f"{client.request.key} {client.request.request_hash!r}", []).append(
                client.told
            )
            command = client.request.command
            if isinstance(command, PostChat) and texts[command.text] != 1:
                raise Violated(f"what was sent once happened {texts[command.text]} times")
    if any(each != given[0] for given in answers.values() for each in given):
        raise Violated("the same request was answered differently")
    if len(answers) != len({key.partition(" ")[0] for key in answers}):
        raise Violated("one key stands for two requests")


async def _reset(stage: Stage) -> None:
    await stage.observer.execute("TRUNCATE events, outbox, idempotency_keys")
    await stage.observer.execute(
        "UPDATE streams SET version = 0, seen_up_to = 0, shown_version = 0, recorded_at = 'epoch'"
    )
