"""The brokers of a stack: one, or three of which one may be away."""

import asyncio
from collections.abc import Callable, Mapping

from relato.errors import StackError
from relato.settings import StackSettings
from relato.stack import kafka
from relato.stack.home import Home, plain_errors, private_directory, write_private
from relato.stack.kafka_node import Node, Place, new_cluster
from relato.stack.process import Program
from relato.stack.services import log_of


def names(settings: StackSettings) -> tuple[str, ...]:
    """What the brokers' processes are called; none where Kafka is another's."""
    if settings.kafka_bootstrap is not None:
        return ()
    many = settings.kafka_brokers
    return ("kafka",) if many == 1 else tuple(f"kafka-{number}" for number in range(1, many + 1))


def port_names(settings: StackSettings) -> tuple[str, ...]:
    """What ports they need."""
    return tuple(port for name in names(settings) for port in (name, _controller(name)))


def bootstrap(settings: StackSettings, ports: Mapping[str, int]) -> str:
    """Where clients begin."""
    return settings.kafka_bootstrap or ",".join(f"127.0.0.1:{ports[name]}" for name in names(settings))


async def prepare(
    settings: StackSettings,
    home: Home,
    ports: Mapping[str, int],
    environment: Mapping[str, str],
    fetching: Callable[[str], None],
) -> list[Program]:
    """Make what is not there yet; raises StackError when that is a cluster of another size."""
    called = names(settings)
    _fits(home, len(called))
    nodes = tuple(
        Node(number, ports[name], ports[_controller(name)]) for number, name in enumerate(called, 1)
    )
    cluster = await asyncio.to_thread(_cluster, home)
    programs = []
    for node, name in zip(nodes, called, strict=True):
        programs.append(
            await kafka.prepare(
                home.kafka if len(nodes) == 1 else home.kafka / str(node.id),
                log_of(home, name),
                environment,
                Place(node, nodes, cluster, name),
                fetching,
            )
        )
    return programs


def _controller(name: str) -> str:
    return f"{name}-controller"


def _cluster(home: Home) -> str:
    """The cluster's id, which all brokers are made with, also those that a start which broke off left out."""
    path = home.kafka / "cluster-id"
    with plain_errors(path):
        private_directory(home.kafka)
        if not path.exists():
            write_private(path, new_cluster())
        return path.read_text().strip()


def _fits(home: Home, brokers: int) -> None:
    """One broker's records do not spread to others by themselves, and three brokers' are on all of them."""
    there = 1 if (home.kafka / "data").exists() else 3 if (home.kafka / "1").exists() else brokers
    if there != brokers:
        raise StackError(
            f"{home.root} was made for RELATO_KAFKA_BROKERS={there}, which now asks for {brokers}. Set it to "
            f"{there}, or choose another RELATO_HOME; deploy/RUNBOOK.md says how to move to a cluster."
        )
