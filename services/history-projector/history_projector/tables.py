"""All SQL about the tables of a generation; names are resolved in the schema of the pool's generation.

Rows travel as arrays of each table's own row type: one statement and one parameter a table.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from relato_runtime.database import Connection

from history_projector import occurrences
from history_projector.fold import Folded
from history_projector.rows import Occurrence, Ticket


async def lock_tickets(connection: Connection, ticket_ids: Sequence[str]) -> dict[str, Ticket]:
    """These tickets as they are, none missing, locked until the transaction ends.

    A ticket's facts on several topics may reach several processes: they take turns here. In the
    order of ids, so that no two wait for each other.
    """
    await connection.execute(
        "INSERT INTO tickets (ticket_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", ticket_ids
    )
    rows = await connection.fetch(
        """
        SELECT t.*, r.last_activity_at AS shown_activity_at, coalesce(r.seen_up_to, 0) AS seen_up_to
        FROM tickets AS t LEFT JOIN requester_tickets AS r USING (ticket_id)
        WHERE t.ticket_id = ANY($1::text[]) ORDER BY t.ticket_id FOR UPDATE OF t
        """,
        ticket_ids,
    )
    return {row["ticket_id"]: Ticket(*row) for row in rows}


async def load_occurrences(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Occurrence]:
    """Those of these occurrences that there are."""
    rows = await connection.fetch("SELECT * FROM occurrences WHERE occurrence_id = ANY($1::uuid[])", ids)
    return {row["occurrence_id"]: Occurrence(*row) for row in rows}


async def write(connection: Connection, folded: Folded) -> None:
    """Everything that a batch came to."""
    tickets = folded.tickets.values()
    await _put(connection, _TICKETS, [ticket[:_TICKET_COLUMNS] for ticket in tickets])
    await _put(connection, _REQUESTER_TICKETS, [_of_requester(ticket) for ticket in tickets])
    # A ticket's lock and version let each fact of its stream be written once; others may come again.
    await _append(connection, "ticket_entries", [each for each in folded.entries if each.version])
    await _put(connection, _ENTRIES, [each for each in folded.entries if not each.version])
    await put_occurrences(connection, [folded.occurrences[each] for each in folded.changed])
    await _put(connection, _REQUESTER_ENTRIES, folded.messages)
    await _append(connection, "chat_entries", folded.chat)
    await _put(connection, _VIEWS, list(folded.views.values()))
    await _put(connection, _OUTCOMES, list(folded.outcomes.values()))
    totals = [(*ticket_and_author, grown) for ticket_and_author, grown in folded.minutes.items()]
    await _put(connection, _TIME_TOTALS, totals)


async def put_occurrences(connection: Connection, changed: Sequence[Occurrence]) -> None:
    """Occurrences as they now stand, and what their requesters see of them."""
    await _put(connection, _OCCURRENCES, changed)
    shown = [(each, occurrences.shown(each)) for each in changed]
    hidden = [(each.ticket_id, each.recorded_version) for each, entry in shown if entry is None]
    if hidden:
        await connection.execute(_HIDE, *zip(*hidden, strict=True))
    await _put(connection, _REQUESTER_ENTRIES, [entry for _, entry in shown if entry is not None])


async def notify(connection: Connection, generation: int, payloads: Sequence[str]) -> None:
    """Tell those who listen, when the transaction commits and if this generation is the live one."""
    await connection.execute(
        """
        SELECT pg_notify('history', payload) FROM unnest($1::text[]) AS payload
        WHERE EXISTS (SELECT FROM generations WHERE generation = $2 AND state = 'live')
        """,
        payloads,
        generation,
    )


async def _put(connection: Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        await connection.execute(statement, rows)


async def _append(connection: Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Rows that cannot be there yet: COPY takes two thirds of what INSERT does, on both sides."""
    if rows:
        await connection.copy_records_to_table(table, records=rows)


def _of_requester(ticket: Ticket) -> tuple[object, ...]:
    return (
        ticket.ticket_id, ticket.requester_id, ticket.title, ticket.status, ticket.opened_at,
        ticket.shown_activity_at, ticket.last_version, ticket.seen_up_to,
    )  # fmt: skip


_TICKET_COLUMNS = 10  # what follows are the requester's

_TICKETS = """
    UPDATE tickets SET
        title = new.title, status = new.status, requester_id = new.requester_id, group_id = new.group_id,
        responsible_id = new.responsible_id, opened_at = new.opened_at, last_version = new.last_version,
        last_activity_at = new.last_activity_at, unread = new.unread
    FROM unnest($1::tickets[]) AS new WHERE tickets.ticket_id = new.ticket_id
"""
# Who waited for a ticket's lock reads that row again, but the requester's as it was before: what only
# grows there does not go back to it.
_REQUESTER_TICKETS = """
    INSERT INTO requester_tickets SELECT * FROM unnest($1::requester_tickets[])
    ON CONFLICT (ticket_id) DO UPDATE SET
        requester_id = excluded.requester_id, title = excluded.title, status = excluded.status,
        opened_at = excluded.opened_at,
        last_activity_at = greatest(requester_tickets.last_activity_at, excluded.last_activity_at),
        applied_version = excluded.applied_version,
        seen_up_to = greatest(requester_tickets.seen_up_to, excluded.seen_up_to)
"""
_ENTRIES = "INSERT INTO ticket_entries SELECT * FROM unnest($1::ticket_entries[]) ON CONFLICT DO NOTHING"
# An id that another ticket has already taken must not move that occurrence here.
_OCCURRENCES = """
    INSERT INTO occurrences SELECT * FROM unnest($1::occurrences[])
    ON CONFLICT (occurrence_id) DO UPDATE SET
        version = excluded.version, author_name = excluded.author_name, occurred_at = excluded.occurred_at,
        description_html = excluded.description_html, description_text = excluded.description_text,
        time_spent_minutes = excluded.time_spent_minutes, solution_html = excluded.solution_html,
        category_id = excluded.category_id, origin_id = excluded.origin_id,
        visible_to_requester = excluded.visible_to_requester, notify_by_email = excluded.notify_by_email,
        corrected = excluded.corrected, retracted = excluded.retracted, earlier = excluded.earlier,
        described_version = excluded.described_version, described_by_id = excluded.described_by_id,
        described_by_name = excluded.described_by_name, described_at = excluded.described_at,
        shown_version = excluded.shown_version, shown_by_id = excluded.shown_by_id,
        shown_corrected = excluded.shown_corrected
    WHERE occurrences.ticket_id = excluded.ticket_id
"""
_HIDE = """
    DELETE FROM requester_entries USING unnest($1::text[], $2::int[]) AS hidden (ticket_id, version)
    WHERE requester_entries.ticket_id = hidden.ticket_id AND requester_entries.version = hidden.version
"""
_REQUESTER_ENTRIES = """
    INSERT INTO requester_entries SELECT * FROM unnest($1::requester_entries[])
    ON CONFLICT (ticket_id, version) DO UPDATE SET
        author_name = excluded.author_name, happened_at = excluded.happened_at,
        description_html = excluded.description_html, solution_html = excluded.solution_html,
        corrected = excluded.corrected, current_version = excluded.current_version,
        current_by_id = excluded.current_by_id
"""
_VIEWS = "INSERT INTO views SELECT * FROM unnest($1::views[]) ON CONFLICT DO NOTHING"
_OUTCOMES = """
    INSERT INTO email_outcomes SELECT * FROM unnest($1::email_outcomes[])
    ON CONFLICT (mail_id) DO UPDATE SET
        state = excluded.state, reason = excluded.reason, at = excluded.at, outcome_id = excluded.outcome_id
    WHERE (email_outcomes.at, email_outcomes.outcome_id) < (excluded.at, excluded.outcome_id)
"""
_TIME_TOTALS = """
    INSERT INTO time_totals SELECT * FROM unnest($1::time_totals[])
    ON CONFLICT (ticket_id, author_id) DO UPDATE SET minutes = time_totals.minutes + excluded.minutes
"""
