"""Which topics there are, how they are keyed and kept, and which facts they carry."""

from collections.abc import Mapping
from dataclasses import dataclass

from relato_contracts import heads, itsm, notes, notifications, people, presence
from relato_contracts.fields import Fact


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name, what its key names, and its facts.

    A compacted topic keeps the last record of each key, and a record without value removes; any
    other keeps everything.
    """

    name: str
    facts: Mapping[type[Fact], str]
    """Each fact with the field that holds the record's key."""
    compacted: bool
    about: str
    retention_ms: int = -1
    """How long records stay on a topic that is not compacted; -1 is for ever."""


def _keyed(field: str, *facts: type[Fact]) -> dict[type[Fact], str]:
    return dict.fromkeys(facts, field)


NOTES = Topic(
    "relato.notes",
    _keyed(
        "ticket_id",
        notes.OccurrenceRecorded,
        notes.OccurrenceCorrected,
        notes.OccurrenceSolved,
        notes.OccurrenceRetracted,
        notes.OccurrenceVisibilityChanged,
        notes.RequesterMessaged,
        notes.AttendantMessaged,
        notes.ChatMessagePosted,
        notes.HistoryViewed,
        notes.TextErased,
    ),
    compacted=False,
    about="What happened while tickets were executed, in order per ticket.",
)
NOTIFICATIONS = Topic(
    "relato.notifications",
    _keyed(
        "ticket_id",
        notifications.EmailAccepted,
        notifications.EmailRejected,
        notifications.EmailUncertain,
        notifications.EmailSuppressed,
    ),
    compacted=False,
    about="What became of each mail.",
)
HEADS = Topic(
    "relato.heads",
    _keyed("log", heads.LogSealed),
    compacted=False,
    about="Signed heads of the tree of all tickets' chains, in order, each with its new leaves.",
)
ERASURES = Topic(
    "relato.people",
    _keyed("person_id", people.PersonErased),
    compacted=False,
    about="Who is to be forgotten.",
)
PRESENCE = Topic(
    "relato.presence",
    _keyed("ticket_id", presence.PersonPresent),
    compacted=False,
    about="Who has a ticket open right now.",
    retention_ms=3_600_000,
)
TICKETS = Topic("itsm.tickets", _keyed("ticket_id", itsm.TicketSaved), True, "Tickets as they now are.")
PEOPLE = Topic("itsm.people", _keyed("person_id", itsm.PersonSaved), True, "People as they now are.")
GROUPS = Topic("itsm.groups", _keyed("group_id", itsm.GroupSaved), True, "Groups and what they may do.")
PARAMETERS = Topic("itsm.parameters", _keyed("number", itsm.ParameterSaved), True, "The ITSM's switches.")
EMAIL_TEMPLATES = Topic(
    "itsm.email-templates", _keyed("template_id", itsm.EmailTemplateSaved), True, "Texts of mails."
)
CATALOG = Topic(
    "itsm.catalog",
    {itsm.CategorySaved: "category_id", itsm.OriginSaved: "origin_id"},
    True,
    "Categories and origins of occurrences.",
)

ITSM = (TICKETS, PEOPLE, GROUPS, PARAMETERS, EMAIL_TEMPLATES, CATALOG)
CONSUMERS = ("notes", "notifier", "history-projector")


def dead_letters(consumer: str) -> Topic:
    """The topic where a consumer puts, byte for byte, what it could not take in."""
    return Topic(f"relato.{consumer}.dead-letters", {}, False, f"What {consumer} could not take in.")


TOPICS = (
    *(*ITSM, NOTES, NOTIFICATIONS, HEADS, ERASURES, PRESENCE),
    *(dead_letters(consumer) for consumer in CONSUMERS),
)
TOPIC_OF: Mapping[type[Fact], Topic] = {fact: topic for topic in TOPICS for fact in topic.facts}


def key_of(fact: Fact) -> str:
    """The key of a fact's record: the id of what it is about, so that its facts stay in order."""
    return str(getattr(fact, TOPIC_OF[type(fact)].facts[type(fact)]))
