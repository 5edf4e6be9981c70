"""The shape of build/bench/results.json, on which other programs rely: each figure, and its ratio.

A ratio is to the limit that was measured beside the figure where there is one, and else to what is aimed at.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Nothing that is not named here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Latency(Shape):
    """Of a number of times, in milliseconds."""

    p50_ms: float
    p99_ms: float


class Beside(Shape):
    """How many a second, and how many of what was measured beside it."""

    rate: float
    limit: float
    ratio: float


class FrontDoor(Latency):
    """Through the front door, while all services are at work."""

    rate: float


class Commands(Beside, Latency):
    """Of so many clients at once; the limit is pgbench running the same inserts."""

    clients: int
    front_door: FrontDoor


class Chain(Beside):
    """The limit is the same service without chains; of both, what its process works for a command."""

    worked_us: float
    worked_us_without: float


class Relay(Beside):
    """The limit is a bare producer of the same records; the log has so many events besides."""

    past: int


class TwoProcesses(Shape):
    """Sharing the partitions."""

    rate: float
    to_one: float


class Projection(Beside):
    """The limit is COPY of the same rows."""

    events: int
    cores: int
    two_processes: TwoProcesses


class EndToEnd(Shape):
    """From the answer to a command; ``histories`` is when both the executor's and the requester's have it."""

    rate: float
    probes: int
    histories: Latency
    executor: Latency
    requester: Latency
    stream: Latency
    mail: Latency
    ratio: float


class Pages(Shape):
    """Of a history of so many entries."""

    entries: int
    first: Latency
    middle: Latency


class History(Shape):
    """The slowest page's median to the fastest's; a history of ten entries has no full page to show."""

    ratio: float
    ratio_of_full_pages: float
    p99_ms: float
    pages_per_s: float
    by_size: list[Pages]


class Streams(Shape):
    """Until the first and all of the open streams have an entry: medians, and the slowest of all."""

    open: int
    first_ms: float
    all_ms: float
    slowest_ms: float
    kb_each: float
    ratio: float


class Made(Shape):
    """A program that makes the same mails with the email package before it sends them."""

    rate: float
    ratio: float


class Mail(Beside):
    """The limit is aiosmtplib sending the same bytes, ready-made, on as many kept connections."""

    mails: int
    past: int
    beside_made: Made


class Size(Shape):
    """Bytes for each event of the log."""

    rows: int
    indexes: int


class Change(Shape):
    """Of something that grew."""

    before: float
    after: float


class Growth(Shape):
    """How much worse each figure is with a long past: 1 is as before; ``ratio`` is the worst."""

    ratio: float
    by_figure: Mapping[str, float]
    events: Change
    tickets: int
    projected_per_s: Change
    bytes_per_event: Mapping[str, Size]
    after: "Grown"


class Grown(Shape):
    """The figures with a long past."""

    commands: list[Commands]
    end_to_end: EndToEnd
    streams: Streams
    history: History
    relay: Relay
    mail: Mail


class Resident(Shape):
    """All processes of the stack (shared pages count once), and each service."""

    total_mb: float
    services: Mapping[str, float]


class Memory(Resident):
    """After the load, and at rest before; the ratio is that of what comes closest to its limit."""

    at_rest: Resident
    ratio: float


class Scrolling(Shape):
    """Down to the oldest entry in a browser."""

    entries: int
    seconds: float
    longest_task_ms: float


class Page(Latency):
    """The first page of a ticket with so many entries; a line of chat; what Lighthouse gives pages."""

    entries: int
    worked_ms: float
    waited_for_a_processor_ms: float
    kb: Mapping[str, float]
    scrolling: Scrolling
    lighthouse: Mapping[str, Mapping[str, int]]
    chat_ms: float
    chat_slowest_ms: float
    ratio: float


class Rebuild(Shape):
    """Pages at rest and while a generation is built beside them; the ratio is of the medians."""

    ratio: float
    at_rest: Latency
    meanwhile: Latency
    events_per_s: float


class Verify(Shape):
    """All of ``relato events verify``, and its parts, which run at the same time."""

    events: int
    seconds: float
    parts: Mapping[str, float]
    ratio: float


class Machine(Shape):
    """Where it was; ``load`` is the average of the last minute before anything was begun."""

    cores: int
    memory_gb: float
    system: str
    python: str
    load: float


class Results(Shape):
    """All figures there are of one commit on one machine."""

    commands: list[Commands] | None = None
    chain: Chain | None = None
    end_to_end: EndToEnd | None = None
    streams: Streams | None = None
    history: History | None = None
    pages: Page | None = None
    rebuild: Rebuild | None = None
    relay: Relay | None = None
    mail: Mail | None = None
    projection: Projection | None = None
    growth: Growth | None = None
    memory: Memory | None = None
    verify: Verify | None = None
    machine: Machine
    commit: str
    at: datetime


Figure = (
    list[Commands]
    | Chain
    | EndToEnd
    | Streams
    | History
    | Page
    | Rebuild
    | Relay
    | Mail
    | Projection
    | Growth
    | Memory
    | Verify
)
