"""`relato events verify`, `republish`, `export` and `import`, over all services."""

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
from relato_contracts.topics import NOTES
from relato_runtime import tail

from tests.integration.relato.conftest import Ended, Installation
from tests.support.samples import CONTRACTS
from tests.support.waiting import until

_OURS = {"relatorequest", "relatosalt"}
_QUIET = """
    SELECT NOT EXISTS (SELECT FROM mails WHERE state IN ('planned', 'leased', 'submitting', 'retry'))
        AND NOT EXISTS (SELECT FROM outbox) AND NOT EXISTS (SELECT FROM waiting)
"""
_KEPT = {
    "notifier": ("notifier", ("mails", "attempts")),
    "history": (
        "history/1",
        tuple(
            f"history_1.{table}"
            for table in ("tickets", "ticket_entries", "occurrences", "requester_entries", "time_totals")
        ),
    ),
}


async def events(installation: Installation, *arguments: str, given: str = "") -> Ended:
    return await installation.relato("events", *arguments, given=given)


async def state(installation: Installation) -> dict[str, str]:
    """Read models and ledger, as they are once everything on the topic has been taken in."""
    async with tail.reading(installation.settings, NOTES) as reader:
        ends = await reader.consumer.end_offsets(reader.partitions)
    found = {}
    for name, (consumer, tables) in _KEPT.items():
        database = await asyncpg.connect(installation.databases[name])
        try:
            await _level(database, consumer, sum(ends.values()), name == "notifier")
            for table in tables:
                found[table] = await database.fetchval(
                    f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
                    f" FROM {table} AS t"
                )
        finally:
            await database.close()
    return found


async def _level(database: asyncpg.Connection, consumer: str, end: int, sends: bool) -> None:
    async def level() -> bool:
        reached = await database.fetchval(
            "SELECT coalesce(sum(next_offset), 0) FROM positions WHERE consumer = $1 AND topic LIKE $2",
            consumer,
            f"%{NOTES.name}",
        )
        quiet = not sends or await database.fetchval(_QUIET)
        return bool(quiet and reached >= end)

    await until(level, within=60, what=f"{consumer} to be level")


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


async def test_the_log_is_exported_and_fills_nothing_that_has_events(
    installation: Installation, tmp_path: Path
) -> None:
    whole = tmp_path / "log.jsonl"
    assert (await events(installation, "export", "--output", str(whole))).code == 0
    lines = whole.read_text().removesuffix("\n").split("\n")
    tried = await events(installation, "republish", "--dry-run", "--json")
    assert isinstance(tried.document, dict), tried.errors
    assert len(lines) == tried.document["records"]
    assert any("relatorequest" in json.loads(line) for line in lines)

    one = (await events(installation, "export", "--ticket", "1001")).output.splitlines()
    told = await events(installation, "tail", "--ticket", "1001", "--no-follow")
    tailed = [json.loads(line) for line in told.output.splitlines()]
    asked = [{k: v for k, v in json.loads(line).items() if k not in _OURS} for line in one]
    assert asked == [event for event in tailed if "replayid" not in event]

    refused = await events(installation, "import", str(whole), "--yes")
    assert (refused.code, refused.output) == (1, "")
    assert "an import fills an empty one" in refused.errors
    assert (await events(installation, "import", str(tmp_path / "none"))).code == 2


async def test_a_ticket_is_taken_out_with_its_proof_and_a_head_is_kept(
    installation: Installation, tmp_path: Path
) -> None:
    proof, head, keys = (tmp_path / name for name in ("proof.json", "head.txt", "keys.txt"))
    taken = await events(installation, "export", "--ticket", "1001", "--proof", "--output", str(proof))
    assert taken.code == 0, taken.errors
    assert (await events(installation, "export", "--proof")).code == 2
    assert (await events(installation, "head", "--output", str(head))).code == 0
    told = (await events(installation, "head", "--json")).document
    assert isinstance(told, dict)
    keys.write_text("# of the log\n" + "\n".join(map(str, told["keys"])))  # type: ignore[arg-type]  # a list
    checked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(CONTRACTS / "verify_export.py"), str(proof), "--key", str(keys)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await checked.communicate()
    assert said.decode().startswith("verified: ticket 1001, ")
    clean = await events(installation, "verify", "--keys", str(keys), "--head", str(head))
    assert clean.code == 0, clean.output
    head.write_text(head.read_text().replace("\n\n", "x\n\n"))
    wrong = await events(installation, "verify", "--keys", str(keys), "--head", str(head))
    assert (wrong.code, "unsigned" in wrong.output) == (1, True)
    assert '{"kept": 1}' in wrong.output


async def test_retention_says_beforehand_what_would_go_and_afterwards_that_it_has(
    installation: Installation,
) -> None:
    wish = ("retention", "--months", "1200", "--reason", "a test")
    tried = await installation.relato(*wish, "--dry-run")
    assert (tried.code, tried.errors) == (0, "0 facts on 0 tickets say something.\n")
    done = await installation.relato(*wish, "--yes")
    assert (done.code, done.errors) == (0, "It is erased: 0 facts on 0 tickets.\n")
