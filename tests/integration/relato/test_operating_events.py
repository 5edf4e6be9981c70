"""`relato events verify` and `republish`, over all services."""

import asyncpg
from relato_contracts.topics import NOTES
from relato_runtime import tail

from tests.integration.relato.conftest import Ended, Installation
from tests.support.waiting import until

_QUIET = """
    SELECT NOT EXISTS (SELECT FROM mails WHERE state IN ('planned', 'leased', 'submitting', 'retry'))
        AND NOT EXISTS (SELECT FROM outbox) AND NOT EXISTS (SELECT FROM waiting)
"""
_CONSUMERS = {"notifier": "notifier", "history": "history/1"}


async def events(installation: Installation, *arguments: str, given: str = "") -> Ended:
    return await installation.relato("events", *arguments, given=given)


async def state(installation: Installation) -> list[str]:
    """Read models and ledger, as they are once everything on the topic has been taken in."""
    async with tail.reading(installation.settings, NOTES) as reader:
        ends = await reader.consumer.end_offsets(reader.partitions)
    found = []
    for name, consumer in _CONSUMERS.items():
        database = await asyncpg.connect(installation.databases[name])

        async def level(database: asyncpg.Connection = database, name: str = name) -> bool:
            reached = await database.fetchval(
                "SELECT coalesce(sum(next_offset), 0) FROM positions WHERE consumer = $1 AND topic = $2",
                _CONSUMERS[name],
                installation.settings.topic_prefix + NOTES.name,
            )
            quiet = name != "notifier" or await database.fetchval(_QUIET)
            return bool(quiet and reached >= sum(ends.values()))

        try:
            await until(level, within=60, what=f"{consumer} to be level")
            tables = (
                ("mails", "attempts", "outbox")
                if name == "notifier"
                else ("tickets", "ticket_entries", "occurrences", "requester_entries", "time_totals")
            )
            found += [
                await database.fetchval(
                    f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
                    f" FROM {table if name == 'notifier' else f'history.{table}'} AS t"
                )
                for table in tables
            ]
        finally:
            await database.close()
    return found


async def test_a_replay_mails_nobody_and_changes_no_projection(installation: Installation) -> None:
    before = await state(installation)
    tried = await events(installation, "republish", "--dry-run", "--json")
    assert isinstance(tried.document, dict), tried.errors
    records = tried.document["records"]
    assert (tried.document["mails"], tried.document["dry_run"]) == (0, True)
    assert isinstance(records, int)
    assert records > 50
    assert tried.document["consumers"] == ["operated.relato.history/1", "operated.relato.notifier"]
    kept = await events(installation, "republish", given="n\n")
    assert (kept.code, "Publish them?" in kept.errors) == (1, True)
    assert await state(installation) == before

    done = await events(installation, "republish", "--yes", "--json", "--reason", "a test")
    assert isinstance(done.document, dict), done.errors
    assert (done.code, done.document["records"]) == (0, records)
    assert await state(installation) == before
    wrong = await events(installation, "republish", "--since", "yesterday")
    assert (wrong.code, wrong.output) == (2, "")


async def test_what_all_services_verify_is_said_together(installation: Installation) -> None:
    clean = await events(installation, "verify", "--json")
    assert isinstance(clean.document, dict), clean.errors
    assert (clean.code, clean.document["findings"]) == (0, []), clean.output + clean.errors
    database = await asyncpg.connect(installation.databases["notes"])
    try:
        await database.execute("INSERT INTO outbox (seq, ticket_id, version) VALUES (10000000, 'nobody', 7)")
        found = await events(installation, "verify", "--json")
        assert isinstance(found.document, dict), found.errors
        assert (found.code, found.errors) == (1, "1 things are wrong.\n")
        findings = found.document["findings"]
        assert isinstance(findings, list)
        (finding,) = findings
        assert isinstance(finding, dict)
        assert (finding["kind"], "10000000" in str(finding["repair"])) == ("orphan", True)
        shown = await events(installation, "verify")
        assert (shown.code, "nobody" in shown.output) == (1, True)
        assert (await events(installation, "verify", "--dry-run")).code == 0
    finally:
        await database.execute("DELETE FROM outbox WHERE seq = 10000000")
        await database.close()
