"""Every mail of the ledger is explained by an event; one that is not is found and named."""

from typing import Any
from uuid import uuid4

from notifier.outbox import _LEADER

from tests.integration.notifier.conftest import Notifier
from tests.support import stream
from tests.support.reaching import reaching
from tests.support.waiting import until


async def verified(notifier: Notifier) -> Any:
    """Verify the ledger, and wait for the end of it."""
    headers = notifier.issuer.bearer("olga", "operator")
    path = "/api/operate/mails/ledger"
    async with reaching(notifier.address, headers=headers) as client:
        begun = await client.post(f"{path}/verify", json={"reason": "a test"})
        assert begun.status_code == 200, begun.text

        async def done() -> Any:
            said = (await client.get(f"{path}/verification")).json()
            return said if (said["id"], said["state"]) == (begun.json()["job"], "done") else None

        return await until(done, within=60, what="an end of the verification")


async def test_mails_that_no_event_explains_are_found_and_named(notifier: Notifier) -> None:
    for number in range(1, 5):
        await notifier.note(stream.to_requester(number, notify_by_email=True))
    mails = await notifier.mails(4, "accepted")
    clean = await verified(notifier)
    # Four facts, four outcomes, four mails.
    assert (clean["wrong"], clean["findings"], clean["done"]) == (0, [], 12)

    unexplained, moved, misnamed = (each["mail_id"] for each in mails[:3])
    change = notifier.database.execute
    await change("UPDATE mails SET event_id = gen_random_uuid() WHERE mail_id = $1", unexplained)
    await change("UPDATE mails SET ticket_id = '9999', event_version = 77 WHERE mail_id = $1", moved)
    await change("ALTER TABLE attempts DROP CONSTRAINT attempts_mail_id_fkey")
    renamed = str(uuid4())
    await change("UPDATE mails SET mail_id = $2, state = 'rejected' WHERE mail_id = $1", misnamed, renamed)
    found = await verified(notifier)
    # What was done to the first three is not what Kafka was told of them either.
    assert found["numbers"] == {"misattributed": 2, "unexplained": 1, "unledgered": 1, "untold": 1}
    found["findings"] = [
        each
        for each in found["findings"]
        if not each["kind"].startswith("un") or each["kind"] == "unexplained"
    ]
    found["wrong"] -= 1

    said = {each["detail"]["mail_id"]: each for each in found["findings"]}
    assert said.keys() == {str(unexplained), str(moved), renamed}
    assert (found["wrong"], said[str(unexplained)]["kind"]) == (3, "unexplained")
    assert said[str(unexplained)]["repair"] == f"relato emails show {unexplained}"
    assert said[str(moved)]["detail"]["differs"] == ["ticket_id", "version"]
    assert said[renamed]["detail"]["differs"] == ["mail_id"]
    assert said[renamed]["repair"] == f"relato emails drop {renamed}"


async def test_outcomes_that_kafka_lacks_are_found_and_told_again(notifier: Notifier) -> None:
    for number in range(1, 3):
        await notifier.note(stream.to_requester(number, notify_by_email=True))
    first, _ = (each["mail_id"] for each in await notifier.mails(2, "accepted"))
    assert (await verified(notifier))["numbers"] == {}
    # As if this outcome had been lost, and another one were stuck.
    await notifier.database.execute("UPDATE mails SET state = 'dead', reason = 'x' WHERE mail_id = $1", first)
    await notifier.database.execute("SELECT pg_advisory_lock($1)", _LEADER)
    await notifier.database.execute(
        """
        INSERT INTO outbox (outcome_id, ticket_id, type, event_id, at, data)
        SELECT gen_random_uuid(), ticket_id, 'relato.EmailRejected.v1', event_id, now() - interval '2 min',
            json_build_object('mail_id', gen_random_uuid())
        FROM mails WHERE mail_id = $1
        """,
        first,
    )
    found = await verified(notifier)
    said = {each["kind"]: each for each in found["findings"]}
    assert said.keys() == {"untold", "late-outcome"}
    assert said["untold"]["detail"] == {"mail_id": str(first), "state": "rejected"}
    assert said["untold"]["repair"] == f"relato emails tell {said['untold']['ticket_id']}"
    assert said["late-outcome"]["repair"] == "relato status"
    await notifier.database.execute("DELETE FROM outbox")
    await notifier.database.execute("SELECT pg_advisory_unlock($1)", _LEADER)

    headers = notifier.issuer.bearer("olga", "operator")
    async with reaching(notifier.address, headers=headers) as client:
        for dry_run in (True, False):
            wish = {"ticket_id": said["untold"]["ticket_id"], "reason": "lost", "dry_run": dry_run}
            told = await client.post("/api/operate/mails/ledger/tell", json=wish)
            assert (told.status_code, told.json()["mails"]) == (200, 2), told.text

    async def published() -> bool:
        return bool(await notifier.database.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))

    await until(published, what="an empty outbox")
    assert (await verified(notifier))["numbers"] == {}
