"""What `make bench` writes: names that other programs read, and tables that hide nothing."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.bench.aims import rows
from tests.bench.report import markdown
from tests.bench.results import Results

PROMISED = {
    "commands": [{"clients", "rate", "limit", "ratio", "p50_ms", "p99_ms"}],
    "chain": {"rate", "limit", "ratio"},
    "relay": {"rate", "limit", "ratio"},
    "projection": {"rate": {}, "limit": {}, "ratio": {}, "two_processes": {"rate"}},
    "end_to_end": {
        "histories": {"p50_ms", "p99_ms"},
        "stream": {"p50_ms", "p99_ms"},
        "mail": {"p50_ms", "p99_ms"},
        "ratio": {},
    },
    "history": {"ratio", "p99_ms", "pages_per_s", "by_size"},
    "streams": {"open", "all_ms", "kb_each", "ratio"},
    "mail": {"rate", "limit", "ratio"},
    "growth": {"ratio", "by_figure"},
    "memory": {"total_mb", "services", "ratio"},
    "pages": {"chat_ms"},
    "rebuild": {"ratio"},
    "verify": {"ratio"},
    "machine": {"cores"},
    "commit": {},
    "at": {},
}
"""Of /build/bench/results.json, in the small print of the architecture."""

QUICK = {"p50_ms": 1.0, "p99_ms": 2.0}
SLOW = {"p50_ms": 1_000.0, "p99_ms": 2_000.0}


def document(times: dict[str, float], ratio: float, rate: float, milliseconds: float) -> dict[str, Any]:
    """A whole result with the same figures everywhere."""
    beside: dict[str, Any] = {"rate": rate, "limit": 1_000.0, "ratio": ratio}
    door = {"rate": rate, **times}
    commands = [{"clients": n, "front_door": door, **beside, **times} for n in (1, 16, 64)]
    seen = ("histories", "executor", "requester", "stream", "mail")
    end_to_end = {"rate": 200.0, "probes": 900, "ratio": 0.5, **dict.fromkeys(seen, times)}
    streams = {
        "open": 1_000,
        "first_ms": milliseconds,
        "all_ms": milliseconds,
        "slowest_ms": milliseconds,
        "kb_each": 80.0,
        "ratio": 0.5,
    }
    history = {
        "ratio": milliseconds,
        "ratio_of_full_pages": milliseconds,
        "p99_ms": milliseconds * 10,
        "pages_per_s": rate,
        "by_size": [{"entries": 10, "first": times, "middle": times}],
    }
    relay = beside | {"past": 10_000}
    mail = beside | {"mails": 4_000, "past": 10_000, "beside_made": {"rate": 100.0, "ratio": 0.7}}
    after: dict[str, Any] = {
        "commands": commands,
        "end_to_end": end_to_end,
        "streams": streams,
        "history": history,
        "relay": relay,
        "mail": mail,
    }
    resident = {"total_mb": milliseconds * 900, "services": {"notes": milliseconds * 100}}
    return after | {
        "chain": beside | {"worked_us": 400.0, "worked_us_without": 390.0},
        "projection": beside | {"events": 500_000, "cores": 2, "two_processes": {"rate": 1.0, "to_one": 1.7}},
        "growth": {
            "ratio": milliseconds,
            "by_figure": {"relay": milliseconds},
            "events": {"before": 10_000, "after": 1_000_000},
            "tickets": 50_000,
            "projected_per_s": {"before": 2.0, "after": 1.0},
            "bytes_per_event": {"events": {"rows": 900, "indexes": 200}},
            "after": after,
        },
        "memory": {**resident, "at_rest": resident, "ratio": 1.1},
        "pages": {
            **times,
            "entries": 5_000,
            "worked_ms": 10.0,
            "waited_for_a_processor_ms": 1.0,
            "kb": {"identity": 70.0, "gzip": milliseconds * 10},
            "scrolling": {
                "entries": 5_000 if milliseconds < 2 else 50,
                "seconds": 20.0,
                "longest_task_ms": milliseconds * 100,
            },
            "lighthouse": {"desk": {"performance": 100 if milliseconds < 2 else 90}},
            "chat_ms": times["p50_ms"],
            "chat_slowest_ms": 90.0,
            "ratio": 0.5,
        },
        "rebuild": {"ratio": milliseconds, "at_rest": times, "meanwhile": times, "events_per_s": 9_000.0},
        "verify": {"events": 1_000_000, "seconds": times["p99_ms"], "parts": {"mails": 9.0}, "ratio": 0.5},
        "machine": {"cores": 2, "memory_gb": 24.0, "system": "Linux x86_64", "python": "3.13.1", "load": 0.1},
        "commit": "0123456789abcdef",
        "at": "2026-11-28T22:00:00Z",
    }


GOOD = document(QUICK, 1.0, 40_000.0, 1.0)
BAD = document(SLOW, 0.1, 100.0, 900.0)


def test_a_result_has_the_names_that_other_programs_read() -> None:
    _has(Results.model_validate(GOOD).model_dump(mode="json"), PROMISED)


def _has(found: Any, promised: Any) -> None:
    if isinstance(promised, list):
        for each in found:
            _has(each, promised[0])
        return
    assert set(promised) <= set(found)
    if isinstance(promised, dict):
        for name, inside in promised.items():
            if inside:
                _has(found[name], inside)


@pytest.mark.parametrize(
    "path", ["relay.limit", "projection.two_processes", "streams.kb_each", "history.pages_per_s", "commit"]
)
def test_a_result_that_lacks_a_name_is_not_written(path: str) -> None:
    *outer, last = path.split(".")
    lacking = document(QUICK, 1.0, 40_000.0, 1.0)
    inside = lacking
    for name in outer:
        inside[name] = dict(inside[name])
        inside = inside[name]
    del inside[last]
    with pytest.raises(ValidationError):
        Results.model_validate(lacking)


def test_a_name_that_nobody_knows_is_not_written() -> None:
    with pytest.raises(ValidationError):
        Results.model_validate(GOOD | {"wanted": 1})


def test_figures_that_were_not_measured_are_absent() -> None:
    some = Results.model_validate({name: GOOD[name] for name in ("relay", "machine", "commit", "at")})
    assert set(some.model_dump(exclude_none=True)) == {"relay", "machine", "commit", "at"}
    assert [each.figure for each in rows(some)] == ["`relay`"]


def test_whatever_is_aimed_at_and_missed_says_so_in_the_table() -> None:
    aimed = [each for each in rows(Results.model_validate(BAD)) if each.wanted is not None]
    assert [each.figure for each in aimed if not each.missed] == []
    table = markdown(Results.model_validate(BAD))
    assert table.count("not reached") == len(aimed)
    for figure in (
        "pages a second",
        "`history`, one client: p99",
        "p99 | 2,000 ms | ≤ 100",
        "`rebuild`",
        "`verify`",
    ):
        assert figure in table


def test_whatever_is_reached_does_not() -> None:
    assert "not reached" not in markdown(Results.model_validate(GOOD))


def test_a_long_history_that_scrolling_does_not_come_to_the_end_of_is_an_aim_that_was_missed() -> None:
    cut_off = {"entries": 50, "seconds": 4.0, "longest_task_ms": 9.0}
    found = Results.model_validate(GOOD | {"pages": GOOD["pages"] | {"scrolling": cut_off}})
    assert [each.figure for each in rows(found) if each.missed] == ["`pages`, scrolling comes to"]


def test_the_table_says_where_its_figures_come_from() -> None:
    assert "2026-11-28 at commit `0123456789ab`, Linux x86_64 with 2 cores" in markdown(
        Results.model_validate(GOOD)
    )
