"""Renders mails in the sandbox process, and starts a new one when a template killed it."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import structlog
from prometheus_client import Counter
from relato_contracts.itsm import EmailVariant
from relato_runtime.template_faults import Fault

from notifier.letter import Letter

log = structlog.get_logger(__name__)

KILLED = Counter("relato_sandbox_deaths", "Sandbox processes that died while rendering")
_STARTING_SECONDS = 20.0
_BANNED_SECONDS = 300.0
_BANNED_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of a mail."""

    subject: str
    text: str
    html: str


class TemplateError(Exception):
    """A template cannot be rendered; the message says what its author needs to know.

    ``fault`` says it without naming the part of the mail, with the line where that is known.
    """

    def __init__(self, why: str, fault: Fault) -> None:
        super().__init__(why)
        self.fault = fault


Job = tuple[EmailVariant, Letter]


class Renderer:
    """One sandbox process, used by one caller at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._banned: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    async def render(self, variant: EmailVariant, letter: Letter) -> Rendered:
        """The mail that a template makes of a letter; ``TemplateError`` when it makes none."""
        [made] = await self.render_all([(variant, letter)])
        if isinstance(made, TemplateError):
            raise made
        return made

    async def render_all(self, jobs: Sequence[Job]) -> list[Rendered | TemplateError]:
        """As ``render``, for many: the process has the next ones before it has answered."""
        async with self._turn:
            made: list[Rendered | TemplateError] = []
            tried_again = -1
            while len(made) < len(jobs):
                first = len(made)
                if (banned := self._ban_of(jobs[first][0])) is not None:
                    made.append(banned)
                    continue
                allowed = takewhile(lambda job: self._ban_of(job[0]) is None, jobs[first:])
                try:
                    await self._ask(list(allowed), made)
                except asyncio.CancelledError:
                    await self._kill()  # its answer would be taken for that to the next question
                    raise
                except (EOFError, ConnectionError, TimeoutError):
                    # It ended at the first that has no answer; whatever ended it is not certain to be
                    # that template, unless it was the timer.
                    code = await self._kill()
                    KILLED.inc()
                    at = len(made)
                    if code == -signal.SIGALRM:
                        made.append(self._ban(jobs[at][0], f"took longer than {self._seconds:g} s"))
                    elif tried_again == at:
                        made.append(self._ban(jobs[at][0], "used too much memory or time"))
                    else:
                        tried_again = at
            return made

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _ask(self, jobs: Sequence[Job], made: list[Rendered | TemplateError]) -> None:
        """Adds to ``made`` what the process answers, as far as it comes."""
        if self._process is None:
            self._process = await _start()
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None and writer is not None
        writer.write(b"".join(self._request(*job) for job in jobs))
        for _ in jobs:
            async with asyncio.timeout(self._seconds + _STARTING_SECONDS):
                length = int.from_bytes(await reader.readexactly(4))
                answer: dict[str, Any] = json.loads(await reader.readexactly(length))
            if "error" in answer:
                made.append(TemplateError(answer["error"], Fault(**answer["fault"])))
            else:
                made.append(Rendered(**answer))

    def _request(self, variant: EmailVariant, letter: Letter) -> bytes:
        request = {
            "seconds": self._seconds,
            "parts": {"subject": variant.subject, "text": variant.text, "html": variant.html},
            "variables": {name: getattr(letter, name) for name in letter.__slots__},
        }
        body = json.dumps(request).encode()
        return len(body).to_bytes(4) + body

    async def _kill(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None and process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(0.5):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

    def _ban(self, variant: EmailVariant, why: str) -> TemplateError:
        """For a while, so that a batch full of its mails does not spend the time limit on each."""
        self._banned[_digest(variant)] = (asyncio.get_running_loop().time() + _BANNED_SECONDS, why)
        if len(self._banned) > _BANNED_LIMIT:
            self._banned.popitem(last=False)
        log.warning("template banned for a while", why=why)
        return _too_greedy(why)

    def _ban_of(self, variant: EmailVariant) -> TemplateError | None:
        if not self._banned:
            return None
        digest = _digest(variant)
        until, why = self._banned.get(digest, (0.0, ""))
        if until > asyncio.get_running_loop().time():
            return _too_greedy(why)
        self._banned.pop(digest, None)
        return None


def _too_greedy(why: str) -> TemplateError:
    return TemplateError(why, Fault("too-greedy", why))


async def _start() -> Process:
    """With as little of our environment as it takes: no addresses, no passwords."""
    environment = {name: os.environ[name] for name in ("PATH", "RELATO_HOME") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "notifier.sandbox"), stdin=PIPE, stdout=PIPE, env=environment
    )


def _digest(variant: EmailVariant) -> bytes:
    return hashlib.sha256(variant.model_dump_json().encode()).digest()
