"""Events into rows of the ledger: compose, render, write; what cannot be composed yet waits."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from relato_contracts.notes import ChatMessagePosted, NoteEvent, OccurrenceFact, TextErased
from relato_runtime.database import Connection

from notifier import plans, reference, waiting
from notifier.clerk import Clerk
from notifier.compose import Draft, Suppressed, audience, compose
from notifier.event import Event
from notifier.known import SENDER, House, Known, Unknown
from notifier.occurrence import Occurrence, evolve
from notifier.plans import Mail
from notifier.quiet import ChatQuiet
from notifier.render import Renderer
from notifier.settings import NotifierSettings, Sender, sender
from notifier.waiting import Waiting


class Planner:
    """Plans the mails of events within the caller's transaction."""

    def __init__(self, settings: NotifierSettings, renderer: Renderer) -> None:
        self._settings = settings
        self._renderer = renderer
        self._house = house_of(settings)

    async def plan(
        self, connection: Connection, events: Sequence[Event], *, give_up: Collection[UUID] = ()
    ) -> set[UUID]:
        """Plan what the events say; returns those that wait for something, which none to ``give_up`` do."""
        then = await _follow(connection, events)
        told = {event.id: event for event in events if audience(event.fact) is not None}
        if told:
            done = await plans.seen(connection, told)
            told = {event_id: event for event_id, event in told.items() if event_id not in done}
        lacking = await self._plan(connection, list(told.values()), then, give_up) if told else []
        if lacking:
            await waiting.put(connection, lacking)
        await _withdraw(connection, then)
        return {each.event.id for each in lacking}

    async def follow(self, connection: Connection, events: Sequence[Event]) -> None:
        """Know what replayed events say, without telling anybody."""
        await _withdraw(connection, await _follow(connection, events))

    async def _plan(
        self,
        connection: Connection,
        events: Sequence[Event],
        then: Mapping[UUID, Occurrence | None],
        give_up: Collection[UUID],
    ) -> list[Waiting]:
        tickets = {event.fact.ticket_id for event in events}
        known = await reference.load(connection, tickets, _requesters(event.fact for event in events))
        chats = {event.fact.ticket_id for event in events if isinstance(event.fact, ChatMessagePosted)}
        quiet = ChatQuiet(self._settings.chat_quiet, await plans.chat_mails(connection, chats))
        clerk = Clerk(
            self._renderer, sender_of(self._settings, known), await plans.threads(connection, tickets)
        )
        now = datetime.now(UTC)
        lacking: list[Waiting] = []
        mails: list[tuple[Event, Draft | Suppressed]] = []
        for event in events:
            try:
                composed = compose(
                    event, then.get(event.id), known, self._house, now, give_up=event.id in give_up
                )
            except Unknown as unknown:
                lacking.append(Waiting(event, unknown.needs, self._patience(unknown)))
                continue
            mails += [
                (event, mail)
                for mail in composed
                if not (isinstance(event.fact, ChatMessagePosted) and quiet.keeps(event, mail))
            ]
        await clerk.write(mails)
        await plans.plan(connection, clerk.written)
        return lacking

    async def again(self, connection: Connection, event: Event) -> Sequence[Mail]:
        """The mails of an event as they would be now; ``Unknown`` for what they lack."""
        fact = event.fact
        known = await reference.load(connection, {fact.ticket_id}, _requesters([fact]))
        occurrence = None
        if isinstance(fact, OccurrenceFact):
            now = await reference.load_occurrences(connection, {fact.occurrence_id})
            occurrence = now.get(fact.occurrence_id)
        clerk = Clerk(
            self._renderer,
            sender_of(self._settings, known),
            await plans.threads(connection, {fact.ticket_id}),
        )
        composed = compose(event, occurrence, known, self._house, datetime.now(UTC))
        await clerk.write([(event, mail) for mail in composed])
        return clerk.written

    def _patience(self, unknown: Unknown) -> timedelta:
        configuration = unknown.reason == "not-configured"
        return timedelta(
            seconds=self._settings.configuration_patience_seconds
            if configuration
            else self._settings.reference_patience_seconds
        )


def _requesters(facts: Iterable[NoteEvent]) -> set[str]:
    return {fact.requester_id for fact in facts if not isinstance(fact, TextErased)}


def house_of(settings: NotifierSettings) -> House:
    """What holds for all mails of an installation."""
    return House(
        str(settings.public_url).rstrip("/"),
        settings.default_language,
        settings.default_time_zone,
        settings.age_limit,
    )


def sender_of(settings: NotifierSettings, known: Known) -> Sender:
    """Whom mails are from: by parameter 10, when that holds an address."""
    try:
        return sender(known.parameters.get(SENDER, ""))
    except ValueError:
        return sender(settings.sender)


async def _follow(connection: Connection, events: Sequence[Event]) -> dict[UUID, Occurrence | None]:
    """Bring occurrences to where the events leave them; returns, by event, the occurrence as it was then."""
    facts = [(event, event.fact) for event in events if isinstance(event.fact, OccurrenceFact)]
    if not facts:
        return {}
    before = await reference.load_occurrences(connection, {fact.occurrence_id for _, fact in facts})
    now: dict[UUID, Occurrence | None] = dict(before)
    then = {}
    for event, fact in facts:
        now[fact.occurrence_id] = evolve(now.get(fact.occurrence_id), event.version, fact)
        then[event.id] = now[fact.occurrence_id]
    changed = [each for each in now.values() if each is not None and each != before.get(each.occurrence_id)]
    await reference.save_occurrences(connection, changed)
    return then


async def _withdraw(connection: Connection, then: Mapping[UUID, Occurrence | None]) -> None:
    last = {each.occurrence_id: each for each in then.values() if each is not None}
    gone = {
        each.occurrence_id: "retracted" if each.retracted else "hidden"
        for each in last.values()
        if each.retracted or not each.visible
    }
    if gone:
        await plans.withdraw(connection, gone)
