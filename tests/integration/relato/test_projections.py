"""`relato projections`: a rebuild from the first command to the last, and what is refused."""

import re

import asyncpg

from tests.integration.relato.conftest import Ended, Installation
from tests.support.waiting import until


async def projections(installation: Installation, *arguments: str, given: str = "") -> Ended:
    return await installation.relato("projections", *arguments, given=given)


async def listed(installation: Installation) -> dict[int, str]:
    """The states of all generations."""
    ended = await projections(installation, "list", "--json")
    assert isinstance(ended.document, list), ended.errors
    found = [each for each in ended.document if isinstance(each, dict)]
    assert all(
        each.keys() == {"projection", "generation", "state", "applied", "behind", "rate"} for each in found
    )
    return {int(str(each["generation"])): str(each["state"]) for each in found}


async def test_a_rebuild_is_watched_compared_switched_taken_back_and_dropped(
    installation: Installation,
) -> None:
    tried = await projections(installation, "rebuild", "history", "--dry-run", "--json")
    known = {"projection": "history", "action": "rebuild", "compared_at": None, "differences": None}
    assert tried.document == known | {"generation": None, "dry_run": True}
    assert await listed(installation) == {1: "live"}

    built = await projections(installation, "rebuild", "history", "--reason", "a test", "--json")
    assert built.document == known | {"generation": 2, "dry_run": False}, built.errors
    again = await projections(installation, "rebuild", "history")
    assert (again.code, again.output) == (1, "")
    assert "Generation 2 is building already" in again.errors

    same = await projections(installation, "verify", "history", "--json")
    assert isinstance(same.document, dict), same.errors
    assert (same.code, same.document["differences"], same.document["findings"]) == (0, 0, [])
    database = await asyncpg.connect(installation.databases["history"])
    try:
        await database.execute("UPDATE history_2.tickets SET title = 'Outra' WHERE ticket_id = '1001'")
        different = await projections(installation, "verify", "history", "2")
        assert (different.code, "1001" in different.output) == (1, True)
        assert "1 differences" in different.errors
        await database.execute(
            "UPDATE history_2.tickets AS new SET title = old.title FROM history_1.tickets AS old"
            " WHERE old.ticket_id = '1001' AND new.ticket_id = '1001'"
        )
    finally:
        await database.close()

    kept = await projections(installation, "switch", "history", "2", given="n\n")
    assert (kept.code, await listed(installation)) == (1, {1: "live", 2: "building"})
    assert re.match(r"Compared at \S+: 1 differences\. Show generation 2 to everybody\?", kept.errors)
    assert (await projections(installation, "pause", "history")).code == 0
    assert (await listed(installation))[2] == "paused"
    assert (await projections(installation, "resume", "history", "2")).code == 0
    switched = await projections(installation, "switch", "history", "2", given="y\n")
    assert (switched.code, await listed(installation)) == (0, {1: "retired", 2: "live"}), switched.errors
    refused = await projections(installation, "drop", "history", "2", "--yes")
    assert (refused.code, refused.errors) == (
        *(1, "Generation 2 is live: only one that is not live can be meant.\n"),
    )
    back = await projections(installation, "rollback", "history", "--yes")
    assert (back.code, await listed(installation)) == (0, {1: "live", 2: "retired"}), back.errors
    assert " 1 differences. rollback of history: done with generation 1." in back.errors
    assert (await projections(installation, "drop", "history", "--yes")).code == 0
    assert await listed(installation) == {1: "live"}

    begun = await projections(installation, "rebuild", "history", "--detach")
    assert begun.code == 0, begun.errors

    async def could_be() -> str:
        tried = await projections(installation, "switch", "history", "--dry-run")
        return tried.errors if tried.code == 0 else ""

    said = await until(could_be, within=60, what="a generation that can be switched to")
    assert said.startswith("The two generations were never compared. ")
    assert (await projections(installation, "cancel", "history", "--yes")).code == 0
    assert await listed(installation) == {1: "live"}


async def test_an_unknown_projection_and_senseless_numbers_are_refused(installation: Installation) -> None:
    unknown = await projections(installation, "rebuild", "nothing")
    assert (unknown.code, unknown.errors) == (1, "There is no projection 'nothing'; there is history.\n")
    assert (await projections(installation, "drop", "history", "99", "--yes")).errors == (
        "There is no generation 99.\n"
    )
    assert (await projections(installation, "drop", "history", "x")).code == 2
