"""What a reader can do on a ticket and to its entries, by the rules that notes decides by: pure.

Whoever asks all the same is refused by notes; pages only offer what has a chance.
"""

from dataclasses import dataclass, replace
from typing import Literal

from portal_query.shapes import Entry

Offer = Literal[
    "note", "message", "correct", "solve", "retract", "show", "hide", "mail", "chat", "say", "listen"
]
RequestOffer = Literal["note", "message", "chat", "say"]
_ADDS: tuple[Offer, ...] = ("note", "correct", "solve", "show")
_TAKES_AWAY: tuple[Offer, ...] = ("retract", "hide")


@dataclass(frozen=True, slots=True)
class Offers:
    """A reader's rights on a ticket, the state of the ticket, and which parts are switched on."""

    person_id: str
    may_execute: bool
    may_comment: bool
    is_requester: bool
    closed: bool
    occurrences_enabled: bool
    messages_enabled: bool
    chat_enabled: bool

    def on_ticket(self) -> list[Offer]:
        """What the ticket accepts from them now; what should not be seen can be taken away at any time."""
        offered: list[Offer] = []
        if self.occurrences_enabled and (self.may_execute or self.may_comment):
            offered += (*(() if self.closed else _ADDS), *_TAKES_AWAY)
        # Whoever writes as the requester writes to the executors.
        if self.messages_enabled and self.may_execute and not self.is_requester and not self.closed:
            offered.append("message")
        # What became of a mail has to be settled on closed tickets, too.
        if self.may_execute:
            offered.append("mail")
        # What was said can be read for as long as there is chat; who executes and the requester say it.
        if self.chat_enabled and (self.may_execute or self.may_comment):
            offered.append("chat")
            if not self.closed:
                offered.append("say" if self.may_execute or self.is_requester else "listen")
        return offered

    def on_entry(self, entry: Entry) -> list[Offer]:
        """What they can do to an entry while the ticket accepts it."""
        if entry["kind"] != "occurrence" or entry.get("retracted"):
            return []
        author = entry.get("author")
        own = author is not None and author["id"] == self.person_id
        accepted = replace(self, closed=False).on_ticket()
        if "correct" not in accepted or not (self.may_execute or own):
            return []
        shown = entry.get("visible_to_requester", False)
        held = "release_at" in entry
        return [
            "correct",
            "solve",
            "retract",
            *(("show",) if not shown and not held else ()),
            *(("hide",) if shown or held else ()),
        ]


def on_request(status: str, *, notes: bool, messages: bool, chat: bool) -> list[RequestOffer]:
    """What a requester can do on a ticket of theirs, by its state and by which parts are switched on."""
    closed = status in {"closed", "cancelled"}
    offered: list[RequestOffer] = []
    if notes and status == "in-progress":
        offered.append("note")
    if messages and not closed:
        offered.append("message")
    if chat:
        offered += ("chat",) if closed else ("chat", "say")
    return offered
