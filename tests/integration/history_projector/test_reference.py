"""What administrators are to know of the ITSM's facts: the last of each, who said it, and when."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
from history_projector.app import build
from history_projector.settings import ProjectorSettings
from pydantic import SecretStr
from relato_contracts.envelope import Envelope, encode
from relato_contracts.fields import Fact
from relato_contracts.topics import EMAIL_TEMPLATES, TICKETS, TOPIC_OF
from relato_runtime.kafka import OutgoingRecord

from tests.integration.history_projector.conftest import Projecting
from tests.support import world
from tests.support.serving import serving
from tests.support.waiting import until

_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def by(projector: Projecting, fact: Fact, actor: str | None, at: datetime = _AT) -> OutgoingRecord:
    """A fact that somebody published at a time."""
    envelope = Envelope(id="1", source="/relato/notes", time=at, actor=actor)
    key, value, headers = encode(fact, envelope)
    return OutgoingRecord(projector.settings.topic_prefix + TOPIC_OF[type(fact)].name, key, value, headers)


async def test_it_is_known_who_last_changed_what_and_when(projector: Projecting) -> None:
    changed = [
        ("parameters", world.parameter(298, "N")),
        ("people", world.person("ana")),
        ("groups", world.group("redes")),
        ("email_templates", world.template("t-251")),
        ("tickets", world.ticket("1001")),
    ]
    await projector.publish(*(by(projector, fact, "olga") for _, fact in changed))
    await projector.publish(*(by(projector, fact, "davi") for _, fact in changed))
    for table, _ in changed:
        row = await projector.row(f"SELECT changed_by, changed_at FROM reference.{table}")
        assert tuple(row) == ("davi", _AT), table


async def test_of_what_another_system_published_it_is_known_when_and_not_who(projector: Projecting) -> None:
    await projector.publish(by(projector, world.parameter(316, "S"), None))
    row = await projector.row("SELECT changed_by, changed_at FROM reference.parameters")
    assert tuple(row) == (None, _AT)


async def test_removed_templates_and_tickets_are_gone(projector: Projecting) -> None:
    await projector.publish(
        by(projector, world.template("t-251"), "davi"), by(projector, world.ticket("1001"), "davi")
    )
    prefix = projector.settings.topic_prefix
    await projector.publish(
        OutgoingRecord(prefix + EMAIL_TEMPLATES.name, b"t-251", None, []),
        OutgoingRecord(prefix + TICKETS.name, b"1001", None, []),
    )
    for table in ("email_templates", "tickets"):
        assert not await projector.database.fetch(f"SELECT FROM reference.{table}"), table


async def test_a_database_from_before_reads_the_new_topics_from_their_start_and_the_others_on(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str
) -> None:
    settings = ProjectorSettings(
        database_url=SecretStr(await database("history_projector")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer="http://127.0.0.1/unused",
    )
    await world.publish(settings, *world.world())
    connection = await asyncpg.connect(settings.database_url.get_secret_value())

    async def all_known() -> bool:
        counts = await connection.fetchrow(
            """
            SELECT (SELECT count(*) FROM reference.email_templates), (SELECT count(*) FROM reference.tickets),
                (SELECT count(*) FROM reference.parameters)
            """
        )
        return counts is not None and tuple(counts) == (3, 4, len(world.SWITCHES))

    try:
        async with serving(build(settings)):
            await until(all_known, what="everything")
        await connection.execute(
            """
            UPDATE reference.parameters SET changed_by = NULL, changed_at = NULL;
            TRUNCATE reference.email_templates, reference.tickets;
            DELETE FROM positions WHERE consumer = 'history-reference'
                AND (topic LIKE '%itsm.email-templates' OR topic LIKE '%itsm.tickets');
            """
        )
        async with serving(build(settings)):
            await until(all_known, what="what had not been read before")
        known = await connection.fetch("SELECT DISTINCT changed_at FROM reference.parameters")
        assert [row["changed_at"] for row in known] == [None], "not known until the next fact"
    finally:
        await connection.close()
