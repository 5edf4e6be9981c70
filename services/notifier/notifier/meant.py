"""Which mails operators mean when they decide about some: all SQL about that."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from relato_runtime.database import Connection

from notifier.ledger import State

Verb = Literal["retry", "resend", "drop", "release"]
_STATES: Mapping[Verb, Sequence[State]] = {
    "retry": ("retry", "rejected", "dead"),
    "resend": ("uncertain",),
    "drop": ("planned", "retry", "rejected", "dead", "uncertain"),
    "release": ("suppressed",),
}
"""Of mails that are meant without being named."""


class Meant(NamedTuple):
    """Which mails: these, or of a ticket, of a state, for a reason (its beginning); and those behind one."""

    mail_ids: Sequence[UUID] | None = None
    ticket_id: str | None = None
    state: State | None = None
    because: str | None = None
    after: UUID | None = None

    def states(self, verb: Verb) -> Sequence[State]:
        """Those in which one that is not named has to be.

        All that can be dropped is what is to go out; what was suppressed is dropped where somebody asks for
        that state or a reason, since it went out to nobody anyway.
        """
        if verb == "drop" and (self.state == "suppressed" or self.because is not None):
            return (*_STATES[verb], "suppressed")
        return _STATES[verb]


async def chosen(connection: Connection, verb: Verb, meant: Meant, limit: int) -> tuple[list[UUID], int]:
    """Those that are meant, oldest first, up to a limit, and how many more there are."""
    if meant.mail_ids is not None:
        named = list(dict.fromkeys(meant.mail_ids))
        named = named[named.index(meant.after) + 1 :] if meant.after in named else named
        return named[:limit], max(0, len(named) - limit)
    given = (list(meant.states(verb)), meant.ticket_id, meant.state, meant.because, meant.after)
    rows = await connection.fetch(
        f"""
        SELECT mail_id, count(*) OVER () AS number FROM mails WHERE {_MEANT}
        ORDER BY planned_at, ticket_id, event_version, mail_id LIMIT $6
        """,  # noqa: S608  # a condition of ours
        *(*given, limit),
    )
    return [row["mail_id"] for row in rows], (rows[0]["number"] - len(rows) if rows else 0)


# What was suppressed and doubted was dropped: nothing more can be done to it.
_MEANT = """
    state = ANY($1::text[]) AND NOT (state = 'suppressed' AND doubted)
    AND ($2::text IS NULL OR ticket_id = $2) AND ($3::text IS NULL OR state = $3)
    AND ($4::text IS NULL OR starts_with(reason, $4))
    AND ($5::uuid IS NULL OR (planned_at, ticket_id, event_version, mail_id) > (
        SELECT planned_at, ticket_id, event_version, mail_id FROM mails WHERE mail_id = $5
    ))
"""
