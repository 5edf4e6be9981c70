"""The figures as pictures: what was measured beside what was the limit or is wanted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib import pyplot

mpl.use("Agg")


def draw(figures: Mapping[str, Any], directory: Path) -> None:
    """A PNG and an SVG of each picture for which there are figures."""
    for name, picture in (("ratios", _ratios), ("commands", _commands), ("history", _history)):
        if picture(figures):
            pyplot.tight_layout()
            for ending in ("png", "svg"):
                pyplot.savefig(directory / f"{name}.{ending}", dpi=120)
        pyplot.close()


class Ratio(NamedTuple):
    """One figure beside what is wanted of it: at least that or, with ``at_most``, no more."""

    name: str
    ratio: float
    wanted: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether it is as wanted."""
        return self.ratio <= self.wanted if self.at_most else self.ratio >= self.wanted


def ratios(figures: Mapping[str, Any]) -> Iterator[Ratio]:
    """What there is of the figures, in the order in which they are measured."""
    for each in figures.get("commands", ()):
        yield Ratio(f"commands, {each['clients']} clients", each["ratio"], each["wanted"])
    for name in ("relay", "mail"):
        if name in figures:
            yield Ratio(name, figures[name]["ratio"], figures[name]["wanted"])
    if "projection" in figures:
        yield Ratio("projection", figures["projection"]["rate"] / figures["projection"]["wanted"], 1.0)
    for where, found in figures.get("end_to_end", {}).items():
        if isinstance(found, dict):
            yield Ratio(f"end to end, {where}", found["ratio"], 1.0, at_most=True)
    for name in ("history", "growth"):
        if name in figures:
            yield Ratio(name, figures[name]["ratio"], figures[name]["wanted_at_most"], at_most=True)
    for name in ("pages", "streams", "memory"):
        if name in figures:
            yield Ratio(name, figures[name]["ratio"], 1.0, at_most=True)


def _ratios(figures: Mapping[str, Any]) -> bool:
    found = list(ratios(figures))
    names = [each.name for each in found]
    pyplot.figure(figsize=(9, 0.4 * len(found) + 1))
    colours = ["#2a7f62" if each.met else "#b5452c" for each in found]
    pyplot.barh(names, [each.ratio for each in found], color=colours)
    pyplot.plot([each.wanted for each in found], names, "k|", markersize=14, label="wanted")
    pyplot.gca().invert_yaxis()
    pyplot.xlabel("ratio to the limit measured beside it, or to what is wanted")
    pyplot.legend()
    return bool(found)


def _commands(figures: Mapping[str, Any]) -> bool:
    found = figures.get("commands", ())
    clients = [str(each["clients"]) for each in found]
    places = range(len(found))
    pyplot.figure(figsize=(7, 4))
    pyplot.bar([place - 0.2 for place in places], [each["limit"] for each in found], 0.4, label="pgbench")
    pyplot.bar([place + 0.2 for place in places], [each["rate"] for each in found], 0.4, label="commands")
    pyplot.xticks(list(places), clients)
    pyplot.xlabel("clients")
    pyplot.ylabel("a second")
    pyplot.legend()
    return bool(found)


def _history(figures: Mapping[str, Any]) -> bool:
    found = figures.get("history", {}).get("by_size", ())
    pyplot.figure(figsize=(7, 4))
    for place in ("first", "middle"):
        for percentile, style in (("p50_ms", "-"), ("p99_ms", ":")):
            pyplot.plot(
                [each["entries"] for each in found],
                [each[place][percentile] for each in found],
                style,
                marker="o",
                label=f"{place} page, {percentile[:3]}",
            )
    pyplot.xscale("log")
    pyplot.ylim(bottom=0)
    pyplot.xlabel("entries of the ticket")
    pyplot.ylabel("milliseconds")
    pyplot.legend()
    return bool(found)
