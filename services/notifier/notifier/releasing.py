"""Suppressed mails that are sent after all, once what stood against them is gone."""

from uuid import UUID

from pydantic import TypeAdapter
from relato_contracts.envelope import FACTS
from relato_contracts.notes import NoteEvent
from relato_runtime.database import Connection

from notifier import ledger, plans
from notifier.event import Event
from notifier.known import Unknown
from notifier.ledger import LedgerError
from notifier.planner import Planner

_NOTE: TypeAdapter[NoteEvent] = TypeAdapter(NoteEvent)


async def release(connection: Connection, planner: Planner, mail_id: UUID) -> None:
    """Plan a mail that was suppressed; ``LedgerError`` where it would be again, or may have gone out before.

    One that was rendered goes out as it was; any other is composed as it would be now, with the text of its
    note as that is now. Where it was for nobody it becomes mails for those who can have it by now.
    """
    row = await ledger.suppressed(connection, mail_id)
    if row.doubted:
        raise LedgerError("It was given up while nobody knew whether it had gone out; it is not sent again.")
    if row.withdrawn is not None:
        raise LedgerError(f"What it is about was {row.withdrawn}.")
    if row.rendered:
        await ledger.again(connection, mail_id)
        return
    if row.event_type is None or row.event_data is None:
        raise LedgerError("What it would have said was not kept when it was suppressed.")
    fact = _NOTE.validate_python(FACTS[row.event_type].model_validate_json(row.event_data))
    event = Event(row.event_id, row.event_version, row.event_at, row.correlation_id, row.traceparent, fact)
    try:
        mails = await planner.again(connection, event)
    except Unknown as unknown:
        raise LedgerError(f"It would be suppressed again: {unknown.reason}.") from unknown
    ready = [each for each in mails if each.state == "planned"]
    if not ready:
        reasons = sorted({each.reason or "" for each in mails})
        raise LedgerError(f"It would be suppressed again: {', '.join(reasons)}.")
    if not await plans.replace(connection, mail_id, ready):
        raise LedgerError("Who can have it by now has it already.")
