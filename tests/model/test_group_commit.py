"""Group commit: what is answered has been committed, once, in order, whoever dies meanwhile."""

from collections.abc import Sequence

import pytest
from notes import store
from notes.commit import Committer, _Waiting
from notes.handle import handle
from relato_contracts.notes import OccurrenceFact
from relato_runtime.database import Connection

from tests.model import committing
from tests.model.committing import MakeCommitter
from tests.model.conftest import FOUND_WITHIN, SCHEDULES, Stage, schedules
from tests.model.schedule import Violated
from tests.model.stepped import Changes


async def test_every_answer_is_true_in_all_schedules(notes_stage: Stage) -> None:
    await committing.prepare(notes_stage)
    for schedule in schedules(notes_stage, 0, SCHEDULES):
        try:
            await committing.explore(notes_stage, schedule, Changes())
        except Violated as violated:
            pytest.fail("\n".join([*schedule.trace, str(violated)]))


async def violation(stage: Stage, changed: Changes, make: MakeCommitter = committing.committer) -> str:
    """What the first schedule finds that finds anything."""
    await committing.prepare(stage)
    for schedule in schedules(stage, 0, FOUND_WITHIN):
        try:
            await committing.explore(stage, schedule, changed, make)
        except Violated as violated:
            assert changed.all_made
            return str(violated)
    raise AssertionError("the missing safeguard was not missed")


async def test_without_the_stream_lock_two_decide_about_the_same_version(notes_stage: Stage) -> None:
    found = await violation(notes_stage, Changes(("FROM streams", "FOR UPDATE", "")))
    assert "the stream lock did not hold" in found


async def test_without_answers_kept_what_is_sent_again_happens_again(notes_stage: Stage) -> None:
    changed = Changes(
        ("INSERT INTO idempotency_keys", "AS answer (person_id, key, request_hash, response)",
         "AS answer (person_id, key, request_hash, response) WHERE false"),
    )  # fmt: skip
    found = await violation(notes_stage, changed)
    assert any(part in found for part in ("happened 2 times", "answered differently", "stands for two"))


async def test_without_a_second_try_a_key_used_on_two_tickets_is_an_internal_error(
    notes_stage: Stage,
) -> None:
    found = await violation(notes_stage, Changes(), lambda pool: _Impatient(pool.as_pool(), lambda: None))
    assert "UniqueViolationError" in found


async def test_with_reads_before_the_lock_a_decision_stands_on_what_was(
    notes_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, facts_about = store.lock_streams, store.facts_about
    read: dict[int, list[tuple[str, int, OccurrenceFact]]] = {}

    async def lock_last(connection: Connection, ticket_ids: Sequence[str]) -> dict[str, store.Stream]:
        read[id(connection)] = await facts_about(connection, [committing.OCCURRENCE])
        return await locked(connection, ticket_ids)

    async def read_before(
        connection: Connection, _subjects: Sequence[object]
    ) -> list[tuple[str, int, OccurrenceFact]]:
        return read[id(connection)]

    monkeypatch.setattr(store, "lock_streams", lock_last)
    monkeypatch.setattr(store, "facts_about", read_before)
    assert "retracted 2 times" in await violation(notes_stage, Changes())


async def test_answers_before_the_commit_promise_what_may_never_be(notes_stage: Stage) -> None:
    found = await violation(notes_stage, Changes(), lambda pool: _Hasty(pool.as_pool(), lambda: None))
    assert "was promised and is not in the log" in found


class _Impatient(Committer):
    """Gives up at once."""

    async def _commit(self, batch: Sequence[_Waiting], *, again: bool = False) -> None:
        await super()._commit(batch, again=False)


class _Hasty(Committer):
    """Answers when everything is written, and then commits."""

    async def _commit(self, batch: Sequence[_Waiting], *, again: bool = True) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            outcomes = await handle(connection, [waiting.request for waiting in batch])
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    waiting.answered.set_exception(outcome)
                else:
                    waiting.answered.set_result(outcome)
