"""The figures as pictures: what was measured beside what was the limit or is wanted."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot

from tests.bench.aims import rows
from tests.bench.results import Results

mpl.use("Agg")
_FAR = 3


def draw(results: Results, directory: Path) -> None:
    """A PNG and an SVG of each picture for which there are figures."""
    for name, picture in (("aims", _aims), ("commands", _commands), ("history", _history)):
        if picture(results):
            pyplot.tight_layout()
            for ending in ("png", "svg"):
                pyplot.savefig(directory / f"{name}.{ending}", dpi=120)
        pyplot.close()


def _aims(results: Results) -> bool:
    found = [each for each in rows(results) if each.wanted is not None]
    names = [each.figure.replace("`", "") for each in found]
    pyplot.figure(figsize=(10, 0.35 * len(found) + 1))
    colours = ["#b5452c" if each.missed else "#2a7f62" for each in found]
    pyplot.barh(names, [min(each.reached or 0, _FAR) for each in found], color=colours)
    pyplot.axvline(1, color="black", linewidth=1)
    pyplot.gca().invert_yaxis()
    pyplot.xlabel(f"of what is aimed at: 1 is enough (and all above {_FAR} is shown as {_FAR})")
    return bool(found)


def _commands(results: Results) -> bool:
    found = results.commands or []
    places = range(len(found))
    pyplot.figure(figsize=(7, 4))
    pyplot.bar([place - 0.2 for place in places], [each.limit for each in found], 0.4, label="pgbench")
    pyplot.bar([place + 0.2 for place in places], [each.rate for each in found], 0.4, label="commands")
    pyplot.xticks(list(places), [str(each.clients) for each in found])
    pyplot.xlabel("clients")
    pyplot.ylabel("a second")
    pyplot.legend()
    return bool(found)


def _history(results: Results) -> bool:
    found = results.history.by_size if results.history else []
    pyplot.figure(figsize=(7, 4))
    for name, pages in (
        ("first", [each.first for each in found]),
        ("middle", [each.middle for each in found]),
    ):
        for percentile, style in (("p50", "-"), ("p99", ":")):
            pyplot.plot(
                [each.entries for each in found],
                [each.p50_ms if percentile == "p50" else each.p99_ms for each in pages],
                style,
                marker="o",
                label=f"{name} page, {percentile}",
            )
    pyplot.xscale("log")
    pyplot.ylim(bottom=0)
    pyplot.xlabel("entries of the ticket")
    pyplot.ylabel("milliseconds")
    pyplot.legend()
    return bool(found)
