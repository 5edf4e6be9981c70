"""Pure: what of a request is new to its requester, from how much of it is."""

from collections.abc import Iterable

from portal_query.shapes import Entry, RequestEntry

EVERYTHING = 2**31 - 1
"""The version up to which nothing is new."""
NOTHING = 0
"""The version up to which everything is."""


def seen_up_to(shown: Iterable[Entry | RequestEntry], person_id: str, unread: int) -> int:
    """The version up to which somebody knows what others wrote; ``unread`` of what is shown is later."""
    others = sorted((each["version"] for each in shown if each["author"]["id"] != person_id), reverse=True)
    return EVERYTHING if unread == 0 else others[unread] if unread < len(others) else NOTHING
