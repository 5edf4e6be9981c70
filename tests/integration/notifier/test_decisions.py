"""People decide about mails of which nobody knows whether they went out."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from notifier import ledger
from relato_contracts.itsm import GroupPermission
from relato_contracts.notifications import EmailAccepted, EmailSuppressed, EmailUncertain
from relato_runtime import erased

from tests.integration.notifier.conftest import ANA, HASTY, Notifier
from tests.support import stream, world
from tests.support.reaching import reaching
from tests.support.waiting import until


async def uncertain(notifier: Notifier, number: int = 1) -> str:
    """The id of a mail to Ana whose outcome is uncertain."""
    notifier.mailbox.answers[ANA] = ["cut"]
    await notifier.note(stream.to_requester(number, notify_by_email=True))
    mails = await notifier.mails(number, "uncertain", "accepted", "suppressed")
    return mails[-1]["mail_id"]


async def decide(
    notifier: Notifier, mail_id: str, person: str = "carlos", *roles: str, key: str = "", **body: Any
) -> httpx.Response:
    return await notifier.ask(
        "POST",
        f"/mails/{mail_id}/decision",
        *(roles or ("nothing",)),
        person=person,
        json={"decision": "resend"} | body,
        headers={"Idempotency-Key": key or str(uuid4())},
    )


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def test_a_mail_is_sent_once_more_by_whoever_decides_first(notifier: Notifier) -> None:
    mail_id = await uncertain(notifier)

    answers = await asyncio.gather(
        *(decide(notifier, mail_id, key=f"{n}", decision=("resend", "leave")[n % 2]) for n in range(6))
    )

    [won] = [each for each in answers if each.status_code == 200]
    assert [code(each) for each in answers if each is not won] == [(409, "mail-not-uncertain")] * 5
    await notifier.mails(1, "accepted", "suppressed")
    sent = won.json()["decision"]["decision"] == "resend"
    assert notifier.mailbox.seen == [ANA] * (1 + sent)
    assert await notifier.database.fetchval("SELECT count(*) FROM decisions") == 1


async def test_a_decision_is_kept_and_told_at_once_and_with_what_follows(notifier: Notifier) -> None:
    mail_id = await uncertain(notifier)
    first = await decide(notifier, mail_id, key="k", reason="Ela não recebeu")
    again = await decide(notifier, mail_id, key="k", reason="Ela não recebeu")
    assert (first.status_code, first.text) == (200, again.text)
    assert code(await decide(notifier, mail_id, key="k")) == (422, "idempotency-key-reused")
    await notifier.mails(1, "accepted")
    assert notifier.mailbox.seen == [ANA, ANA]

    unknown, pending, accepted = [fact for _, fact in await notifier.outcomes(3)]
    assert isinstance(unknown, EmailUncertain) and unknown.decision is None
    assert isinstance(pending, EmailUncertain) and isinstance(accepted, EmailAccepted)
    assert pending.decision is not None and pending.decision == accepted.decision
    assert (pending.decision.person_id, pending.decision.person_name) == ("carlos", "Carlos")
    assert (pending.decision.decision, pending.decision.reason) == ("resend", "Ela não recebeu")
    assert pending.at == pending.decision.at < accepted.at
    assert pending.reason == "resend, decided by Carlos: Ela não recebeu"
    assert first.json() == {
        "mail_id": mail_id,
        "decision": pending.decision.model_dump(mode="json"),
    }


async def test_what_is_left_is_never_sent(notifier: Notifier) -> None:
    mail_id = await uncertain(notifier)
    assert (await decide(notifier, mail_id, decision="leave")).status_code == 200
    assert code(await decide(notifier, mail_id)) == (409, "mail-not-uncertain")
    [_, (_, left)] = await notifier.outcomes(2)
    assert isinstance(left, EmailSuppressed)
    assert left.decision is not None and left.decision.decision == "leave"
    assert "decided by Carlos" in left.reason
    await uncertain(notifier, 2)  # and so the senders have been at work meanwhile
    assert notifier.mailbox.seen == [ANA, ANA]


async def test_of_who_decided_and_was_erased_neither_name_nor_reason_stays(notifier: Notifier) -> None:
    sent, left = await uncertain(notifier), await uncertain(notifier, 2)
    await decide(notifier, sent, reason="Carlos insiste")
    await decide(notifier, left, decision="leave", reason="Carlos desiste")
    await notifier.mails(2, "accepted", "suppressed")
    before = await notifier.outcomes(5)
    await notifier.erase("carlos")

    async def retold() -> bool:
        return not await erased.pending(notifier.database)

    await until(retold, within=60, what="the topic without his name")
    kept = await notifier.database.fetch(
        "SELECT m::text FROM mails AS m UNION SELECT d::text FROM decisions AS d"
    )
    assert [row[0] for row in kept if "Carlos" in row[0]] == []
    told = await notifier.outcomes(len(before))
    assert [fact for _, fact in told if "Carlos" in fact.model_dump_json()] == []
    assert {fact.decision.decision for _, fact in told if fact.decision} == {"resend", "leave"}


async def test_a_mail_that_is_uncertain_again_is_decided_again(notifier: Notifier) -> None:
    mail_id = await uncertain(notifier)
    notifier.mailbox.answers[ANA] = ["cut"]
    assert (await decide(notifier, mail_id)).status_code == 200

    async def again() -> bool:
        mail = await ledger.one(notifier.database, UUID(mail_id))
        return mail["state"] == "uncertain" and mail["attempts"] == 2

    await until(again, what="a second uncertain attempt")
    assert (await decide(notifier, mail_id)).status_code == 200
    await notifier.mails(1, "accepted")
    assert notifier.mailbox.seen == [ANA] * 3


async def test_only_executors_of_the_ticket_and_operators_decide(notifier: Notifier) -> None:
    mail_id = await uncertain(notifier)
    for person, role in (
        ("ana", "nothing"),
        ("olga", "nothing"),
        ("davi", "administrator"),
        ("x", "nothing"),
    ):
        assert code(await decide(notifier, mail_id, person, role)) == (404, "mail-not-found"), person
    assert code(await decide(notifier, str(uuid4()))) == (404, "mail-not-found")
    assert code(await decide(notifier, mail_id, "edu")) == (403, "not-permitted"), "he may comment"
    async with reaching(notifier.address) as client:
        path = f"/api/notifier/mails/{mail_id}/decision"
        assert (await client.post(path, json={"decision": "leave"})).status_code == 401

    # Rights follow the groups and the person, as they are now.
    permission = GroupPermission(group_id="redes", may=("execute",))
    await notifier.publish(
        world.group("campo", member_ids=("edu",), permissions=(permission,)),
        world.person("carlos", active=False),
    )
    await notifier.taken_in()
    assert code(await decide(notifier, mail_id, "carlos")) == (404, "mail-not-found")
    assert (await decide(notifier, mail_id, "edu")).status_code == 200
    await notifier.mails(1, "accepted")
    other = await uncertain(notifier, 2)
    assert (await decide(notifier, other, "olga", "operator", decision="leave")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"decision": "drop"}, {"decision": None}, {"reason": ""}, {"reason": "a\x00"}, {"x": 1}],
)
async def test_what_is_no_decision_changes_nothing(notifier: Notifier, body: dict[str, Any]) -> None:
    mail_id = await uncertain(notifier)
    assert (await decide(notifier, mail_id, **body)).status_code == 422
    await notifier.mails(1, "uncertain")


async def test_297_and_a_text_that_is_lost_keep_a_mail_from_going_out_again(notifier: Notifier) -> None:
    mail_id = await uncertain(notifier)
    await notifier.publish(world.parameter(297, "S"))
    await notifier.taken_in()
    assert code(await decide(notifier, mail_id)) == (409, "mails-disabled")
    await notifier.database.execute("UPDATE mails SET source = NULL")
    assert code(await decide(notifier, mail_id)) == (409, "mail-lost")
    assert (await decide(notifier, mail_id, decision="leave")).status_code == 200


async def test_a_decision_that_is_cut_off_is_none_or_one(hasty: Notifier) -> None:
    """Its connection dies while it waits for the mail, and its process before the mail is sent."""
    mail_id = await uncertain(hasty)
    async with hasty.database.transaction():
        await hasty.database.execute("SELECT FROM mails FOR UPDATE")
        asking = asyncio.create_task(decide(hasty, mail_id, key="k"))

        async def waiting() -> int:
            # Within a transaction the activity is looked at once.
            await hasty.database.execute("SELECT pg_stat_clear_snapshot()")
            found: int | None = await hasty.database.fetchval(
                """
                SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%may_execute%'
                """
            )
            return found or 0

        pid = await until(waiting, what="a decision that waits for the mail")
        await hasty.database.execute("SELECT pg_terminate_backend($1)", pid)
        assert (await asking).status_code == 503
    await hasty.mails(1, "uncertain")

    await hasty.mailbox.close()
    assert (await decide(hasty, mail_id, key="k")).status_code == 200
    await hasty.tried()
    await hasty.stop()
    await hasty.mailbox.open()
    await hasty.start(**HASTY)
    await hasty.mails(1, "accepted", within=40)  # it may have been leased when the process ended
    assert (await decide(hasty, mail_id, key="k")).status_code == 200
    assert hasty.mailbox.seen == [ANA, ANA]
