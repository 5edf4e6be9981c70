"""The figures as pictures: what was measured beside what was the limit or is wanted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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


def ratios(figures: Mapping[str, Any]) -> Iterator[tuple[str, float, float, bool]]:
    """Each figure's name, its ratio, what is wanted of it, and whether that is the least or the most."""
    for each in figures.get("commands", ()):
        yield f"commands, {each['clients']} clients", each["ratio"], each["wanted"], True
    for name in ("relay", "mail"):
        if name in figures:
            yield name, figures[name]["ratio"], figures[name]["wanted"], True
    if "projection" in figures:
        yield "projection", figures["projection"]["rate"] / figures["projection"]["wanted"], 1.0, True
    for where, found in figures.get("end_to_end", {}).items():
        if isinstance(found, dict):
            yield f"end to end, {where}", found["ratio"], 1.0, False
    for name in ("history", "growth"):
        if name in figures:
            yield name, figures[name]["ratio"], figures[name]["wanted_at_most"], False
    if "streams" in figures:
        yield "streams", figures["streams"]["ratio"], 1.0, False
    if "memory" in figures:
        yield "memory", figures["memory"]["ratio"], 1.0, False


def _ratios(figures: Mapping[str, Any]) -> bool:
    found = list(ratios(figures))
    names = [name for name, *_ in found]
    colours = ["#2a7f62" if (ratio >= wanted) == least or ratio == wanted else "#b5452c"
               for _, ratio, wanted, least in found]  # fmt: skip
    pyplot.figure(figsize=(9, 0.4 * len(found) + 1))
    pyplot.barh(names, [ratio for _, ratio, *_ in found], color=colours)
    pyplot.plot([wanted for _, _, wanted, _ in found], names, "k|", markersize=14, label="wanted")
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
