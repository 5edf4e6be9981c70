"""The demonstration data in a running installation."""

from collections import Counter

import asyncpg
from relato.demo.load import standing
from relato.demo.plan import SEED
from relato.demo.story import requests
from relato.demo.tickets import LAST, moment_of, tickets
from relato_contracts.itsm import TicketSaved

from tests.integration.relato.conftest import Installation
from tests.support.waiting import until


async def test_a_second_load_changes_nothing(installation: Installation) -> None:
    again = await installation.relato("demo", "--json")
    assert again.document == {"published": 0, "requested": 0, "without_requests": False, "dry_run": False}


async def test_a_load_that_broke_off_was_finished_without_doing_anything_twice(
    installation: Installation,
) -> None:
    last = (await standing(installation.settings))[TicketSaved, LAST]
    assert isinstance(last, TicketSaved)
    wanted = Counter(
        request.action
        for ticket in tickets(SEED, moment_of(last.opened_at))
        for request in requests(SEED, ticket)
    )
    notes = await asyncpg.connect(installation.databases["notes"])
    try:
        rows = await notes.fetch("SELECT type, count(*) FROM events GROUP BY type")
    finally:
        await notes.close()
    done = {row["type"].split(".")[1]: row["count"] for row in rows}
    assert done["OccurrenceRecorded"] == wanted["occurrences"]
    assert done["RequesterMessaged"] + done["AttendantMessaged"] == wanted["messages"]
    assert done["ChatMessagePosted"] == wanted["chat"]
    assert done["OccurrenceCorrected"] == wanted["corrections"]


async def test_closed_tickets_have_their_notes(installation: Installation) -> None:
    history = await asyncpg.connect(installation.databases["history"])
    try:

        async def closed() -> list[asyncpg.Record]:
            return await history.fetch(
                """
                SELECT ticket_id, count(occurrence_id) AS notes
                FROM history.tickets LEFT JOIN history.occurrences USING (ticket_id)
                WHERE status = 'closed' GROUP BY ticket_id
                """
            )

        tickets = await until(closed, what="closed tickets")
        assert len(tickets) == 96
        assert all(ticket["notes"] for ticket in tickets)
    finally:
        await history.close()


async def test_its_mails_are_sent_or_say_why_not(installation: Installation) -> None:
    notifier = await asyncpg.connect(installation.databases["notifier"])
    try:

        async def settled() -> bool:
            unsettled = "SELECT count(*) FROM mails WHERE state NOT IN ('accepted', 'suppressed')"
            return bool(await notifier.fetchval(unsettled) == 0)

        await until(settled, what="the mails of the demonstration")
        templates = await notifier.fetch("SELECT DISTINCT template_id FROM mails WHERE state = 'accepted'")
        assert {row["template_id"] for row in templates} == {
            "nota-ao-solicitante",
            "nota-ao-responsavel",
            "chat-na-ausencia",
        }
        reasons = await notifier.fetch("SELECT DISTINCT reason FROM mails WHERE state = 'suppressed'")
        assert {row["reason"] for row in reasons} <= {"no-address", "retracted"}
    finally:
        await notifier.close()
