"""Of who was erased, and of what was, the ledger keeps that there were mails and what became of them."""

from dataclasses import replace
from datetime import UTC, datetime

from relato_contracts.erasure import ERASED
from relato_contracts.people import PersonErased
from relato_runtime import erased

from tests.integration.notifier.conftest import ANA, CARLOS, Notifier
from tests.support import stream, world
from tests.support.waiting import until


async def rows(notifier: Notifier) -> str:
    """All that the database says in any table."""
    tables = await notifier.database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found: list[str] = []
    for (name,) in tables:
        every = await notifier.database.fetch(f"SELECT t::text FROM {name} AS t")  # ours
        found += [f"{name}: {row}" for (row,) in every]
        if name == "mails":
            sources = await notifier.database.fetch("SELECT convert_from(source, 'UTF8') AS text FROM mails")
            found += [str(row["text"]) for row in sources]
    return "\n".join(found)


async def erase(notifier: Notifier, person_id: str) -> None:
    await notifier.publish(PersonErased(person_id=person_id, erased_at=datetime.now(UTC), tickets=1))

    async def taken_in() -> bool:
        return bool(
            await notifier.database.fetchval("SELECT true FROM erased_people WHERE person_id = $1", person_id)
        )

    await until(taken_in, what="the erasure")


async def test_a_mail_to_whom_was_erased_says_no_more_than_what_became_of_it(notifier: Notifier) -> None:
    note = stream.recorded(visible_to_requester=True, notify_by_email=True)
    await notifier.note(note)
    await notifier.mails(1, "accepted")
    await notifier.note(stream.erased([note], [1]))
    assert ANA in await rows(notifier)
    await erase(notifier, "ana")
    left = await rows(notifier)
    assert [each for each in (ANA, "Ana", "Texto 1") if each in left] == []
    [mail] = await notifier.mails(1, "accepted")
    assert (mail["recipient"], mail["attempts"], mail["ticket_id"]) == (ERASED, 1, "1001")


async def test_a_mail_that_waits_does_not_go_out_once_its_words_were_erased(notifier: Notifier) -> None:
    notifier.mailbox.answers[CARLOS] = ["451 later"] * 50
    note = stream.to_attendant(1)
    await notifier.note(note)
    await notifier.mails(1, "retry")
    await notifier.note(stream.erased([note], [1], [1]))
    [mail] = await notifier.mails(1, "suppressed")
    assert (mail["recipient"], mail["reason"]) == (CARLOS, "erased")
    left = await rows(notifier)
    assert [each for each in ("Resposta 1",) if each in left] == []


async def test_what_is_shown_later_is_mailed_with_what_was_not_erased(notifier: Notifier) -> None:
    note = stream.recorded(1)
    correction = stream.corrected(1, description_html="<p>Novo</p>", description_text="Novo")
    sent = await notifier.note(note, correction)
    await notifier.note(stream.erased([note, correction], [1], [1]))
    erased_note = note.model_copy(
        update={"description_html": ERASED, "description_text": ERASED, "author_name": ERASED}
    )
    for envelope, fact in zip(sent, (erased_note, correction), strict=True):
        await notifier.send((replace(envelope, replay_id="after an erasure"), fact))
    await notifier.note(stream.visibility(1, True, notify_by_email=True))
    await notifier.mails(1, "accepted")

    async def arrived() -> list[str]:
        bodies = [each.get_body(("plain",)) for each in notifier.mailbox.to(ANA)]
        return [body.get_content() for body in bodies if body is not None]

    [text] = await until(arrived, what="the mail")
    assert "Pessoa removida escreveu: Novo" in text


async def test_a_name_that_the_itsm_says_again_is_not_taken_in(notifier: Notifier) -> None:
    await erase(notifier, "ana")
    await notifier.publish(world.person("ana"), world.ticket(title="Notebook da Ana"))
    await notifier.taken_in()
    left = await rows(notifier)
    assert [each for each in (ANA, "Ana") if each in left] == []


async def test_outcomes_are_told_once_more_without_whom_mails_went_to(notifier: Notifier) -> None:
    await notifier.note(stream.recorded(visible_to_requester=True, notify_by_email=True))
    await notifier.note(stream.to_attendant(2))
    await notifier.mails(2, "accepted")
    before = {envelope.id: fact.recipient for envelope, fact in await notifier.outcomes(2)}
    assert set(before.values()) == {ANA, CARLOS}
    await erase(notifier, "ana")

    async def retold() -> bool:
        return not await erased.pending(notifier.database)

    await until(retold, within=60, what="the topic without her address")
    after = await notifier.outcomes(2)
    assert {envelope.id: fact.recipient for envelope, fact in after} == {
        event_id: ERASED if recipient == ANA else recipient for event_id, recipient in before.items()
    }
    await notifier.note(stream.to_attendant(3))
    await notifier.mails(3, "accepted")
    assert len(await notifier.outcomes(3)) == 3, "and it goes on"
