"""However a log is cut into batches, and whatever is delivered again, the tables come out the same."""

import json
from collections.abc import Iterable, Sequence
from itertools import count, pairwise

from history_projector import occurrences
from history_projector.consume import Projector, sort
from history_projector.fold import Folded, fold, forget
from history_projector.rows import Occurrence, Ticket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relato_contracts.notes import NoteEvent
from relato_contracts.notifications import EmailAccepted, EmailUncertain
from relato_contracts.topics import key_of
from relato_runtime.database import Connection

from tests.support import stream as a
from tests.support.world import ticket

_examples = count(1)


@st.composite
def facts(draw: st.DrawFn, ticket_id: str, first: int) -> list[NoteEvent]:
    """Facts of a ticket as the event log could hold them; ``first`` begins its ids."""
    made: list[NoteEvent] = []
    open_: list[int] = []
    of = {"ticket_id": ticket_id}
    for number in range(first, first + draw(st.integers(1, 14))):
        kinds = ["record", "message", "answer", "chat", "view"]
        kinds += [*(["change"] * 4 if open_ else []), *(["erase"] if made else [])]
        match draw(st.sampled_from(kinds)):
            case "record":
                author = draw(st.sampled_from([a.ANA, a.CARLOS, a.EDU]))
                visible = draw(st.booleans())
                made.append(a.recorded(number, **of, **author, visible_to_requester=visible))
                open_.append(number)
            case "message":
                made.append(a.to_requester(number, **of))
            case "answer":
                made.append(a.to_attendant(number, **of))
            case "chat":
                made.append(a.chatted(number, by_requester=draw(st.booleans()), **of))
            case "view":
                made.append(a.viewed(draw(st.integers(1, max(1, len(made)))), **of))
            case "erase":
                versions = draw(st.sets(st.integers(1, len(made)), min_size=1))
                made.append(a.erased(made, versions, draw(st.sets(st.sampled_from(sorted(versions))))))
            case _:
                made.append(_change(draw, open_, number, of))
    return made


def _change(draw: st.DrawFn, open_: list[int], number: int, of: dict[str, str]) -> NoteEvent:
    subject = draw(st.sampled_from(open_))
    match draw(st.sampled_from(["text", "minutes", "solve", "show", "hide", "retract"])):
        case "text":
            text = f"<p>Texto {number}</p>"
            return a.corrected(subject, **of, description_html=text, description_text=text)
        case "minutes":
            return a.corrected(subject, **of, time_spent_minutes=draw(st.integers(0, 60)))
        case "solve":
            return a.solved(subject, **of)
        case "retract":
            open_.remove(subject)
            return a.retracted(subject, **of)
        case shown:
            return a.visibility(subject, shown == "show", **of)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[a.Given], list[list[a.Given]]]:
    """All facts about one ticket in their order, and the same as they are delivered in batches.

    The states of the ticket come once and in order. Everything else comes in any order, some of it
    more than once.
    """
    example = next(_examples)
    ticket_id, first = str(20_000_000 + example), example * 1_000
    notes = [a.noted(n, fact) for n, fact in enumerate(draw(facts(ticket_id, first)), 1)]
    kinds: list[type[EmailAccepted] | type[EmailUncertain]] = [EmailAccepted, EmailUncertain]
    outcomes = draw(st.lists(st.sampled_from(kinds), max_size=3))
    mails = [
        a.enveloped(
            first + 500 + n,
            a.mailed(outcome, first + draw(st.integers(600, 601)), n).model_copy(
                update={"ticket_id": ticket_id}
            ),
            n,
            "/relato/notifier",
        )
        for n, outcome in enumerate(outcomes)
    ]
    statuses = draw(st.lists(st.sampled_from(["open", "in-progress", "resolved"]), max_size=3))
    saved = [
        a.enveloped(first + 900 + n, ticket(ticket_id, status=status), n) for n, status in enumerate(statuses)
    ]
    others: list[a.Given] = [*notes, *mails]
    delivered = draw(st.permutations([*others, *draw(st.lists(st.sampled_from(others), max_size=8))]))
    for place, state in zip(
        sorted(draw(st.lists(st.integers(0, len(delivered)), min_size=len(saved), max_size=len(saved)))),
        saved,
        strict=True,
    ):
        delivered.insert(place + saved.index(state), state)
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(delivered) - 1)), max_size=6)))
    edges = [0, *cuts, len(delivered)]
    batches = [delivered[start:end] for start, end in pairwise(edges)]
    return [*saved, *others], batches


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=deliveries())
async def test_the_tables_depend_on_the_facts_and_not_on_their_delivery(
    generation: Connection, drawn: tuple[list[a.Given], list[list[a.Given]]]
) -> None:
    ordered, batches = drawn
    ticket_id = key_of(ordered[-1][1])
    await deliver(generation, batches)
    batch = sort(a.log(ordered))
    batch.streams = {each: forget(stream) for each, stream in batch.streams.items()}
    expected = fold({ticket_id: Ticket(ticket_id)}, {}, batch)
    assert await tables(generation, ticket_id) == in_memory(expected, ticket_id)


async def deliver(connection: Connection, batches: Sequence[Sequence[a.Given]]) -> None:
    """Each batch in its own transaction, as the consumer does it."""
    projector = Projector(1)
    log = a.log([each for batch in batches for each in batch])
    start = 0
    for batch in batches:
        if batch:
            async with connection.transaction():
                assert not await projector.apply(connection, log[start : start + len(batch)])
        start += len(batch)


Tables = dict[str, list[tuple[object, ...]]]


def in_memory(folded: Folded, ticket_id: str) -> Tables:
    """The tables that a fold in memory comes to, in the order of their keys."""
    now = folded.tickets[ticket_id]
    shown = [occurrences.shown(each) for each in folded.occurrences.values()]
    return {
        "tickets": [now[:10]],
        "requester_tickets": [
            (ticket_id, now.requester_id, now.title, now.status, now.opened_at, now.shown_activity_at,
             now.last_version, now.seen_up_to)
        ],
        "ticket_entries": _sorted((*each[:-1], json.loads(each.data)) for each in folded.entries),
        "occurrences": _sorted(_readable(each) for each in folded.occurrences.values()),
        "requester_entries": _sorted([*filter(None, shown), *folded.messages]),
        "chat_entries": _sorted(folded.chat),
        "views": _sorted(folded.views.values()),
        "email_outcomes": _sorted(folded.outcomes.values()),
        "time_totals": _sorted((*key, minutes) for key, minutes in folded.minutes.items()),
        "parked_tickets": [],
        "parked_records": [],
    }  # fmt: skip


async def tables(connection: Connection, ticket_id: str) -> Tables:
    """The same tables as the database has them."""
    found: Tables = {}
    for table in in_memory(Folded({ticket_id: Ticket(ticket_id)}, {}), ticket_id):
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE ticket_id = $1", ticket_id)
        found[table] = _sorted(tuple(row) for row in rows)
    found["ticket_entries"] = [(*row[:-1], json.loads(str(row[-1]))) for row in found["ticket_entries"]]
    found["occurrences"] = [_readable(Occurrence._make(row)) for row in found["occurrences"]]
    return found


def _readable(occurrence: Occurrence) -> Occurrence:
    """JSON in one spelling."""
    return occurrence._replace(earlier=json.dumps(json.loads(occurrence.earlier), sort_keys=True))


def _sorted(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=lambda row: repr(row[:4]))
