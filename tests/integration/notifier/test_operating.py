"""Operators decide about mails and about all sending: nothing is lost by it, and nothing goes out twice."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from notifier.app import build
from relato_contracts.itsm import TicketSaved
from relato_contracts.notifications import EmailSuppressed

from tests.integration.notifier.conftest import ANA, CARLOS, Notifier
from tests.support import stream as a
from tests.support import world
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until

TOLD = {"visible_to_requester": True, "notify_by_email": True}
OFF = ("refused", "All e-mail is switched off (parameter 297).")


async def operate(
    notifier: Notifier, path: str, *, who: str = "olga", address: str = "", **wish: Any
) -> httpx.Response:
    """Have something done below /api/operate."""
    async with reaching(address or notifier.address, timeout=60) as client:
        headers = notifier.issuer.bearer(who, "operator")
        return await client.post(f"/api/operate{path}", json=wish, headers=headers)


async def outcomes(notifier: Notifier, verb: str, **wish: Any) -> list[tuple[str, str]]:
    """What became of each mail, and why."""
    answer = await operate(notifier, f"/mails/{verb}", **wish)
    assert answer.status_code == 200, answer.text
    return [(each["outcome"], each["detail"]) for each in answer.json()["items"]]


async def _rests(notifier: Notifier) -> bool:
    return not await notifier.database.fetchval(
        "SELECT EXISTS (SELECT FROM mails WHERE state IN ('leased', 'submitting'))"
    )


async def _switch_mails(notifier: Notifier, off: str) -> None:
    """Parameter 297, as the notifier knows it by now."""
    await notifier.publish(world.parameter(297, off))

    async def known() -> bool:
        return bool(
            await notifier.database.fetchval("SELECT value = $1 FROM parameters WHERE number = 297", off)
        )

    await until(known, what=f"297 at {off}")


async def _remarks(address: str) -> Any:
    async with reaching(address) as client:
        answer = await client.get("/readyz")
        return answer.status_code, answer.json().get("remarks", {}).get("sending", "")


async def test_one_command_stops_all_sending_in_every_process_and_loses_nothing(notifier: Notifier) -> None:
    tickets: list[TicketSaved] = [world.ticket(str(each)) for each in range(5_000, 5_060)]
    await notifier.publish(*tickets)
    async with serving(build(notifier.settings)) as other:
        notes = [a.recorded(int(each.ticket_id), ticket_id=each.ticket_id, **TOLD) for each in tickets]
        publishing = asyncio.create_task(notifier.note(*notes))

        async def some() -> bool:
            return len(notifier.mailbox.seen) > 2

        await until(some, what="the first mails")
        tried = await operate(notifier, "/sending/stop", reason="server moves", dry_run=True)
        assert (tried.status_code, tried.json()["stopped"]) == (200, False)
        both = await asyncio.gather(
            operate(notifier, "/sending/stop", reason="server moves"),
            operate(notifier, "/sending/stop", who="otto", address=other),
        )
        assert sorted(answer.status_code for answer in both) == [200, 409]
        await publishing
        await notifier.taken_in()
        await until(lambda: _rests(notifier), within=5, what="senders at rest")
        gone_out = len(notifier.mailbox.seen)
        for address in (notifier.address, other):

            async def says(address: str = address) -> bool:
                status, remark = await _remarks(address)
                return status == 200 and "sending was stopped by O" in remark

            await until(says, within=5, what="readiness that says so")
        test_mail = await notifier.ask(
            *("POST", "/test-mails"),
            headers={"Idempotency-Key": "1"},
            json={"language": "pt-BR", "subject": "a", "text": "a", "html": "a"},
        )
        assert (test_mail.status_code, test_mail.json()["type"][-15:]) == (409, "sending-stopped")
    await notifier.stop()
    await notifier.start()  # a restart changes nothing
    await notifier.note(a.to_requester(1, notify_by_email=True))
    await notifier.taken_in()
    assert len(notifier.mailbox.seen) == gone_out
    assert (await operate(notifier, "/sending/start", reason="moved")).status_code == 200
    await notifier.mails(61, "accepted", within=60)
    assert Counter(notifier.mailbox.seen) == {ANA: 61}
    assert await notifier.database.fetchval("SELECT max(attempts) FROM mails") == 1
    again = await operate(notifier, "/sending/start")
    assert (again.status_code, again.json()["detail"]) == (409, "Sending is not stopped.")
    rows = await notifier.database.fetch(
        "SELECT action, reason FROM operations WHERE subject = 'sending' AND NOT dry_run ORDER BY id"
    )
    assert [row["action"] for row in rows] == ["stop", "start"]


async def test_suppressed_mails_are_released_once_nothing_stands_against_them(notifier: Notifier) -> None:
    await notifier.publish(world.parameter(297, "S"), world.person("ana", email=None))
    await notifier.taken_in()
    nowhere = a.to_requester(1, notify_by_email=True)
    await notifier.note(nowhere)
    await notifier.publish(world.person("ana", email=ANA))
    await notifier.taken_in()
    await notifier.note(a.recorded(2, **TOLD), a.recorded(3, **TOLD), a.to_attendant(4))
    mails = await notifier.mails(4, "suppressed")
    assert Counter(each["recipient"] for each in mails) == {"": 1, ANA: 2, CARLOS: 1}
    assert {outcome for outcome, _ in await outcomes(notifier, "release", because="disabled")} == {"refused"}

    await notifier.note(a.retracted(3))
    await notifier.publish(world.parameter(297, "N"))
    await notifier.taken_in()
    would = await outcomes(notifier, "release", all=True, dry_run=True)
    assert Counter(outcome for outcome, _ in would) == {"done": 3, "refused": 1}
    assert ("refused", "What it is about was retracted.") in would
    assert notifier.mailbox.seen == []
    asked = await asyncio.gather(
        *(operate(notifier, "/mails/release", all=True, who=who) for who in ("olga", "otto"))
    )
    assert 200 in {answer.status_code for answer in asked}

    async def sent() -> bool:
        return Counter(notifier.mailbox.seen) == {ANA: 2, CARLOS: 1}

    await until(sent, what="the released mails")
    await notifier.mails(4, "accepted", "suppressed")
    mail_id = next(each["mail_id"] for each in mails if each["recipient"] == CARLOS)
    again = await outcomes(notifier, "release", mail_ids=[mail_id])
    assert again == [("refused", "The mail is accepted; this takes one that is suppressed.")]
    await notifier.taken_in()
    assert len(notifier.mailbox.seen) == 3


async def test_a_mail_that_is_released_late_is_tried_as_long_as_a_new_one(notifier: Notifier) -> None:
    await _switch_mails(notifier, "S")
    await notifier.note(a.to_requester(1, notify_by_email=True))
    await notifier.mails(1, "suppressed")
    await notifier.database.execute("UPDATE mails SET planned_at = planned_at - interval '73 hours'")
    await _switch_mails(notifier, "N")
    notifier.mailbox.answers[ANA] = ["451 later"]

    assert await outcomes(notifier, "release", all=True) == [("done", "")]

    [mail] = await notifier.mails(1, "accepted")
    assert mail["attempts"] == 2


async def test_297_keeps_mails_from_going_out_that_were_planned_before(notifier: Notifier) -> None:
    await notifier.mailbox.close()
    await notifier.note(
        a.to_requester(1, notify_by_email=True),
        a.chatted(2, by_requester=False, recipient_online=False),
        a.recorded(3, **TOLD),
    )
    await notifier.tried()
    await _switch_mails(notifier, "S")
    await notifier.mailbox.open()

    mails = await notifier.mails(3, "suppressed")
    assert {each["reason"] for each in mails} == {"disabled"}
    assert {type(outcome) for _, outcome in await notifier.outcomes(3)} == {EmailSuppressed}
    assert await outcomes(notifier, "release", because="disabled") == [OFF] * 3
    assert notifier.mailbox.seen == []

    await _switch_mails(notifier, "N")
    assert await outcomes(notifier, "release", because="disabled") == [("done", "")] * 3
    await notifier.mails(3, "accepted")
    assert notifier.mailbox.seen == [ANA] * 3


async def test_while_297_is_on_operators_have_nothing_sent_again(notifier: Notifier) -> None:
    await notifier.note(a.to_requester(1, notify_by_email=True), a.to_requester(2, notify_by_email=True))
    first, second = [each["mail_id"] for each in await notifier.mails(2, "accepted")]
    change = "UPDATE mails SET state = $1 WHERE mail_id = $2::text::uuid"
    await notifier.database.execute(change, "rejected", first)
    await notifier.database.execute(change, "uncertain", second)
    await _switch_mails(notifier, "S")
    assert await outcomes(notifier, "retry", mail_ids=[first]) == [OFF]
    assert await outcomes(notifier, "resend", mail_ids=[second]) == [OFF]
    assert await outcomes(notifier, "drop", mail_ids=[first, second]) == [("done", "")] * 2


async def test_what_may_have_gone_out_is_sent_again_by_its_id_alone(notifier: Notifier) -> None:
    await notifier.note(a.to_requester(1, notify_by_email=True), a.to_requester(2, notify_by_email=True))
    mails = await notifier.mails(2, "accepted")
    first, second = [each["mail_id"] for each in mails]
    await notifier.database.execute("UPDATE mails SET state = 'uncertain'")
    assert (await operate(notifier, "/mails/resend", all=True)).status_code == 422
    assert (await operate(notifier, "/mails/drop", mail_ids=[first], dry_run="true")).status_code == 422
    assert await outcomes(notifier, "drop", mail_ids=[first], reason="old") == [("done", "")]
    refused = await outcomes(notifier, "release", mail_ids=[first])
    assert refused[0][0] == "refused"
    assert "nobody knew" in refused[0][1]
    assert await outcomes(notifier, "resend", mail_ids=[second], reason="she asked") == [("done", "")]
    await notifier.mails(2, "accepted", "suppressed")
    assert len(notifier.mailbox.seen) == 3
    headers = notifier.issuer.bearer("olga", "operator")
    async with reaching(notifier.address) as client:
        shown = (await client.get(f"/api/operate/mails/{second}", headers=headers)).json()
        listed = await client.get("/api/operate/mails", params={"because": "dropped"}, headers=headers)
        audit = (await client.get("/api/operate/audit/notifier", headers=headers)).json()["items"]
        barred = await client.get("/api/operate/mails", headers=notifier.issuer.bearer("carlos"))
    assert [each["outcome"] for each in shown["answers"]] == ["accepted", "accepted"]
    assert "Mensagem 2" in shown["source"]
    assert [each["mail_id"] for each in listed.json()["items"]] == [first]
    assert [(each["action"], each["target"], each["reason"]) for each in audit] == [
        ("resend", second, "she asked"),
        ("drop", first, "old"),
    ]
    assert barred.status_code == 403


async def _suppressed(notifier: Notifier, number: int, rendered: bool, reason: str) -> None:
    """Mails that were suppressed: so many, behind those that are there."""
    await notifier.database.execute(
        """
        INSERT INTO mails (mail_id, event_id, event_version, event_at, ticket_id, subject_id, parameter,
            recipient, recipient_role, template_id, state, reason, sender, message_id, source)
        SELECT gen_random_uuid(), gen_random_uuid(), number, now(), '1001', gen_random_uuid(), 251,
            $3, 'requester', 'occurrence', 'suppressed', $4, 'relato@localhost',
            '<' || gen_random_uuid() || '@localhost>', CASE WHEN $2 THEN 'Subject: a'::bytea END
        FROM generate_series(1, $1) AS number
        """,
        *(number, rendered, ANA, reason),
    )


async def test_many_that_cannot_be_released_do_not_keep_the_others_from_it(notifier: Notifier) -> None:
    await _suppressed(notifier, 205, rendered=False, reason="disabled")
    await _suppressed(notifier, 3, rendered=True, reason="disabled")
    first = (await operate(notifier, "/mails/release", because="disabled")).json()
    assert ({each["outcome"] for each in first["items"]}, first["left"]) == ({"refused"}, 8)
    after = first["next_after"]
    second = (await operate(notifier, "/mails/release", because="disabled", after=after)).json()
    assert Counter(each["outcome"] for each in second["items"]) == {"refused": 5, "done": 3}
    assert (second["left"], second["next_after"]) == (0, None)


async def test_a_request_ends_in_time_and_the_next_one_goes_on_behind_it(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _suppressed(notifier, 3, rendered=False, reason="disabled")
    mails = await notifier.mails(3, "suppressed")
    monkeypatch.setattr("notifier.operating.SECONDS", 0)
    for meant in ({"state": "suppressed"}, {"mail_ids": [each["mail_id"] for each in mails]}):
        after: str | None = None
        for mail, left in zip(mails, (2, 1, 0), strict=True):
            said = (await operate(notifier, "/mails/release", after=after, **meant)).json()
            assert [each["mail_id"] for each in said["items"]] == [mail["mail_id"]]
            assert said["left"] == left
            after = said["next_after"]
        assert after is None


async def test_what_was_suppressed_is_dropped_where_it_is_meant_and_once(notifier: Notifier) -> None:
    await _suppressed(notifier, 2, rendered=True, reason="not-configured")
    assert await outcomes(notifier, "drop", all=True, reason="old") == []
    would = await outcomes(notifier, "drop", state="suppressed", dry_run=True)
    assert would == [("done", ""), ("done", "")]
    dropped = await outcomes(notifier, "drop", because="not-configured", reason="old")
    assert dropped == [("done", ""), ("done", "")]
    assert await outcomes(notifier, "drop", state="suppressed", reason="older") == []
    assert await outcomes(notifier, "release", all=True) == []
    mails = await notifier.mails(2, "suppressed")
    assert {each["reason"] for each in mails} == {"dropped: old"}
