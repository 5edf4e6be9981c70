"""`relato dead-letters` and `relato projections`, and what commands say when nothing runs."""

from pathlib import Path
from typing import Any, cast

import pytest
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

    async def listed() -> list[dict[str, Any]]:
        ended = await installation.relato("dead-letters", "list", "--json")
        letters = cast(list[dict[str, Any]], ended.document)
        mine = [each for each in letters if each["key"] == "g-9"]
        return mine if len(mine) == 3 else []

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
        whole = cast(dict[str, Any], ended.document)
        assert whole["value"] == "{não"
        assert [tuple(header) for header in whole["headers"]] == [("ce_id", None)]


async def test_dead_letters_are_tried_again_and_given_up_and_the_audit_says_by_whom(
    installation: Installation,
) -> None:
    topic = installation.settings.topic_prefix + GROUPS.name
    async with kafka.producing(installation.settings) as producer:
        await kafka.send(producer, [kafka.OutgoingRecord(topic, b"g-8", b"{", [])])

    async def listed(*arguments: str) -> list[dict[str, Any]]:
        ended = await installation.relato("dead-letters", "list", "--json", *arguments)
        letters = cast(list[dict[str, Any]], ended.document)
        return [each for each in letters if each["key"] == "g-8"]

    async def everywhere() -> bool:
        return len(await listed()) == 3

    await until(everywhere, what="dead letters of three consumers")
    ids = [letter["id"] for letter in await listed()]
    reason = (await listed())[0]["reason"]
    assert len(await listed("--because", reason, "--state", "parked")) == 3
    again = await installation.relato("dead-letters", "retry", *ids, "--reason", "a try", "--json")
    assert again.code == 1
    assert "3 of 3 are still there." in again.errors
    assert {each["outcome"] for each in cast(dict[str, Any], again.document)["items"]} == {"failed"}
    kept = await installation.relato("dead-letters", "discard", *ids, "--reason", "junk", given="n\n")
    assert (kept.code, {each["state"] for each in await listed()}) == (1, {"parked"})
    assert (await installation.relato("dead-letters", "discard", *ids, "--yes")).code == 2
    gone = await installation.relato("dead-letters", "discard", *ids, "--reason", "junk", given="y\n")
    assert (gone.code, {each["state"] for each in await listed()}) == (0, {"discarded"}), gone.errors

    ended = await installation.relato("audit", "--json")
    done = cast(list[dict[str, Any]], ended.document)
    assert [each["at"] for each in done] == sorted((each["at"] for each in done), reverse=True)
    mine = [each for each in done if each["target"] in ids and each["reason"] == "junk"]
    assert {(each["service"], each["action"], each["person_id"]) for each in mine if not each["dry_run"]} == {
        (service, "discard", "olga") for service in ("notes", "notifier", "history-projector")
    }
    assert {each["dry_run"] for each in mine} == {True, False}


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


async def test_services_that_are_away_are_said_in_a_sentence(installation: Installation) -> None:
    ended = await installation.relato("emails", "list", "--json", RELATO_PUBLIC_URL="http://127.0.0.1:9")
    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("Relato does not answer")


async def test_what_is_under_way_on_events_is_followed_and_cancelled(installation: Installation) -> None:
    nothing = await installation.relato("events", "follow")
    assert (nothing.code, nothing.errors) == (1, "Nothing is under way.\n")
    begun = await installation.relato("events", "republish", "--rate", "1", "--yes", "--detach")
    assert begun.code == 0, begun.errors
    tried = await installation.relato("events", "cancel", "--dry-run", "--json")
    assert tried.document == {"cancelled": ["republish"], "dry_run": True}
    following = await installation.start("events", "follow")
    ended = await installation.relato("events", "cancel", "--reason", "enough")
    assert (ended.code, ended.errors) == (0, "Cancelled: republish.\n")
    await following.communicate()
    assert following.returncode == 1
    again = await installation.relato("events", "cancel")
    assert (again.code, again.errors) == (0, "Nothing is under way.\n")
