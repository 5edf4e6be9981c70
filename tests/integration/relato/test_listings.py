"""`relato dead-letters` and `relato projections`, and what commands say when nothing runs."""

from pathlib import Path
from typing import cast

import pytest
from relato.dead_letters import DeadLetter, WholeDeadLetter
from relato_contracts.topics import GROUPS
from relato_runtime import kafka

from tests.integration.relato.conftest import Installation
from tests.support.waiting import until


async def test_a_record_that_is_no_fact_is_listed_by_each_consumer_and_shown(
    installation: Installation,
) -> None:
    topic = installation.settings.topic_prefix + GROUPS.name
    async with kafka.producing(installation.settings) as producer:
        await kafka.send(producer, [kafka.OutgoingRecord(topic, b"g-9", "{não".encode(), [("ce_id", None)])])

    async def listed() -> list[DeadLetter]:
        ended = await installation.relato("dead-letters", "list", "--json")
        letters = cast(list[DeadLetter], ended.document)
        return letters if len(letters) == 3 else []

    letters = await until(listed, what="dead letters of three consumers")
    assert {letter["consumer"] for letter in letters} == {
        "notes-reference",
        "notifier",
        "history-reference",
    }
    for letter in letters:
        assert set(letter) == {
            *("id", "consumer", "topic", "partition", "offset", "key", "reason", "error", "state", "at")
        }
        assert letter["id"].startswith(f"{letter['consumer']}-")
        assert (letter["topic"], letter["key"], letter["state"]) == (topic, "g-9", "parked")
        ended = await installation.relato("dead-letters", "show", letter["id"], "--json")
        whole = cast(WholeDeadLetter, ended.document)
        assert whole["value"] == "{não"
        assert [tuple(header) for header in whole["headers"]] == [("ce_id", None)]


@pytest.mark.parametrize("letter", ["notifier-999999", "notifier", "-", "ghost-1"])
async def test_an_unknown_dead_letter_is_refused_with_a_sentence(
    installation: Installation, letter: str
) -> None:
    ended = await installation.relato("dead-letters", "show", "--json", "--", letter)
    assert (ended.code, ended.output) == (1, "")
    assert ended.errors == f"There is no dead letter {letter}.\n"


async def test_the_live_generation_is_listed_with_how_far_it_is(installation: Installation) -> None:
    async def caught_up() -> bool:
        ended = await installation.relato("projections", "list", "--json")
        (generation,) = cast(list[dict[str, object]], ended.document)
        assert set(generation) == {"projection", "generation", "state", "applied", "behind", "rate"}
        assert (generation["projection"], generation["generation"], generation["state"]) == (
            *("history", 1, "live"),
        )
        return generation["behind"] == 0 and cast(int, generation["applied"]) > 500

    await until(caught_up, within=60, what="the projection")


@pytest.mark.parametrize(
    "command",
    [
        ("demo",),
        ("events", "tail"),
        ("emails", "list"),
        ("projections", "list"),
        ("dead-letters", "list"),
    ],
    ids=" ".join,
)
async def test_a_command_says_so_when_relato_does_not_run(
    installation: Installation, tmp_path: Path, command: tuple[str, ...]
) -> None:
    nothing = dict.fromkeys((f"RELATO_{name}_DATABASE_URL" for name in ("NOTES", "NOTIFIER", "HISTORY")), "")
    ended = await installation.relato(*command, "--json", **nothing, RELATO_HOME=str(tmp_path / "empty"))
    assert (ended.code, ended.output) == (1, "")
    assert "does not run" in ended.errors


async def test_a_broker_that_is_away_is_said_in_a_sentence(installation: Installation) -> None:
    ended = await installation.relato("events", "tail", RELATO_KAFKA_BOOTSTRAP="127.0.0.1:9")
    assert (ended.code, ended.output) == (1, "")
    assert "127.0.0.1:9" in ended.errors.splitlines()[-1]
    assert "Traceback" not in ended.errors


async def test_a_database_that_is_away_is_said_in_a_sentence(installation: Installation) -> None:
    away = "postgresql://notifier@127.0.0.1:9/notifier"
    ended = await installation.relato("emails", "list", "--json", RELATO_NOTIFIER_DATABASE_URL=away)
    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("The database notifier cannot be asked")
