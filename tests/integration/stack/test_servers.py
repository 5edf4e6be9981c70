"""The embedded servers keep their data, say what is wrong with it, and never outlive their parent."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from relato.errors import StackError
from relato.stack import kafka, mail, postgres
from relato.stack.ports import chosen, free

from tests.support.waiting import until

_PARENT = """
import asyncio, sys
from pathlib import Path
from relato.stack import postgres

async def main() -> None:
    async with postgres.running(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_postgres_finds_its_data_again(directory: Path) -> None:
    async with postgres.running(directory / "pg") as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await connection.close()
    async with postgres.running(directory / "pg") as dsn:
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()


async def test_nobody_but_its_owner_reaches_postgres(directory: Path) -> None:
    async with postgres.running(directory / "pg") as dsn:
        assert (directory / "pg").stat().st_mode & 0o777 == 0o700
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close()


async def test_a_path_too_long_for_a_socket_is_refused_with_its_length(directory: Path) -> None:
    with pytest.raises(StackError, match="bytes, and 107 are allowed"):
        async with postgres.running(directory / ("x" * 100)):
            pass


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: (data / "PG_VERSION").unlink(), id="no version"),
        pytest.param(lambda data: (data / "PG_VERSION").write_text("?"), id="unreadable version"),
        pytest.param(lambda data: (data / "global/pg_control").write_bytes(bytes(8192)), id="empty control"),
    ],
)
async def test_damaged_data_of_postgres_is_said_to_be_so(
    directory: Path, damage: Callable[[Path], object]
) -> None:
    async with postgres.running(directory / "pg"):
        pass
    damage(directory / "pg" / "data")
    with pytest.raises(StackError, match=r"postgres did not start: .*damaged"):
        async with postgres.running(directory / "pg"):
            pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of it")
async def test_postgres_ends_when_its_parent_is_killed(directory: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PARENT, str(directory / "pg")), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    (server,) = psutil.Process(parent.pid).children()
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()

    async def ended() -> bool:
        return not server.is_running()

    await until(ended, what="the server's end")


async def test_kafka_finds_its_records_again_and_refuses_a_log_that_lost_its_topics(directory: Path) -> None:
    async with kafka.running(directory / "kafka") as bootstrap:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, 1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            await producer.send_and_wait("kept", b"here")
    async with kafka.running(directory / "kafka") as bootstrap:
        consumer = AIOKafkaConsumer("kept", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        async with consumer:
            assert (await consumer.getone()).value == b"here"
    # Kafka itself would begin a new, empty cluster here, and delete what it no longer knows.
    for segment in (directory / "kafka/data/__cluster_metadata-0").glob("*.log"):
        segment.write_bytes(b"")
    with pytest.raises(StackError, match=r"kafka did not start: .*damaged"):
        async with kafka.running(directory / "kafka"):
            pass
    assert (directory / "kafka/data/kept-0").is_dir()


async def test_the_mail_catcher_listens_where_it_says(directory: Path) -> None:
    async with mail.running(directory) as ports:
        assert await mail.listening(ports.smtp, ports.http) is None
    assert await mail.listening(ports.smtp) is not None


async def test_a_port_is_kept_until_somebody_else_takes_it(directory: Path) -> None:
    first = chosen(directory / "ports.json", ["kafka", "smtp"])
    assert chosen(directory / "ports.json", ["kafka", "smtp"]) == first
    other = await asyncio.start_server(lambda *_: None, "127.0.0.1", first["kafka"])
    async with other:
        second = chosen(directory / "ports.json", ["kafka", "smtp"])
    assert second["kafka"] != first["kafka"]
    assert second["smtp"] == first["smtp"]
    assert free(avoiding=[]) not in {0}
