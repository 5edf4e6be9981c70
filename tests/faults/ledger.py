"""What must hold of mails after a fault: what was promised is decided, and nothing denied."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.faults.load import Load
from tests.faults.mail import Content
from tests.faults.site import Site

if TYPE_CHECKING:
    from tests.faults.oracle import Logged


async def violations(
    site: Site, load: Load, log: Mapping[tuple[str, int], "Logged"], mails_before: int
) -> list[str]:
    """What the ledger and the histories say otherwise than the mail server."""
    tickets = sorted(load.tickets)
    async with site.sql("notifier") as sql:
        rows = await sql.fetch(
            "SELECT event_id, message_id, recipient, state, reason FROM mails"
            " WHERE ticket_id = ANY($1::text[])",
            tickets,
        )
    async with site.sql("history") as sql:
        told = await sql.fetch(
            "SELECT event_id, recipient, state FROM history.email_outcomes WHERE ticket_id = ANY($1::text[])",
            tickets,
        )
    shown = {(row["event_id"], row["recipient"]): row["state"] for row in told}
    contents = site.mails.contents
    return [
        *_twice(contents, mails_before),
        *_decided(contents, rows),
        *(
            f"a mail is {row['state']} and its ticket's history does not say so"
            for row in rows
            if shown.get((row["event_id"], row["recipient"])) != row["state"]
        ),
        *_promised(load, log, rows),
    ]


def _twice(contents: Sequence[Content], mails_before: int) -> Iterator[str]:
    """Mails of this run or of any before that came during this run for a second time."""
    numbers = Counter(each.message_id for each in contents if each.taken)
    for message_id in sorted({each.message_id for each in contents[mails_before:] if each.taken}):
        if numbers[message_id] > 1:
            yield f"the mail {message_id} was taken {numbers[message_id]} times"


def _decided(contents: Sequence[Content], rows: Sequence[Any]) -> Iterator[str]:
    """None that may have gone out is thought not to have, and what is final the server has said."""
    taken = {each.message_id: each for each in contents if each.taken}
    refused = {each.message_id for each in contents if (each.answer or "").startswith("5")}
    for row in rows:
        state, message_id = row["state"], (row["message_id"] or "").strip()
        content = taken.get(message_id)
        if state == "accepted" and content is None:
            yield f"the mail {message_id} counts as accepted and never arrived"
        if state == "rejected" and message_id not in refused:
            yield f"the mail {message_id} counts as rejected, and the server never said so: {row['reason']}"
        if content is not None and state not in {"accepted", "uncertain"}:
            yield f"the mail {message_id} arrived and counts as {state}"
        if content is not None and content.answer is None and state != "uncertain":
            yield f"the mail {message_id} was never answered and is not uncertain"


def _promised(load: Load, log: Mapping[tuple[str, int], "Logged"], rows: Sequence[Any]) -> Iterator[str]:
    """A promised mail was handed over, or may have been; unless the server or its author took that back."""
    by_event: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_event[row["event_id"]].append(row)
    releases = {str(each.subject_id): each.event_id for each in log.values() if each.is_release}
    taken_back = {
        each.step.about
        for each in load.told
        if each.step.kind in {"retract", "hide", "undo"} and each.outcome in {"acknowledged", "lost"}
    }
    for told in load.acknowledged:
        accepted = told.accepted
        event = None if accepted is None else log.get((accepted.ticket_id, accepted.version))
        if accepted is None or not accepted.recorded or event is None:
            continue
        step = told.step
        about = step.about or step.token
        # What is held back is mailed when it is released.
        event_id = releases.get(str(event.subject_id)) if step.hold else event.event_id
        mails = [] if event_id is None else by_event[event_id]
        wanted = accepted.notification == "planned"
        if wanted and not mails and about not in taken_back:
            yield f"the mail about {step.token} was promised and never planned"
        if accepted.notification == "none" and mails and step.kind != "chat":
            yield f"a mail about {step.token} that nobody asked for"
        for mail in mails if wanted else ():
            if mail["state"] in {"accepted", "uncertain", "rejected"}:  # the last is judged above
                continue
            if mail["state"] != "suppressed" or about not in taken_back:
                yield f"the mail about {step.token} was promised and is {mail['state']}: {mail['reason']}"
