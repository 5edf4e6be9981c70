"""Pure: how one broker of a cluster is set up, which is the same text for one and for three."""

import base64
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Node:
    """A broker, which is a controller too, and where it listens."""

    id: int
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    """A broker among those of its cluster."""

    node: Node
    nodes: tuple[Node, ...]
    cluster: str
    name: str = "kafka"


def new_cluster() -> str:
    """An id for a cluster, as Kafka makes them."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def replication(brokers: int) -> int:
    """On how many brokers each record lies."""
    return min(brokers, 3)


def properties_of(place: Place, data: Path) -> str:
    """The broker's server.properties."""
    copies = replication(len(place.nodes))
    return _PROPERTIES.format(
        id=place.node.id,
        port=place.node.port,
        controller_port=place.node.controller_port,
        voters=",".join(f"{each.id}@127.0.0.1:{each.controller_port}" for each in place.nodes),
        data=data,
        copies=copies,
        in_sync=(copies + 1) // 2,
    )


# A broker that was killed is missed after four seconds, not nine: until then nobody leads its partitions.
# What is deleted leaves the disk within a minute, not six.
_PROPERTIES = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={copies}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.backoff.ms=2000
log.retention.check.interval.ms=30000
log.segment.delete.delay.ms=5000
num.network.threads=2
num.io.threads=4
"""
LOGGING = """\
status=warn
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %p %c: %m%n
rootLogger=WARN, stdout
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=INFO
"""
