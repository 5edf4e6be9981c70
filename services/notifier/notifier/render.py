"""Renders mails in the sandbox process, and starts a new one when a template killed it."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from dataclasses import asdict, dataclass
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


class Renderer:
    """One sandbox process, used by one caller at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._banned: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    async def render(self, variant: EmailVariant, letter: Letter) -> Rendered:
        """The mail that a template makes of a letter; ``TemplateError`` when it makes none."""
        async with self._turn:
            self._refuse_banned(variant)
            for last in (False, True):
                try:
                    answer = await self._ask(variant, letter)
                except asyncio.CancelledError:
                    await self._kill()  # its answer would be taken for that to the next question
                    raise
                except (EOFError, ConnectionError, TimeoutError):
                    # Whatever ended it is not certain to be the template; unless it was the timer.
                    code = await self._kill()
                    KILLED.inc()
                    if code == -signal.SIGALRM:
                        raise self._ban(variant, f"took longer than {self._seconds:g} s") from None
                    if last:
                        raise self._ban(variant, "used too much memory or time") from None
                else:
                    if "error" in answer:
                        raise TemplateError(answer["error"], Fault(**answer["fault"]))
                    return Rendered(**answer)
            raise AssertionError("unreachable: the second time returns or raises")

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _ask(self, variant: EmailVariant, letter: Letter) -> dict[str, Any]:
        if self._process is None:
            self._process = await _start()
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None and writer is not None
        request = {
            "seconds": self._seconds,
            "parts": {"subject": variant.subject, "text": variant.text, "html": variant.html},
            "variables": asdict(letter),
        }
        body = json.dumps(request).encode()
        async with asyncio.timeout(self._seconds + _STARTING_SECONDS):
            writer.write(len(body).to_bytes(4) + body)
            await writer.drain()
            length = int.from_bytes(await reader.readexactly(4))
            answer: dict[str, Any] = json.loads(await reader.readexactly(length))
        return answer

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

    def _refuse_banned(self, variant: EmailVariant) -> None:
        digest = _digest(variant)
        until, why = self._banned.get(digest, (0.0, ""))
        if until > asyncio.get_running_loop().time():
            raise _too_greedy(why)
        self._banned.pop(digest, None)


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
