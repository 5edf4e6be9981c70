"""What waits for Kafka, said by every process: the one that relays may be the one that is away."""

from collections.abc import Mapping

from prometheus_client import Gauge
from relato_runtime.database import Connection

from notes import outbox

WAITING = Gauge("relato_outbox_pending", "Events that Kafka has not acknowledged yet")
OLDEST = Gauge("relato_outbox_oldest_seconds", "How long the oldest of them has waited")


async def pending(connection: Connection) -> Mapping[Gauge, float]:
    """How many events wait, and for how long."""
    waiting, oldest = await outbox.size(connection)
    return {WAITING: waiting, OLDEST: oldest}
