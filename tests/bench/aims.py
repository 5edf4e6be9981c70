"""What is aimed at, what was measured, and whether that is reached: the rows of every table."""

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple, TypeVar

from tests.bench.results import (
    Chain,
    Commands,
    EndToEnd,
    Growth,
    History,
    Latency,
    Mail,
    Memory,
    Page,
    Projection,
    Rebuild,
    Relay,
    Results,
    Streams,
    Verify,
)

_Figure = TypeVar("_Figure")

COMMANDS = {1: 0.4, 16: 0.6, 64: 0.9}
COMMANDS_P99_MS = {16: 25}
CHAINED = 0.95
RELAY = 0.8
PROJECTED_PER_S = 30_000
READABLE_P50_MS, READABLE_P99_MS, MAILED_P50_MS = 20, 100, 50
FLAT, PAGE_P99_MS, PAGES_PER_S = 1.3, 15, 1_200
STREAMED_MS = 250
MAIL = 0.5
GROWN = 1.15
TOTAL_MB, SERVICE_MB = 1_200, 150
LONG_P99_MS, LONG_KB, SCROLL_MS, JUDGED, CHAT_MS = 60, 60, 200, 95, 200
REBUILDING = 1.1
VERIFIED_SECONDS = 120


class Row(NamedTuple):
    """A figure, and what is wanted of it where anything is: at least that or, with ``at_most``, no more."""

    figure: str
    measured: float
    unit: str
    wanted: float | None = None
    at_most: bool = False
    beside: str = ""

    @property
    def reached(self) -> float | None:
        """How much of what is wanted: 1 and more is enough."""
        if self.wanted is None:
            return None
        if not self.at_most:
            return self.measured / self.wanted
        return self.wanted / self.measured if self.measured else math.inf

    @property
    def missed(self) -> bool:
        """Whether it is not as wanted."""
        return self.reached is not None and self.reached < 1


def rows(results: Results) -> Iterator[Row]:
    """One for each aim, and for what is told along with it, of what was measured."""
    return chain(
        *map(_commands, results.commands or ()),
        _told(_chain, results.chain),
        _told(_relay, results.relay),
        _told(_projection, results.projection),
        _told(_end_to_end, results.end_to_end),
        _told(_history, results.history),
        _told(_streams, results.streams),
        _told(_mail, results.mail),
        _told(_growth, results.growth),
        _told(_memory, results.memory),
        _told(_pages, results.pages),
        _told(_rebuild, results.rebuild),
        _told(_verify, results.verify),
    )


def _told(tell: Callable[[_Figure], Iterator[Row]], figure: _Figure | None) -> Iterator[Row]:
    return iter(()) if figure is None else tell(figure)


def number(value: float) -> str:
    """As people read it, with no more places than matter."""
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def _commands(found: Commands) -> Iterator[Row]:
    name = f"`commands`, {_clients(found.clients)}"
    yield Row(
        *(name, found.ratio, "of pgbench's rate", COMMANDS[found.clients]),
        beside=f"{number(found.rate)} a second beside {number(found.limit)}",
    )
    if (p99 := COMMANDS_P99_MS.get(found.clients)) is not None:
        yield _at_most(f"{name}: p99", found.p99_ms, "ms", p99, _p50(found))
    else:
        yield Row(f"{name}: p99", found.p99_ms, "ms", beside=_p50(found))
    door = found.front_door
    yield Row(
        *(f"{name}, through the front door", door.rate, "a second"),
        beside=f"p50 {number(door.p50_ms)} ms, p99 {number(door.p99_ms)} ms; all services at work",
    )


def _chain(found: Chain) -> Iterator[Row]:
    worked = f"{number(found.worked_us)} µs of work each beside {number(found.worked_us_without)}"
    beside = f"{number(found.rate)} commands a second beside {number(found.limit)}, {worked}"
    yield Row("`chain`", found.ratio, "of the rate without", CHAINED, beside=beside)


def _relay(found: Relay) -> Iterator[Row]:
    beside = f"{number(found.rate)} records a second beside {number(found.limit)}"
    yield Row("`relay`", found.ratio, "of a bare producer's rate", RELAY, beside=beside)


def _projection(found: Projection) -> Iterator[Row]:
    beside = f"COPY of the same rows {number(found.limit)}; {number(found.events)} events"
    yield Row("`projection`", found.rate, "events a second", PROJECTED_PER_S, beside=beside)
    two = found.two_processes
    beside = f"{number(two.to_one)} times one, on {found.cores} cores"
    yield Row("`projection`, two processes", two.rate, "events a second", beside=beside)


def _end_to_end(found: EndToEnd) -> Iterator[Row]:
    given = f"at {number(found.rate)} commands a second"
    for name, times in (
        ("readable in both histories", found.histories),
        ("pushed to an open stream", found.stream),
    ):
        yield _at_most(f"`end_to_end`, {name}: p50", times.p50_ms, "ms", READABLE_P50_MS, given)
        yield _at_most(f"`end_to_end`, {name}: p99", times.p99_ms, "ms", READABLE_P99_MS, given)
    beside = f"p99 {number(found.mail.p99_ms)} ms"
    yield _at_most("`end_to_end`, mail accepted: p50", found.mail.p50_ms, "ms", MAILED_P50_MS, beside)


def _history(found: History) -> Iterator[Row]:
    sizes = [each.entries for each in found.by_size]
    between = f"histories of {number(min(sizes))} to {number(max(sizes))} entries"
    yield _at_most("`history`, slowest page to fastest", found.ratio, "", FLAT, between)
    yield _at_most(
        "`history`, the same of full pages", found.ratio_of_full_pages, "", FLAT, "without ten entries"
    )
    yield _at_most("`history`, one client: p99", found.p99_ms, "ms", PAGE_P99_MS, "the worst of all sizes")
    yield Row("`history`, 16 clients", found.pages_per_s, "pages a second", PAGES_PER_S)


def _streams(found: Streams) -> Iterator[Row]:
    beside = f"the slowest of all {number(found.slowest_ms)} ms"
    yield _at_most(f"`streams`, {number(found.open)} have an entry", found.all_ms, "ms", STREAMED_MS, beside)
    yield Row("`streams`, each", found.kb_each, "KB")


def _mail(found: Mail) -> Iterator[Row]:
    beside = f"{number(found.rate)} mails a second beside {number(found.limit)}"
    yield Row("`mail`", found.ratio, "of aiosmtplib's rate with ready-made mails", MAIL, beside=beside)
    beside = f"beside {number(found.beside_made.rate)}"
    yield Row("`mail`, beside making the same mails", found.beside_made.ratio, "of its rate", beside=beside)


def _growth(found: Growth) -> Iterator[Row]:
    each = ", ".join(f"{name} {number(ratio)}" for name, ratio in found.by_figure.items())
    grown = f"{number(found.events.after)} events, {number(found.tickets)} tickets"
    yield _at_most(f"`growth` to {grown}: the worst", found.ratio, "times as slow", GROWN, each)
    sizes = found.bytes_per_event.values()
    rows, indexes = sum(each.rows for each in sizes), sum(each.indexes for each in sizes)
    beside = f"{number(rows)} in tables, {number(indexes)} in indexes; log and read models"
    yield Row("`growth`, on the disk", rows + indexes, "bytes an event", beside=beside)


def _memory(found: Memory) -> Iterator[Row]:
    for when, resident in (("at rest", found.at_rest), ("after the load", found)):
        yield _at_most(f"`memory` {when}, the whole stack", resident.total_mb, "MB", TOTAL_MB)
        name, size = max(resident.services.items(), key=lambda each: each[1])
        yield _at_most(f"`memory` {when}, the largest service", size, "MB", SERVICE_MB, name)


def _pages(found: Page) -> Iterator[Row]:
    name = f"`pages`, first of {number(found.entries)} entries"
    beside = f"{_p50(found)}, of which {number(found.worked_ms)} ms work"
    yield _at_most(f"{name}: p99", found.p99_ms, "ms", LONG_P99_MS, beside)
    yield _at_most(
        f"{name}, compressed", found.kb["gzip"], "KB", LONG_KB, f"{number(found.kb['identity'])} KB"
    )
    scrolled = found.scrolling
    beside = f"in {number(scrolled.seconds)} s"
    yield Row("`pages`, scrolling comes to", scrolled.entries, "entries", found.entries, beside=beside)
    yield _at_most("`pages`, scrolling: longest task", scrolled.longest_task_ms, "ms", SCROLL_MS)
    worst = min(points for judged in found.lighthouse.values() for points in judged.values())
    yield Row(
        "`pages`, Lighthouse, the lowest", worst, "points", JUDGED, beside="three pages, three categories"
    )
    beside = f"the slowest {number(found.chat_slowest_ms)} ms"
    yield _at_most("`pages`, a line of chat in the other browser", found.chat_ms, "ms", CHAT_MS, beside)


def _rebuild(found: Rebuild) -> Iterator[Row]:
    beside = (
        f"p50 {number(found.at_rest.p50_ms)} and {number(found.meanwhile.p50_ms)} ms, "
        f"at {number(found.events_per_s)} events a second"
    )
    yield _at_most("`rebuild`, pages meanwhile", found.ratio, "times as slow", REBUILDING, beside)


def _verify(found: Verify) -> Iterator[Row]:
    parts = ", ".join(f"{name} {number(seconds)} s" for name, seconds in found.parts.items())
    yield _at_most(f"`verify`, {number(found.events)} events", found.seconds, "s", VERIFIED_SECONDS, parts)


def _at_most(figure: str, measured: float, unit: str, wanted: float, beside: str = "") -> Row:
    return Row(figure, measured, unit, wanted, at_most=True, beside=beside)


def _clients(number: int) -> str:
    return "1 client" if number == 1 else f"{number} clients"


def _p50(times: Latency) -> str:
    return f"p50 {number(times.p50_ms)} ms"
