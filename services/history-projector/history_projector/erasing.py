"""What was said and is to be forgotten, in the rows of one generation: all SQL about that.

A ticket's entries lose their words; what follows from them (occurrences, messages, chat) is made from them
anew, by the functions that made it. So it is the same whether the words went before a fact came or after.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast
from uuid import UUID

from relato_contracts import notes
from relato_contracts.erasure import ERASED, without_texts
from relato_contracts.notes import TextErased
from relato_contracts.notifications import EmailOutcome
from relato_runtime import leftovers
from relato_runtime.database import Connection

from history_projector import tables
from history_projector.facts import Mailed, Saved
from history_projector.occurrences import OccurrenceChange, evolve, record
from history_projector.project import project_mail
from history_projector.rows import Entry, Occurrence


async def erase(connection: Connection, erased: Iterable[TextErased]) -> None:
    """Forget what these facts name; their tickets are locked by the caller's transaction."""
    for fact in erased:
        entries = [forgotten(each, fact) for each in await _entries(connection, fact)]
        changed = await connection.execute(_ENTRIES, fact.ticket_id, *_columns(entries))
        versions = list(fact.versions)
        await connection.execute(_MESSAGES, fact.ticket_id, versions)
        await connection.execute(_CHAT, fact.ticket_id, versions)
        await tables.put_occurrences(connection, again(entries))
        if changed != "UPDATE 0":  # else they had come without their words
            await leftovers.note(connection)


async def untitle(connection: Connection, saved: Iterable[Saved]) -> None:
    """Forget what tickets were called, and what their requesters said first, where the ITSM has."""
    gone = [each.ticket_id for each in saved if each.fact is not None and each.fact.title == ERASED]
    if gone:
        await connection.execute(_TITLES, gone, ERASED)


async def unaddress(connection: Connection, mailed: Iterable[Mailed]) -> None:
    """Forget to whom mails went, where the notifier has: it tells their outcomes once more, without."""
    gone = [project_mail(each) for each in mailed if _names_nobody(each.fact)]
    if gone:
        entries = [(entry.ticket_id, entry.event_id, entry.data) for entry, _ in gone]
        await connection.execute(_MAILS, *zip(*entries, strict=True))
        outcomes = [(outcome.outcome_id, outcome.recipient, outcome.reason) for _, outcome in gone]
        await connection.execute(_OUTCOMES, *zip(*outcomes, strict=True))


def _names_nobody(outcome: EmailOutcome) -> bool:
    decision = outcome.decision
    return outcome.recipient == ERASED or (decision is not None and decision.person_name == ERASED)


def forgotten(entry: Entry, erased: TextErased) -> Entry:
    """Pure: an entry as it stays."""
    if entry.version not in erased.versions:
        return entry
    anonymous = entry.version in erased.anonymous
    data = without_texts(json.loads(entry.data), anonymous=anonymous)
    name = ERASED if anonymous and entry.author_name else entry.author_name
    return entry._replace(data=json.dumps(data, ensure_ascii=False), author_name=name)


def again(entries: Sequence[Entry]) -> list[Occurrence]:
    """Pure: occurrences as all entries about them, in the order of versions, make them."""
    occurrences: dict[UUID, Occurrence] = {}
    for entry in entries:
        if (kind := _FACTS.get((entry.kind, entry.action))) is None:
            continue
        fact = kind.model_validate_json(entry.data)
        if isinstance(fact, notes.OccurrenceRecorded):
            now = record(entry.version, entry.recorded_at, fact)
        else:
            change = cast(OccurrenceChange, fact)  # the others below
            now = evolve(occurrences.get(change.occurrence_id), entry.version, entry.recorded_at, change)
        occurrences[now.occurrence_id] = now
    return list(occurrences.values())


_FACTS: Mapping[tuple[str, str | None], type[notes.NoteFact]] = {
    ("occurrence", None): notes.OccurrenceRecorded,
    ("action", "occurrence-corrected"): notes.OccurrenceCorrected,
    ("action", "occurrence-solved"): notes.OccurrenceSolved,
    ("action", "occurrence-retracted"): notes.OccurrenceRetracted,
    ("action", "occurrence-visibility-changed"): notes.OccurrenceVisibilityChanged,
}


async def _entries(connection: Connection, erased: TextErased) -> list[Entry]:
    """The entries that are named, and all others about the same occurrences and messages."""
    rows = await connection.fetch(
        """
        SELECT * FROM ticket_entries
        WHERE ticket_id = $1 AND version > 0 AND (version = ANY($2::int[]) OR subject_id = ANY($3::uuid[]))
        ORDER BY version
        """,
        *(erased.ticket_id, list(erased.versions), list(erased.subjects)),
    )
    return [Entry(*row) for row in rows]


def _columns(entries: Sequence[Entry]) -> tuple[Collection[object], ...]:
    return (
        [each.version for each in entries],
        [each.data for each in entries],
        [each.author_name for each in entries],
    )


_ENTRIES = """
    UPDATE ticket_entries AS entry SET data = now.data::jsonb, author_name = now.author_name
    FROM unnest($2::int[], $3::text[], $4::text[]) AS now (version, data, author_name)
    WHERE entry.ticket_id = $1 AND entry.version = now.version
        AND (entry.data, entry.author_name) IS DISTINCT FROM (now.data::jsonb, now.author_name)
"""
_MESSAGES = """
    UPDATE requester_entries AS row
    SET description_html = entry.data ->> 'text_html', author_name = entry.author_name
    FROM ticket_entries AS entry
    WHERE entry.ticket_id = $1 AND entry.version = ANY($2::int[]) AND entry.kind = 'message'
        AND row.ticket_id = entry.ticket_id AND row.version = entry.version
"""
_CHAT = """
    UPDATE chat_entries AS row SET text = entry.data ->> 'text', author_name = entry.author_name
    FROM ticket_entries AS entry
    WHERE entry.ticket_id = $1 AND entry.version = ANY($2::int[]) AND entry.kind = 'chat'
        AND row.ticket_id = entry.ticket_id AND row.version = entry.version
"""
_MAILS = """
    UPDATE ticket_entries AS entry SET data = now.data::jsonb
    FROM unnest($1::text[], $2::uuid[], $3::text[]) AS now (ticket_id, event_id, data)
    WHERE entry.ticket_id = now.ticket_id AND entry.version = 0 AND entry.event_id = now.event_id
"""
_OUTCOMES = """
    UPDATE email_outcomes AS mail SET recipient = now.recipient, reason = now.reason
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS now (outcome_id, recipient, reason)
    WHERE mail.outcome_id = now.outcome_id
"""
_TITLES = """
    UPDATE ticket_entries SET data = CASE action
        WHEN 'title-changed' THEN jsonb_build_object('from', $2::text, 'to', $2::text)
        ELSE (data - 'description') || jsonb_build_object('title', $2::text)
    END
    WHERE ticket_id = ANY($1::text[]) AND version = 0 AND action IN ('ticket-opened', 'title-changed')
"""
