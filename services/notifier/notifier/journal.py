"""Group commit of attempts: what is said while one transaction commits shares the next."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from relato_runtime.database import UNAVAILABLE, Pool

from notifier import attempts
from notifier.attempts import Result
from notifier.leases import Leased


@dataclass(frozen=True, eq=False, slots=True)
class _Entry:
    """An attempt that begins or, with a result, has ended; ``written`` says whether it still was ours."""

    mail: Leased
    result: Result | None
    written: "asyncio.Future[bool]"


class Journal:
    """Writes down what becomes of the mails under one lease, and answers once that is committed."""

    def __init__(self, pool: Pool, lease: UUID, lasting: timedelta, on_outcome: Callable[[], None]) -> None:
        self.lease = lease
        self._pool = pool
        self._lasting = lasting
        self._on_outcome = on_outcome
        self._said: list[_Entry] = []
        self._writing: asyncio.Task[None] | None = None

    async def begin(self, mail: Leased) -> bool:
        """Whether the mail may go out now; after this it counts as one that may have."""
        return await self._say(mail, None)

    async def end(self, mail: Leased, result: Result) -> bool:
        """Whether the result counts; not when somebody else has decided about the mail since."""
        return await self._say(mail, result)

    async def _say(self, mail: Leased, result: Result | None) -> bool:
        entry = _Entry(mail, result, asyncio.get_running_loop().create_future())
        self._said.append(entry)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await entry.written

    async def _write_all(self) -> None:
        try:
            while self._said:
                entries, self._said = self._said, []
                await self._write(entries)
        finally:
            self._writing = None

    async def _write(self, entries: Sequence[_Entry]) -> None:
        try:
            ours = await self._commit(entries)
        except UNAVAILABLE as error:
            _fail(entries, error)
        except Exception as error:  # rolled back: tried one by one, none is lost
            if len(entries) == 1:
                _fail(entries, error)
            else:  # whatever is wrong with one of them is nothing to the others
                for entry in entries:
                    await self._write([entry])
        except BaseException as error:  # at the end of the process, too, whoever waits hears of it
            _fail(entries, error)
            raise
        else:
            for entry in entries:
                if not entry.written.done():
                    entry.written.set_result(entry.mail.mail_id in ours)

    async def _commit(self, entries: Sequence[_Entry]) -> set[UUID]:
        ended = [(entry.mail, entry.result) for entry in entries if entry.result is not None]
        # In one order for all, as far as it goes: who holds what another waits for should not wait for it.
        begun = sorted((entry.mail for entry in entries if entry.result is None), key=_by_id)
        ours: set[UUID] = set()
        async with self._pool.acquire() as connection, connection.transaction():
            if ended:
                ours |= await attempts.end(connection, ended, self.lease)
            if begun:
                ours |= await attempts.begin(connection, begun, self.lease, self._lasting)
        if ended or not all(mail.mail_id in ours for mail in begun):  # else it is not told yet
            self._on_outcome()
        return ours


def _by_id(mail: Leased) -> UUID:
    return mail.mail_id


def _fail(entries: Sequence[_Entry], error: BaseException) -> None:
    for entry in entries:
        if not entry.written.done():
            entry.written.set_exception(error)
