"""An installation as the `relato` command finds it, with the demonstration data loaded by it."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from history_projector import app as history_projector
from history_projector.settings import ProjectorSettings
from notes import app as notes
from notes.settings import NotesSettings
from notifier import app as notifier
from notifier.settings import NotifierSettings
from pydantic import HttpUrl, JsonValue, SecretStr
from relato.issuer import keys
from relato.settings import StackSettings
from relato.stack import caddy, mail, process, state
from relato.stack.home import Home
from relato.stack.ports import free
from relato_contracts.topics import TOPICS
from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings

from tests.support import scratch
from tests.support.databases import Databases
from tests.support.issuer import running_issuer
from tests.support.serving import serving
from tests.support.waiting import until


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    output: str
    errors: str

    @property
    def document(self) -> JsonValue:
        """The one JSON document that is all its output."""
        document: JsonValue = json.loads(self.output)
        return document


@dataclass(frozen=True)
class Installation:
    """What the command's environment leads to."""

    environment: Mapping[str, str]
    databases: Mapping[str, str]
    settings: KafkaSettings

    async def relato(self, *arguments: str, given: str = "", **environment: str) -> Ended:
        """Run the command with something on its standard input."""
        process = await self.start(*arguments, **environment)
        async with asyncio.timeout(180):  # the demonstration takes long on a machine that others use
            output, errors = await process.communicate(given.encode())
        return Ended(process.returncode or 0, output.decode(), errors.decode())

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        """Start the command."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("relato")), *arguments),
            env={**os.environ, **self.environment, **environment},
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )


@pytest.fixture(scope="session")
async def installation(postgres_url: str, kafka_bootstrap: str) -> AsyncIterator[Installation]:
    """Notes, notifier and history-projector with a mail catcher, and the demonstration data."""
    directory = scratch.home()
    home = Home(directory / "home")
    home.create()
    databases = Databases(postgres_url)
    urls = {
        "notes": await databases.create("notes"),
        "notifier": await databases.create("notifier"),
        "history": await databases.create("history_projector"),
    }
    cluster = KafkaSettings(kafka_bootstrap=kafka_bootstrap, topic_prefix="operated.")
    await kafka.create_topics(cluster, TOPICS, partitions=3)
    try:
        async with AsyncExitStack() as stack:
            catcher = await stack.enter_async_context(mail.running(directory / "mail"))
            issuer = await stack.enter_async_context(running_issuer())
            issuer.key = keys.key(home.secrets)
            own = [
                cluster.model_dump() | {"oidc_issuer": issuer.url, "database_url": SecretStr(url)}
                for url in urls.values()
            ]
            origin = await stack.enter_async_context(
                serving(
                    notes.build(NotesSettings.model_validate(own[0] | {"log_key_file": str(home.log_key())}))
                )
            )
            smtp = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{catcher.smtp}"), "public_url": HttpUrl(origin)}
            mails = await stack.enter_async_context(
                serving(notifier.build(NotifierSettings.model_validate(own[1] | smtp)))
            )
            projector = await stack.enter_async_context(
                serving(history_projector.build(ProjectorSettings.model_validate(own[2])))
            )
            upstreams = {
                "notes": urlsplit(origin).port or 0,
                "notifier": urlsplit(mails).port or 0,
                "history-projector": urlsplit(projector).port or 0,
            }
            door = StackSettings(home=home.root, port=free())
            program = caddy.program(door, upstreams, directory / "caddy.log", {}, directory)
            await stack.enter_async_context(process.running(program))
            _write_state(home, origin, issuer.url, kafka_bootstrap)
            environment = {
                "RELATO_HOME": str(home.root),
                "RELATO_TOPIC_PREFIX": cluster.topic_prefix,
                **{f"RELATO_{name.upper()}_DATABASE_URL": url for name, url in urls.items()},
            }
            running = Installation(environment, urls, cluster)
            await _load(running)
            # As everybody outside reaches it.
            yield replace(running, environment={**environment, "RELATO_PUBLIC_URL": door.origin})
    finally:
        await databases.drop_all()
        shutil.rmtree(directory)


async def _load(installation: Installation) -> None:
    """Load the demonstration data, but break off once in the middle of its requests."""
    database = await asyncpg.connect(installation.databases["notes"])
    try:
        broken_off = await installation.start("demo")

        async def some() -> bool:
            return bool(await database.fetchval("SELECT count(*) > 50 FROM events"))

        await until(some, within=180, what="the first requests")
        broken_off.send_signal(signal.SIGINT)
        await broken_off.communicate()
        assert not await database.fetchval("SELECT EXISTS (SELECT FROM tickets WHERE status = 'closed')")
    finally:
        await database.close()
    loaded = await installation.relato("demo", "--json")
    assert loaded.code == 0, loaded.errors


def _write_state(home: Home, origin: str, issuer: str, kafka: str) -> None:
    """What the supervisor of the local stack would write."""
    state.write(
        home,
        state.StackState(
            phase="running",
            origin=origin,
            issuer=issuer,
            local_issuer=True,
            postgres="postgresql:///nowhere",
            kafka=kafka,
            kafka_version=None,
            smtp="smtp://127.0.0.1:1",
            mail_page=None,
            children=(),
        ),
    )
