"""`relato emails`: what operators see of mails, and decide about them."""

from collections.abc import AsyncIterator
from email import message_from_string, policy
from typing import Any, cast

import asyncpg
import pytest
from notifier.ledger import MailDetail, MailSummary

from tests.integration.relato.conftest import Installation
from tests.support.waiting import until


async def _accepted(installation: Installation) -> MailSummary:
    async def one() -> list[MailSummary]:
        ended = await installation.relato(
            "emails", "list", "--ticket", "1001", "--state", "accepted", "--json"
        )
        return cast(list[MailSummary], ended.document)

    return (await until(one, what="an accepted mail"))[0]


@pytest.fixture
async def ledger(installation: Installation) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(installation.databases["notifier"])
    yield connection
    await connection.close()


async def test_the_list_has_the_promised_fields(installation: Installation) -> None:
    mail = await _accepted(installation)
    assert set(mail) == {
        *("mail_id", "event_id", "ticket_id", "recipient", "template_id", "state", "attempts"),
        *("planned_at", "updated_at", "reason"),
    }
    assert mail["ticket_id"] == "1001"


async def test_a_mail_is_shown_as_it_was_sent_with_the_servers_answer(installation: Installation) -> None:
    mail = await _accepted(installation)
    shown = cast(
        MailDetail, (await installation.relato("emails", "show", mail["mail_id"], "--json")).document
    )
    assert shown["source"] is not None
    message = message_from_string(shown["source"], policy=policy.default)
    assert mail["recipient"] in message["To"]
    assert shown["last_answer"] is not None
    assert shown["last_answer"]["outcome"] == "accepted"


async def test_a_decision_that_names_no_mails_is_told_how_to(installation: Installation) -> None:
    for action in ("retry", "drop", "release"):
        ended = await installation.relato("emails", action, "--yes")
        assert ended.code == 1
        assert "Say which are meant" in ended.errors


async def test_a_mail_that_arrived_is_not_sent_again(installation: Installation) -> None:
    mail = await _accepted(installation)
    for action in ("retry", "resend", "drop"):
        ended = await installation.relato("emails", action, mail["mail_id"], "--yes")
        assert (ended.code, ended.output) == (1, "")
        assert "accepted" in ended.errors


async def test_nothing_is_decided_without_a_yes(
    installation: Installation, ledger: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mail_id = (await _accepted(installation))["mail_id"]
    await _set(ledger, mail_id, "uncertain")
    refused = await installation.relato("emails", "drop", mail_id, given="n\n")
    assert refused.code == 1
    tried = await installation.relato("emails", "resend", mail_id, "--dry-run", "--json")
    assert tried.code == 0
    assert await ledger.fetchval("SELECT state FROM mails WHERE mail_id = $1", mail_id) == "uncertain"
    await _set(ledger, mail_id, "accepted")


async def test_an_uncertain_mail_is_sent_again_when_someone_says_so(
    installation: Installation, ledger: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mail_id = (await _accepted(installation))["mail_id"]
    await _set(ledger, mail_id, "uncertain")
    ended = await installation.relato("emails", "resend", mail_id, given="y\n")
    assert ended.code == 0, ended.errors

    async def sent() -> bool:
        state = await ledger.fetchval("SELECT state FROM mails WHERE mail_id = $1", mail_id)
        return bool(state == "accepted")

    await until(sent, what="the mail")


async def test_a_dropped_mail_is_suppressed_for_that_reason(
    installation: Installation, ledger: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mail_id = (await _accepted(installation))["mail_id"]
    await _set(ledger, mail_id, "rejected")
    ended = await installation.relato(
        "emails", "drop", mail_id, "--reason", "endereço antigo", "--yes", "--json"
    )
    dropped = cast(MailDetail, ended.document)
    assert dropped["state"] == "suppressed"
    assert "endereço antigo" in (dropped["reason"] or "")


async def test_a_mail_that_does_not_exist_is_refused_with_a_sentence(installation: Installation) -> None:
    ended = await installation.relato("emails", "show", "00000000-0000-0000-0000-000000000000", "--json")
    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("There is no mail")


async def _set(ledger: "asyncpg.Connection[asyncpg.Record]", mail_id: str, state: str) -> None:
    await ledger.execute("UPDATE mails SET state = $2 WHERE mail_id = $1", mail_id, state)


async def test_all_sending_is_stopped_and_started_after_a_yes(installation: Installation) -> None:
    kept = await installation.relato("emails", "stop", "--reason", "server moves", given="n\n")
    assert (kept.code, kept.output) == (1, "")
    stopped = await installation.relato("emails", "stop", "--reason", "server moves", "--json", given="y\n")
    assert stopped.code == 0, stopped.errors
    assert cast(dict[str, Any], stopped.document)["stopped"] is True
    twice = await installation.relato("emails", "stop", "--yes")
    assert (twice.code, "server moves" in twice.errors) == (1, True)
    started = await installation.relato("emails", "start", "--yes", "--json")
    assert (started.code, cast(dict[str, Any], started.document)["stopped"]) == (0, False), started.errors


async def test_several_mails_are_decided_about_at_once(
    installation: Installation, ledger: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mail_id = (await _accepted(installation))["mail_id"]
    await ledger.execute("UPDATE mails SET state = 'dead', reason = 'lost way' WHERE mail_id = $1", mail_id)
    tried = await installation.relato("emails", "retry", "--because", "lost", "--dry-run", "--json")
    (item,) = cast(dict[str, Any], tried.document)["items"]
    assert (item["mail_id"], item["mail"]["state"]) == (mail_id, "planned")
    ended = await installation.relato("emails", "retry", "--because", "lost", "--reason", "mended", "--yes")
    assert ended.code == 0, ended.errors

    async def sent() -> bool:
        state = await ledger.fetchval("SELECT state FROM mails WHERE mail_id = $1", mail_id)
        return bool(state == "accepted")

    await until(sent, what="the mail")


async def test_mails_that_cannot_be_sent_do_not_keep_those_behind_them_waiting(
    installation: Installation, ledger: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mail_id = (await _accepted(installation))["mail_id"]
    # So many that no request takes all of them; what they would have said is not known.
    await ledger.execute(
        """
        INSERT INTO mails (mail_id, event_id, event_version, event_at, ticket_id, subject_id, parameter,
            recipient, recipient_role, template_id, state, reason, planned_at)
        SELECT gen_random_uuid(), gen_random_uuid(), number, event_at, ticket_id, subject_id, parameter,
            recipient, recipient_role, template_id, 'suppressed', 'lost way', planned_at - interval '1 day'
        FROM mails, generate_series(1, 201) AS number WHERE mail_id = $1
        """,
        mail_id,
    )
    await ledger.execute(
        "UPDATE mails SET state = 'suppressed', reason = 'lost way' WHERE mail_id = $1", mail_id
    )
    try:
        would = await installation.relato("emails", "drop", "--because", "lost", "--dry-run")
        assert (would.code, "drop: 202 mails." in would.errors) == (0, True)
        ended = await installation.relato("emails", "release", "--because", "lost", given="y\n")
        assert (ended.code, "release the mail to" in ended.errors) == (1, True)
        assert ended.errors.endswith("201 of 202 mails were refused.\n")
        assert await ledger.fetchval("SELECT state FROM mails WHERE mail_id = $1", mail_id) != "suppressed"
        nothing = await installation.relato("emails", "drop", "--because", "no such reason")
        assert (nothing.code, nothing.errors) == (0, "drop: 0 mails.\n")
    finally:
        await ledger.execute("DELETE FROM mails WHERE reason = 'lost way'")
