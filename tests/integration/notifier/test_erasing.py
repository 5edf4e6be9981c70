"""Of who was erased, and of what was, the ledger keeps that there were mails and what became of them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from notifier import erasing, sending
from relato_contracts.erasure import ERASED
from relato_contracts.topics import PEOPLE, dead_letters
from relato_runtime import clearing, erased, jobs, kafka
from relato_runtime.caller import Caller
from relato_runtime.database import open_pool
from relato_runtime.operations import Operation
from relato_runtime.readiness import Readiness

from tests.integration.notifier.conftest import ANA, CARLOS, Notifier
from tests.support import raw, stream, topics, world
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


async def test_a_mail_to_whom_was_erased_says_no_more_than_what_became_of_it(notifier: Notifier) -> None:
    note = stream.recorded(visible_to_requester=True, notify_by_email=True)
    await notifier.note(note)
    await notifier.mails(1, "accepted")
    await notifier.note(stream.erased([note], [1]))
    assert ANA in await rows(notifier)
    await notifier.erase("ana")
    left = await rows(notifier)
    assert [each for each in (ANA, "Ana", "Texto 1") if each in left] == []
    [mail] = await notifier.mails(1, "accepted")
    assert (mail["recipient"], mail["attempts"], mail["ticket_id"]) == (ERASED, 1, "1001")


async def test_mails_go_also_where_the_itsm_has_forgotten_the_address_before(notifier: Notifier) -> None:
    """As it is told to do: they have no address any more when they are erased, or are not there at all."""
    for number, gone in enumerate((world.person("ana", email=None), None), 1):
        note = stream.recorded(number, visible_to_requester=True, notify_by_email=True)
        await notifier.publish(world.person("ana"))
        await notifier.taken_in()
        await notifier.note(note)
        await notifier.mails(number, "accepted")
        if gone is None:
            await remove(notifier, "ana")
        else:
            await notifier.publish(gone)
        await notifier.taken_in()
    await notifier.note(stream.to_attendant(3))
    await notifier.mails(3, "accepted")
    assert (await erasing.held(notifier.database, "ana"))["mails"] == 2
    await notifier.erase("ana")
    assert ANA not in await rows(notifier)
    mails = await notifier.mails(3, "accepted")
    assert sorted(mail["recipient"] for mail in mails) == sorted([ERASED, ERASED, CARLOS])
    assert not any((await erasing.held(notifier.database, "ana")).values())


async def test_mails_to_whoever_has_the_address_now_stay(notifier: Notifier) -> None:
    await notifier.publish(world.person("ana", email="ana.nova@empresa.example"))
    await notifier.taken_in()
    await notifier.publish(world.person("bia", email=ANA))
    await notifier.taken_in()
    shown = stream.recorded(visible_to_requester=True, notify_by_email=True)
    await notifier.note(shown.model_copy(update={"ticket_id": "1002", "requester_id": "bia"}))
    await notifier.mails(1, "accepted")
    await notifier.erase("ana")
    [mail] = await notifier.mails(1, "accepted")
    assert mail["recipient"] == ANA


async def test_what_is_being_handed_over_meanwhile_is_forgotten_and_not_tried_again(
    notifier: Notifier,
) -> None:
    notifier.mailbox.answers[CARLOS] = [f"slow 451 <{CARLOS}> later"]
    note = stream.to_attendant(1)
    await notifier.note(note)
    await notifier.mails(1, "submitting")
    await notifier.note(stream.erased([note], [1], [1]))
    await notifier.erase("carlos")
    notifier.mailbox.patience.set()
    [mail] = await notifier.mails(1, "suppressed")
    assert (mail["recipient"], mail["reason"]) == (ERASED, "erased")
    left = await rows(notifier)
    assert [each for each in (CARLOS, "Resposta 1") if each in left] == []
    assert notifier.mailbox.seen == [CARLOS]


async def test_of_an_operator_who_stopped_sending_the_name_goes(notifier: Notifier) -> None:
    olga = Caller("olga", "Olga Prado", frozenset({"operator"}))
    await sending.change(notifier.database, stop=True, who=olga, reason="Olga troca o servidor")
    await notifier.erase("olga")
    stopped = await sending.stopped(notifier.database)
    assert stopped is not None
    assert (stopped.name, stopped.reason) == (ERASED, ERASED)


async def remove(notifier: Notifier, person_id: str) -> None:
    topic = notifier.settings.topic_prefix + PEOPLE.name
    async with kafka.producing(notifier.settings) as producer:
        await kafka.send(producer, [kafka.OutgoingRecord(topic, person_id.encode(), None, [])])


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rows have lost is soon to be gone from the disk."""
    monkeypatch.setattr(clearing, "QUIET", timedelta(seconds=1))


async def cleared(notifier: Notifier) -> None:
    """Wait until files were written anew since rows lost something, and the topic of dead letters cut off."""

    async def done() -> bool:
        begun = await notifier.database.fetchval("SELECT true FROM jobs WHERE kind = 'clear'")
        return bool(begun) and not await notifier.database.fetchval("SELECT true FROM leftovers")

    await until(done, within=60, what="files without it")


async def kept(notifier: Notifier, number: int) -> None:
    """Wait until there are so many dead letters."""

    async def there() -> bool:
        return bool(await notifier.database.fetchval("SELECT count(*) = $1 FROM dead_letters", number))

    await until(there, what="the dead letters")


async def letters(notifier: Notifier) -> str:
    """All that dead letters say."""
    rows = await notifier.database.fetch("SELECT value, headers::text, error FROM dead_letters")
    return "\n".join(str(tuple(row)) for row in rows)


async def on_their_topic(notifier: Notifier) -> list[bytes | None]:
    """What their topic says."""
    records = await topics.read_all(notifier.settings, dead_letters("notifier"), count=1)
    return [each.value for each in records]


@pytest.mark.usefixtures("hurried")
async def test_what_went_by_rule_goes_from_the_disk_as_well(notifier: Notifier) -> None:
    told = {"visible_to_requester": True, "notify_by_email": True}
    note = stream.recorded(description_html="<p>Zarabatana</p>", description_text="Zarabatana", **told)
    await notifier.note(note)
    await notifier.mails(1, "accepted")
    assert await raw.in_tables(notifier.database, ["Zarabatana"])
    await notifier.note(stream.erased([note], [1]).model_copy(update={"cause": "retention"}))
    await cleared(notifier)
    assert await raw.in_tables(notifier.database, ["Zarabatana"]) == {}


@pytest.mark.usefixtures("hurried")
async def test_files_are_written_anew_once_nobody_reads_who_began_before(notifier: Notifier) -> None:
    note = stream.recorded(1, visible_to_requester=True, notify_by_email=True)
    await notifier.note(note)
    await notifier.mails(1, "accepted")
    reader = await asyncpg.connect(notifier.settings.database_url.get_secret_value())
    try:
        async with reader.transaction(isolation="repeatable_read"):
            await reader.fetchval("SELECT 1")
            await notifier.note(stream.erased([note], [1]))

            async def waits() -> bool:
                trouble = await notifier.database.fetchval("SELECT trouble FROM jobs WHERE kind = 'clear'")
                return str(reader.get_server_pid()) in (trouble or "")

            await until(waits, what="the job to say whom it waits for")
        await cleared(notifier)
    finally:
        await reader.close()
    assert await raw.in_tables(notifier.database, ["Texto 1"]) == {}
    assert await notifier.database.fetchval("SELECT trouble FROM jobs WHERE kind = 'clear'") is None


@pytest.mark.usefixtures("hurried")
async def test_a_broken_record_of_what_was_erased_says_nothing_though_it_names_nobody(
    notifier: Notifier,
) -> None:
    note, other = stream.recorded(1), stream.recorded(2)
    for version, fact, text in ((1, note, "Palavras partidas"), (2, other, "Outras palavras")):
        sent = stream.outgoing(notifier.settings, stream.noted(version, fact))
        async with kafka.producing(notifier.settings) as producer:
            await kafka.send(producer, [replace(sent, value=f'{{"text": "{text}'.encode())])
    await kept(notifier, 2)
    assert "Palavras partidas" in await letters(notifier)
    notifier.version = 2
    await notifier.note(stream.erased([note, other], [1]))
    await cleared(notifier)
    left = await letters(notifier)
    assert "Palavras partidas" not in left
    assert await on_their_topic(notifier) == [ERASED.encode()], "the table has what is left of them"
    assert "Outras palavras" in left, "that was not erased, and may be taken in yet"


@pytest.mark.usefixtures("hurried")
async def test_a_record_about_somebody_that_cannot_be_taken_in_once_they_are_erased_is_not_kept(
    notifier: Notifier,
) -> None:
    await notifier.erase("ana")

    async def done() -> bool:
        return not await erased.pending(notifier.database)

    await until(done, within=60, what="the end of the erasure")
    record = world.record(notifier.settings, world.person("ana", name="Zulmira Prado"))
    async with kafka.producing(notifier.settings) as producer:
        await kafka.send(producer, [replace(record, value=(record.value or b"")[:-1])])
    await kept(notifier, 1)
    await cleared(notifier)
    assert "Zulmira" not in await letters(notifier)
    assert await on_their_topic(notifier) == [ERASED.encode()]
    assert await notifier.database.fetchval("SELECT state FROM dead_letters") == "discarded"


async def test_no_erasure_waits_for_a_dead_letter(notifier: Notifier) -> None:
    await notifier.database.execute(
        """
        INSERT INTO dead_letters (consumer, topic, partition, record_offset, value, headers, reason, error)
        VALUES ('notifier', 'itsm.people', 0, 1000, $1, '[]', 'invalid-data', '')
        """,
        b'{"person_id": "zoe", "name": "Zoe',
    )
    await erased.remember(notifier.database, "zoe", datetime.now(UTC))

    async def done() -> bool:
        return not await erased.pending(notifier.database)

    await until(done, within=60, what="the end of the erasure")
    assert "Zoe" not in await letters(notifier)


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
    await notifier.erase("ana")
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
    await notifier.erase("ana")

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


async def test_an_erasure_that_ends_in_that_moment_is_not_begun_once_more(idle: Notifier) -> None:
    """Nothing would be left to do, but whoever waits for the first would be told that it is not the last."""
    ours, readiness = idle.database, Readiness("looking")
    relato = Operation(clearing.SUBJECT, clearing.CLEAR, Caller("relato", "Relato", frozenset()), "", False)
    async with ours.transaction():
        await erased.remember(ours, "ana", datetime.now(UTC))
        job = await jobs.begin(ours, relato, {"person_id": "ana"}, "ana")
    ending = ours.transaction()
    await ending.start()
    await erased.done(ours, "ana")
    await ours.execute("UPDATE jobs SET finished_at = now() WHERE id = $1", job)
    async with open_pool(idle.settings.database_url.get_secret_value(), size=2) as pool:
        looking = asyncio.create_task(clearing.look(pool, readiness, "looking"))

        async def waits() -> bool:
            return bool(await ours.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

        await until(waits, what="the look to wait for the end of the job")
        await ending.commit()

        async def has_looked() -> bool:
            return not readiness.missing

        await until(has_looked, what="the look")
        looking.cancel()
    assert await ours.fetchval("SELECT array_agg(id) FROM jobs") == [job]
