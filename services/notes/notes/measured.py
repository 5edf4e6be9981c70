"""What waits for Kafka or a signature, said by every process: the one that sees to it may be away."""

from collections.abc import Mapping

from prometheus_client import Gauge
from relato_runtime.database import Connection

from notes import outbox
from notes.proof import due

WAITING = Gauge("relato_outbox_pending", "Events that Kafka has not acknowledged yet")
OLDEST = Gauge("relato_outbox_oldest_seconds", "How long the oldest of them has waited")
UNSEALED = Gauge("relato_unsealed_oldest_seconds", "How long the oldest event is in no published head")


async def pending(connection: Connection) -> Mapping[Gauge, float]:
    """How many events wait, and for how long."""
    waiting, oldest = await outbox.size(connection)
    return {WAITING: waiting, OLDEST: oldest}


async def unsealed(connection: Connection) -> Mapping[Gauge, float]:
    """For how long nobody has vouched for what was recorded."""
    return {UNSEALED: await due.waiting(connection)}
