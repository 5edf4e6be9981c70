"""Operators have the notifier take in what it could not: mails go out once, and a repair mails nobody."""

import asyncio
from dataclasses import replace

import pytest
from relato_contracts.notes import OccurrenceRecorded, RequesterMessaged

from tests.integration.notifier.conftest import ANA, Notifier
from tests.support import stream as a
from tests.support.letters import Letters, not_known_yet
from tests.support.reaching import reaching


async def test_what_an_older_program_did_not_know_is_mailed_once_unless_it_was_taken_back_since(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"visible_to_requester": True, "notify_by_email": True}
    with not_known_yet(monkeypatch, OccurrenceRecorded, RequesterMessaged):
        (noted, *_) = await notifier.note(a.recorded(1, **told), a.to_requester(2, notify_by_email=True))
        await notifier.note(a.recorded(3, **told), a.retracted(3))
        await notifier.taken_in()
    # A repair of the topic tells nobody.
    await notifier.send((replace(noted, replay_id="repair-1"), a.recorded(1, **told)))
    await notifier.taken_in()
    assert await notifier.database.fetchval("SELECT count(*) FROM mails") == 0

    async with reaching(notifier.address) as http:
        letters = Letters(http, notifier.issuer, "notifier")
        ids = [each["id"] for each in await letters.listed(state="parked")]
        would = [(each, "taken-in") for each in ids]
        assert await letters.done("retry", all=True, dry_run=True) == would
        assert await notifier.database.fetchval("SELECT count(*) FROM mails") == 0
        asked = await asyncio.gather(*(letters.ask("retry", all=True) for _ in range(3)))
        assert 200 in {answer.status_code for answer in asked}
    mails = await notifier.mails(3, "accepted", "suppressed")
    assert sorted(each["reason"] or "" for each in mails) == ["", "", "retracted"]
    assert notifier.mailbox.seen == [ANA, ANA]
