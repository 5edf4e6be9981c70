"""`relato up` beside servers that run already: it uses those, and starts none of its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psutil
import pytest
from relato_runtime import stopping
from relato_runtime.settings import KafkaSettings

from tests.support import servers, world
from tests.support.events import EventStream
from tests.support.issuer import Issuer
from tests.support.mailbox import Mailbox
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

PREFIX = "beside."


@pytest.fixture(scope="module")
async def beside(kafka_bootstrap: str, issuer: Issuer, mails: Mailbox) -> AsyncIterator[Stack]:
    """A stack that found every server, in the small known world; its people have the issuer's tokens."""
    # A server of its own, since roles belong to the whole server.
    async with (
        servers.postgres_server() as postgres_url,
        running_stack(
            RELATO_POSTGRES_URL=postgres_url,
            RELATO_KAFKA_BOOTSTRAP=kafka_bootstrap,
            RELATO_TOPIC_PREFIX=PREFIX,
            RELATO_PARTITIONS="3",
            RELATO_SMTP_URL=mails.url,
            RELATO_OIDC_ISSUER=issuer.url,
        ) as stack,
    ):
        stack.tokens.update({person: issuer.token(person) for person in ("ana", "carlos")})
        await world.publish(
            KafkaSettings(kafka_bootstrap=kafka_bootstrap, topic_prefix=PREFIX), *world.world()
        )
        yield stack


async def test_a_command_reaches_history_and_mailbox_through_servers_that_ran_before(
    beside: Stack, mails: Mailbox, kafka_bootstrap: str
) -> None:
    status = await beside.json("status")
    assert status["kafka"]["bootstrap"] == kafka_bootstrap
    assert status["postgres"]["answers"]
    assert {each["name"] for each in status["processes"]} == {
        "caddy", "notes", "notifier", "history-projector", "portal-query",
    }  # fmt: skip
    body = {
        "description_html": "<p>Servidores dos outros</p>",
        "occurred_at": datetime.now(UTC).isoformat(),
        "visible_to_requester": True,
        "notify_by_email": True,
    }
    key = str(uuid4())

    async def recorded() -> Any:
        answer = await beside.post("carlos", "/tickets/1001/occurrences", body, **{"Idempotency-Key": key})
        return answer.json() if answer.status_code == 201 else None  # the ticket may not have come yet

    version = (await until(recorded, what="the ticket"))["version"]

    async def seen() -> Any:
        answer = await beside.get("ana", "/my/requests/1001/history", min_version=version)
        return answer.json()["items"] if answer.status_code == 200 else None

    (entry,) = await until(seen, what="the requester's history")
    assert entry["description_html"] == "<p>Servidores dos outros</p>"

    async def mailed() -> bool:
        return any("Servidores dos outros" in each.as_string() for each in mails.to("ana@empresa.example"))

    await until(mailed, what="the mail")


@pytest.mark.parametrize("name", ["notes", "history-projector", "portal-query"])
async def test_a_service_that_is_told_to_stop_ends_cleanly_with_a_stream_open(
    beside: Stack, name: str
) -> None:
    async def process() -> dict[str, Any]:
        return next(each for each in (await beside.json("status"))["processes"] if each["name"] == name)

    async def ready() -> bool:
        services = (await beside.json("status"))["services"]
        return all(each["ready"] for each in services)

    await until(ready, what="readiness")
    stream = await EventStream.open(
        beside.http, "/api/portal/tickets/1001/stream", await beside.bearer("carlos")
    )
    await stream.next("presence")
    running = await process()
    os.kill(running["pid"], signal.SIGTERM)
    await asyncio.to_thread(psutil.Process(running["pid"]).wait, stopping.IN_ALL)

    async def noticed() -> bool:
        return bool((await process())["restarts"] > running["restarts"])

    await until(noticed, what="a new process")
    assert (await process())["last_exit"] == 0
    await stream.close()
