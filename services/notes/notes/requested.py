"""Pure: what is answered to a request, and what Kafka keeps so that it can be answered again."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast, get_args

from relato_contracts import notes as facts
from relato_contracts.notes import NoteEvent, OccurrenceFact

from notes.situation import Notification

HEADER = "relato-request"
"""Of records on ``relato.notes``, for us alone: a request's hash, what will become of the mail, its key."""

Response = Mapping[str, object]


def response(
    ticket_id: str,
    version: int,
    fact: NoteEvent | None,
    notification: Notification,
    release_at: datetime | None = None,
) -> dict[str, object]:
    """The answer to a request that came to this fact, or to none; what it is about may be held back."""
    answer: dict[str, object] = {"ticket_id": ticket_id, "version": version}
    if isinstance(fact, OccurrenceFact):
        answer |= {"occurrence_id": str(fact.occurrence_id), "notification": notification}
        return answer if release_at is None else answer | {"release_at": _utc(release_at)}
    match fact:
        case facts.RequesterMessaged() | facts.AttendantMessaged():
            return answer | {"message_id": str(fact.message_id), "notification": notification}
        case facts.ChatMessagePosted():
            return answer | {"message_id": str(fact.message_id)}
        case _:
            return answer | {"recorded": fact is not None}


def written(request_hash: bytes, notification: Notification, key: str) -> str:
    """What is kept of a request; its key has no blanks."""
    return f"{request_hash.hex()} {notification} {key}"


def read(kept: str) -> tuple[bytes, Notification, str] | None:
    """The same, read again; None for what we have not written."""
    try:
        request_hash, notification, key = kept.split(" ")
        if notification not in get_args(Notification):
            return None
        return bytes.fromhex(request_hash), cast(Notification, notification), key
    except ValueError:
        return None


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
