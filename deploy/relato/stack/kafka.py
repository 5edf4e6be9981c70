"""An embedded broker: Apache Kafka's own, a node in KRaft mode, on the loopback interface."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from relato.errors import StackError
from relato.stack import jars, jvm, process
from relato.stack.home import plain_errors, private_directory
from relato.stack.kafka_log import is_damaged
from relato.stack.kafka_node import LOGGING, Node, Place, new_cluster, properties_of
from relato.stack.ports import free
from relato.stack.process import Program

_ADVICE = "If its data is damaged, restore a copy, or move the directory away to start afresh."
_EXCEPTION = re.compile(r"(Caused by: |Exception in thread .*?)?[\w.$]+(Exception|Error)\b")


@asynccontextmanager
async def running(directory: Path, port: int = 0, patience: float = 10.0) -> AsyncIterator[str]:
    """Run a broker in that directory, made when new, on that port or a free one, and give its address.

    ``patience`` is how many seconds it has for an orderly end.
    """
    log = private_directory(directory) / "kafka.log"
    port = port or free()
    node = Node(1, port, free(avoiding=[port]))
    broker = await prepare(directory, log, os.environ, Place(node, (node,), new_cluster()))
    async with process.running(broker, patience):
        yield broker.address


async def prepare(
    directory: Path,
    log: Path,
    environment: Mapping[str, str],
    place: Place,
    fetching: Callable[[str], None] = lambda _: None,
) -> Program:
    """Fetch the jars and make the log when there is none; raises StackError for what cannot work.

    ``fetching`` is told of each jar that has to be fetched first.
    """
    java = await jvm.java()
    classpath = jars.present() or await _fetch(log, environment, fetching)
    data = directory / "data"
    command = (
        str(java),
        *(
            "-Xmx384m" if len(place.nodes) == 1 else "-Xmx256m",
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
        ),
        *("-Xshare:auto", "-Djava.awt.headless=true"),
        f"-Dlog4j2.configurationFile={directory / 'log4j2.properties'}",
        *("-cp", os.pathsep.join(str(path) for path in classpath)),
    )
    with plain_errors(directory):
        private_directory(directory)
        (directory / "log4j2.properties").write_text(LOGGING)
        if data.exists() and any(data.iterdir()):
            if not (data / "meta.properties").is_file():
                raise StackError(
                    f"kafka did not start: {data} is damaged: meta.properties is missing. {_ADVICE}"
                )
            if is_damaged(data):
                raise StackError(f"kafka did not start: {data} is damaged: the log of its topics. {_ADVICE}")
        else:
            await _format(data, command, log, environment, place)
        properties = _write(directory / "server.properties", data, place)
    address = place.node.address
    return Program(
        name=place.name,
        argv=(*command, "kafka.Kafka", str(properties)),
        environment=environment,
        log=log,
        probe=lambda: _answers(address),
        address=address,
        explain=_explain,
    )


async def _fetch(log: Path, environment: Mapping[str, str], fetching: Callable[[str], None]) -> list[Path]:
    """Fetch the jars in a process of its own, which can be stopped at any moment."""
    fetcher = Program(
        name="kafka-jars",
        argv=process.module("relato.stack.jars"),
        environment=environment,
        log=log.with_name("kafka-jars.log"),
        probe=process.at_once,
        patience=280.0,
    )
    with plain_errors(log):
        fetcher.log.unlink(missing_ok=True)
    await process.run(fetcher, each_line=fetching)
    found = jars.present()
    if found is None:
        raise StackError(f"Kafka's libraries are not complete. The log is {fetcher.log}.")
    return found


async def _format(
    data: Path,
    command: tuple[str, ...],
    log: Path,
    environment: Mapping[str, str],
    place: Place,
) -> None:
    """Make the log beside its place and move it there whole, so that none is ever half made."""
    for leftover in data.parent.glob("data.*"):
        shutil.rmtree(leftover)
    partial = data.with_name(f"data.{os.getpid()}")
    properties = _write(data.with_name("format.properties"), partial, place)
    await process.run(
        Program(
            name="kafka-format",
            # An id may begin with a dash, which is no option.
            argv=(
                *command,
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={place.cluster}",
                "-c",
                str(properties),
            ),
            environment=environment,
            log=log,
            probe=process.at_once,
            explain=_explain,
        )
    )
    properties.unlink()
    partial.rename(data)  # over an empty directory, if there is one


def _write(path: Path, data: Path, place: Place) -> Path:
    path.write_text(properties_of(place, data))
    return path


async def _answers(address: str) -> str | None:
    host, port = address.split(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError as error:
        return str(error)
    writer.close()
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        await client.start()
        await client.list_topics()
    except (KafkaError, OSError) as error:
        return str(error) or type(error).__name__
    finally:
        await client.close()
    return None


def _explain(log: str) -> str:
    serious = [line for line in log.splitlines() if " ERROR " in line]
    causes = [line for line in log.splitlines() if _EXCEPTION.match(line)]
    reason = process.last_line("\n".join(causes or serious) or log)
    return f"{reason.removeprefix('Caused by: ').rstrip('.')}. {_ADVICE}"
