"""Rules that several decisions share: what must hold, and what is wrong with a field."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from relato_contracts.fields import HTML_LIMIT_BYTES
from relato_runtime.field_errors import FieldError

from notes import errors, text
from notes.commands import Command, OccurrenceCommand
from notes.situation import Situation
from notes.state import Occurrence, State
from notes.text import RichText

_CLOCK_SKEW = timedelta(seconds=5)
"""How far ahead a writer's clock may be; what lies further ahead is the future."""


class Who(TypedDict):
    """The fields that all facts of a ticket begin with."""

    ticket_id: str
    requester_id: str
    author_id: str
    author_name: str


def who(command: Command, situation: Situation) -> Who:
    """Whose ticket, and who did it."""
    return Who(
        ticket_id=command.ticket_id,
        requester_id=situation.requester_id,
        author_id=command.author_id,
        author_name=situation.author_name,
    )


def require_occurrences(situation: Situation) -> None:
    """Parameter 298."""
    if not situation.switched_on(298):
        raise errors.OccurrencesDisabled


def require_open(situation: Situation) -> None:
    """A closed or cancelled ticket accepts nothing."""
    if situation.closed:
        raise errors.TicketClosed


def require_version(state: State, occurrence: Occurrence, command: OccurrenceCommand) -> None:
    """Nothing happened to the occurrence since its author saw it (RFC 9110 §13.1.1)."""
    seen = command.expected_version
    if seen is not None and not occurrence.version <= seen <= state.version:
        raise errors.VersionConflict


def wrong_text(pointer: str, rich: RichText) -> list[FieldError]:
    """Text that shows nothing is no text; what was cleaned may be longer than what was sent."""
    if rich.shows_nothing:
        return [FieldError(pointer, "The text shows nothing.")]
    if len(rich.html.encode()) > HTML_LIMIT_BYTES or len(rich.plain) > HTML_LIMIT_BYTES:
        return [FieldError(pointer, f"Put in order, this is more than {HTML_LIMIT_BYTES} bytes.")]
    return []


def wrong_moment(moment: datetime, now: datetime) -> list[FieldError]:
    """Nothing happened in the future."""
    return [FieldError("/occurred_at", "This lies in the future.")] if moment - now > _CLOCK_SKEW else []


def wrong_catalog(category_id: str | None, origin_id: str | None, situation: Situation) -> list[FieldError]:
    """Categories and origins are those of the catalogue that are active."""
    wrong = []
    if category_id is not None and not situation.category_known:
        wrong.append(FieldError("/category_id", "There is no such active category."))
    if origin_id is not None and not situation.origin_known:
        wrong.append(FieldError("/origin_id", "There is no such active origin."))
    return wrong


def wrong_mail(visible_to_requester: bool, notify_by_email: bool) -> list[FieldError]:
    """What the requester may not see is not mailed to them."""
    if notify_by_email and not visible_to_requester:
        return [FieldError("/notify_by_email", "Only what the requester may see can be mailed to them.")]
    return []


def wrong_reason(reason: str) -> list[FieldError]:
    """A reason says something."""
    return [] if text.shows_something(reason) else [FieldError("/reason", "A reason is needed.")]


def refuse(wrong: Sequence[FieldError]) -> None:
    """Refuse the command when anything is wrong with it."""
    if wrong:
        raise errors.Invalid(*wrong)
