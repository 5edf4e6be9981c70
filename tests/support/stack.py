"""The whole local stack as its users start it, in a home and on a port of its own."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from relato.stack.lag import lags
from relato.stack.ports import free

from tests.support import scratch
from tests.support.reaching import reaching
from tests.support.said import Written
from tests.support.waiting import until

RELATO = str(Path(sys.executable).with_name("relato"))


@dataclass
class Stack:
    """A running stack: its command, its origin, and the people who use it."""

    home: Path
    port: int
    environment: Mapping[str, str]
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    """What was sent through ``http``, accepted or not."""
    _status: Any = None

    async def relato(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Run the command; gives exit code, standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            RELATO,
            *arguments,
            env=dict(self.environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate(stdin.encode())
        return process.returncode or 0, output.decode(), errors.decode()

    async def said(self, *arguments: str, stdin: str = "") -> str:
        """What the command prints; it has to succeed."""
        code, output, errors = await self.relato(*arguments, stdin=stdin)
        assert code == 0, f"relato {' '.join(arguments)}: exit {code}\n{output}\n{errors}"
        return output

    async def json(self, *arguments: str) -> Any:
        """What the command answers with ``--json``."""
        return json.loads(await self.said(*arguments, "--json"))

    async def places(self) -> Any:
        """What ``relato status`` said when it was asked first: addresses stay, whatever is begun anew."""
        self._status = self._status or await self.json("status")
        return self._status

    async def bearer(self, person_id: str) -> dict[str, str]:
        """The header of a request as this person."""
        if person_id not in self.tokens:
            self.tokens[person_id] = (await self.said("token", "--person", person_id)).strip()
        return {"Authorization": f"Bearer {self.tokens[person_id]}"}

    async def post(
        self, person_id: str, path: str, body: Mapping[str, object], **headers: str
    ) -> httpx.Response:
        """POST to notes as a person."""
        return await self.http.post(
            f"/api/notes{path}", json=dict(body), headers=await self.bearer(person_id) | headers
        )

    async def get(self, person_id: str, path: str, **query: object) -> httpx.Response:
        """GET from the portal as a person."""
        return await self.http.get(
            f"/api/portal{path}",
            params={name: str(value) for name, value in query.items()},
            headers=await self.bearer(person_id),
        )

    async def save(self, kind: str, entity_id: str, fact: Mapping[str, object]) -> None:
        """Publish a fact of the ITSM as Davi, who is an administrator."""
        answer = await self.http.put(
            f"/api/notes/itsm/{kind}/{entity_id}", json=dict(fact), headers=await self.bearer("davi")
        )
        assert answer.status_code == 200, answer.text

    async def level(self, *, within: float = 20) -> None:
        """Wait until no consumer is behind."""
        bootstrap = (await self.places())["kafka"]["bootstrap"]

        async def none_behind() -> bool:
            groups = await lags(bootstrap, prefix="relato.")  # and not those of a benchmark
            return bool(groups) and not any(each.lag for each in groups)

        await until(none_behind, within=within, what="all consumers to be level")


@asynccontextmanager
async def running_stack(home: Path | None = None, /, **settings: str) -> AsyncIterator[Stack]:
    """``relato up`` in a new home or that one, with these settings; ``relato down`` afterwards."""
    home = home or scratch.home()
    port = free()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
    environment = {**inherited, "RELATO_HOME": str(home), "RELATO_PORT": str(port), **settings}
    origin = f"http://127.0.0.1:{port}"
    async with reaching(origin, timeout=30) as client:
        stack = Stack(home, port, environment, client)
        client.event_hooks["request"].append(stack.written.on_request)
        try:
            await stack.said("up")
            yield stack
        finally:
            code, output, errors = await stack.relato("down")
            shutil.rmtree(home, ignore_errors=True)
            assert code == 0, f"relato down: {output}\n{errors}"
