"""Which generation an operator means, and whether that can be done with it: pure decisions."""

from collections.abc import Callable, Sequence
from typing import Literal

from relato_runtime.refusals import Refused

from history_projector.generations import Generation

Verb = Literal["rebuild", "verify", "switch", "rollback", "pause", "resume", "cancel", "drop"]


def decide(verb: Verb, every: Sequence[Generation], given: int | None) -> int | None:
    """The generation that is meant (for a rebuild none, which does not exist yet); raises ``Refused``.

    Without a number it is the only one with which that could be done; a rollback means the generation
    that was live last.
    """
    if verb == "rebuild":
        _free_to_rebuild(every, given)
        return None
    fit, what = _FIT[verb]
    candidates = [each for each in every if fit(each)]
    if given is not None:
        known = next((each for each in every if each.number == given), None)
        if known is None:
            raise Refused(f"There is no generation {given}.")
        if known not in candidates:
            raise Refused(f"Generation {given} is {described(known)}: only one that {what} can be meant.")
        return given
    if verb == "rollback" and candidates:
        return max(candidates, key=lambda each: (each.retired_at is not None, each.retired_at)).number
    if len(candidates) != 1:
        several = ", ".join(str(each.number) for each in candidates)
        raise Refused(
            f"Say which generation is meant: {several}."
            if several
            else f"There is no generation that {what}."
        )
    return candidates[0].number


def described(generation: Generation) -> str:
    """A generation's state in a word."""
    return "paused" if generation.paused else generation.state


def _free_to_rebuild(every: Sequence[Generation], given: int | None) -> None:
    if given is not None:
        raise Refused("A rebuild makes a generation of its own; it cannot be given one.")
    for each in every:
        if each.state in {"preparing", "building"}:
            raise Refused(
                f"Generation {each.number} is {described(each)} already: switch to it, or cancel it."
            )


_FIT: dict[Verb, tuple[Callable[[Generation], bool], str]] = {
    "verify": (
        lambda each: each.state in {"building", "retired"} and not each.paused,
        "is not live and goes on",
    ),
    "switch": (lambda each: each.state == "building" and not each.paused, "is being built"),
    "rollback": (lambda each: each.state == "retired" and not each.paused, "was live and goes on"),
    "pause": (
        lambda each: each.state in {"preparing", "building", "retired"} and not each.paused,
        "is not live and goes on",
    ),
    "resume": (lambda each: each.paused, "is paused"),
    "cancel": (lambda each: each.state in {"preparing", "building"}, "is being built"),
    "drop": (lambda each: each.state in {"building", "retired"}, "is not live"),
}
