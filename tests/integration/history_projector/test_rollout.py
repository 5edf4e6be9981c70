"""A projection whose tables change: the new generation is built beside a live one that has the old tables."""

from tests.integration.history_projector.conftest import Projecting
from tests.integration.history_projector.test_fold import begin, ended, state
from tests.integration.history_projector.test_rebuild import history, members
from tests.integration.history_projector.test_verify import verified
from tests.support.waiting import until


async def as_before(projector: Projecting) -> None:
    """Let the live generation have the tables of a program from before entries had their authors' names."""
    await projector.level(1)
    await projector.database.execute("UPDATE generations SET shape = shape - 1 WHERE generation = 1")

    async def left() -> bool:
        return await members(projector, 1) == 0

    await until(left, what="an end of the consumer")
    await projector.database.execute("ALTER TABLE history_1.ticket_entries DROP COLUMN author_name CASCADE")


async def test_a_projection_with_a_new_column_is_rebuilt_compared_switched_and_rolled_back(
    projector: Projecting,
) -> None:
    await history(projector)
    await as_before(projector)
    assert await projector.done("rebuild", reason="entries say who") == 2
    await projector.level(2)
    compared = await verified(projector)
    assert (compared["differences"], compared["findings"]) == (0, [])
    assert await projector.done("switch") == 2
    assert await projector.done("rollback") == 1
    assert await projector.done("rollback") == 2
    row = await projector.row(
        """
        SELECT count(*) FILTER (WHERE version = 0) AS taken_over,
            count(*) FILTER (WHERE version > 0 AND author_name IS NULL) AS of_nobody
        FROM history.ticket_entries
        """
    )
    assert row["taken_over"] == await projector.database.fetchval(
        "SELECT count(*) FROM history_1.ticket_entries WHERE version = 0"
    )
    assert (row["taken_over"] > 0, row["of_nobody"]) == (True, 0)


async def test_a_verification_waits_for_a_program_that_knows_the_live_tables(projector: Projecting) -> None:
    await history(projector)
    await as_before(projector)
    number = await begin(projector)

    async def waits() -> bool:
        return "another program" in ((await state(projector, number))["trouble"] or "")

    await until(waits, what="why it does not get on")
    assert (await projector.http.get("/readyz")).status_code == 200
    await projector.done("rebuild")
    await projector.level(2)
    assert await projector.done("switch") == 2
    found = await ended(projector, number)
    assert (found["findings"], found["trouble"]) == ([], None)
