"""What a sender has in its hands: mails that wait, tasks, and the connections they use."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from notifier.leases import Leased
from notifier.smtp import MailConnection

log = structlog.get_logger(__name__)


class Hands:
    """The mails that one run has claimed, and what is being done with them."""

    def __init__(self, connections: Sequence[MailConnection]) -> None:
        self.waiting: deque[Leased] = deque()
        self.sending: dict[asyncio.Task[None], MailConnection] = {}
        self.recording: set[asyncio.Task[None]] = set()
        self._connections = connections

    @property
    def idle(self) -> list[MailConnection]:
        """Connections on which nothing is being sent."""
        busy = set(self.sending.values())
        return [each for each in self._connections if each not in busy]

    def raise_failures(self) -> None:
        """Forget what is done; whatever went wrong with it is raised."""
        done = [task for task in (*self.sending, *self.recording) if task.done()]
        for task in done:
            self.sending.pop(task, None)
            self.recording.discard(task)
        for error in [task.exception() for task in done]:
            if error is not None:
                raise error

    async def finish(self, patience: float) -> None:
        """Let what has begun come to its end; what does not becomes uncertain when its lease runs out."""
        deadline = asyncio.get_running_loop().time() + patience
        failed: list[BaseException] = []
        try:
            for tasks in (self.sending, self.recording):
                if tasks:
                    left = max(0.0, deadline - asyncio.get_running_loop().time())
                    done, _ = await asyncio.wait(set(tasks), timeout=left)
                    failed += [error for each in done if (error := each.exception()) is not None]
        finally:
            for task in (*self.sending, *self.recording):
                task.cancel()
            for connection in self._connections:
                connection.close()
        for error in failed:
            log.error("mail not recorded", exc_info=error)
