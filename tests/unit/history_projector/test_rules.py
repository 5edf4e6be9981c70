"""Which generation an operator means, what is refused, and that a changed shape is told."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files

import pytest
from history_projector import generations
from history_projector.generations import Generation
from history_projector.rules import Verb, decide
from relato_runtime.refusals import Refused

_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def generation(number: int, state: str, *, paused: bool = False, retired: int | None = None) -> Generation:
    """A generation; ``retired`` so many hours after noon."""
    at = None if retired is None else _NOON + timedelta(hours=retired)
    return Generation(number, state, paused, generations.SHAPE, at)


LIVE = generation(3, "live")
BUILDING = generation(4, "building")
PAUSED = generation(4, "building", paused=True)
RETIRED = [generation(1, "retired", retired=5), generation(2, "retired", retired=1)]


@pytest.mark.parametrize(
    ("verb", "every", "given", "meant"),
    [
        ("rebuild", [LIVE], None, None),
        ("switch", [*RETIRED, LIVE, BUILDING], None, 4),
        ("rollback", [*RETIRED, LIVE], None, 1),
        ("rollback", [*RETIRED, LIVE], 2, 2),
        ("pause", [LIVE, BUILDING], None, 4),
        ("resume", [LIVE, PAUSED], None, 4),
        ("cancel", [LIVE, generation(4, "preparing")], None, 4),
        ("drop", [RETIRED[0], LIVE], None, 1),
        ("verify", [LIVE, BUILDING], None, 4),
    ],
)
def test_the_only_one_that_fits_is_meant(
    verb: Verb, every: list[Generation], given: int | None, meant: int | None
) -> None:
    assert decide(verb, every, given) == meant


@pytest.mark.parametrize(
    ("verb", "every", "given", "why"),
    [
        ("drop", [LIVE, BUILDING], 3, "Generation 3 is live: only one that is not live can be meant."),
        ("drop", [*RETIRED, LIVE], None, "Say which generation is meant: 1, 2."),
        ("drop", [LIVE], None, "There is no generation that is not live."),
        ("switch", [LIVE, PAUSED], None, "There is no generation that is being built."),
        ("switch", [LIVE, PAUSED], 4, "Generation 4 is paused: only one that is being built can be meant."),
        ("rollback", [LIVE, BUILDING], 4, "Generation 4 is building: only one that was live"),
        ("pause", [LIVE], 3, "Generation 3 is live"),
        ("rebuild", [LIVE, PAUSED], None, "Generation 4 is paused already: switch to it, or cancel it."),
        ("rebuild", [LIVE], 3, "A rebuild makes a generation of its own"),
        ("cancel", [LIVE], 9, "There is no generation 9."),
        ("drop", [LIVE, generation(4, "dropping")], 4, "Generation 4 is dropping"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    verb: Verb, every: list[Generation], given: int | None, why: str
) -> None:
    with pytest.raises(Refused) as refused:
        decide(verb, every, given)
    assert str(refused.value).startswith(why)


def test_tables_and_views_are_those_of_their_shape() -> None:
    """Whoever changes them raises ``generations.SHAPE``, so that two programs can work beside each other."""
    scripts = [files("history_projector").joinpath(name) for name in ("generation.sql", "live.sql")]
    digest = sha256(b"".join(each.read_bytes() for each in scripts)).hexdigest()
    assert (generations.SHAPE, digest) == (
        *(1, "b23adbc1e7b0e4f9f078f1fcabe4ab8840b2610573a7d8bb185231908b76b5de"),
    )
