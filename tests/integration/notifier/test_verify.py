"""Every mail of the ledger is explained by an event; one that is not is found and named."""

from typing import Any
from uuid import uuid4

import httpx

from tests.integration.notifier.conftest import Notifier
from tests.support import stream
from tests.support.waiting import until


async def verified(notifier: Notifier) -> Any:
    """Verify the ledger, and wait for the end of it."""
    headers = notifier.issuer.bearer("olga", "operator")
    path = "/api/operate/mails/ledger"
    async with httpx.AsyncClient(base_url=notifier.address, headers=headers, timeout=20) as client:
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
    assert (clean["wrong"], clean["findings"], clean["done"]) == (0, [], 8)

    unexplained, moved, misnamed = (each["mail_id"] for each in mails[:3])
    change = notifier.database.execute
    await change("UPDATE mails SET event_id = gen_random_uuid() WHERE mail_id = $1", unexplained)
    await change("UPDATE mails SET ticket_id = '9999', event_version = 77 WHERE mail_id = $1", moved)
    await change("ALTER TABLE attempts DROP CONSTRAINT attempts_mail_id_fkey")
    renamed = str(uuid4())
    await change("UPDATE mails SET mail_id = $2, state = 'rejected' WHERE mail_id = $1", misnamed, renamed)
    found = await verified(notifier)

    said = {each["detail"]["mail_id"]: each for each in found["findings"]}
    assert said.keys() == {str(unexplained), str(moved), renamed}
    assert (found["wrong"], said[str(unexplained)]["kind"]) == (3, "unexplained")
    assert said[str(unexplained)]["repair"] == f"relato emails show {unexplained}"
    assert said[str(moved)]["detail"]["differs"] == ["ticket_id", "version"]
    assert said[renamed]["detail"]["differs"] == ["mail_id"]
    assert said[renamed]["repair"] == f"relato emails drop {renamed}"
