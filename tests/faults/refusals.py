"""Pure: which refusals a client may hear, by what was asked before about the same record."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tests.faults.load import Load, Told
from tests.faults.plan import ABOUT, COMMENTER, Step

_STATUS = {
    "not-permitted": 403,
    "already-retracted": 409,
    "already-released": 409,
    "version-conflict": 412,
    "invalid": 422,
}
_AFTER_A_LOSS = {"occurrence-not-found": 404}
_LEAST_SHARE = 0.5
"""Of the load that is acknowledged at least: who refuses everything keeps every promise."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a record may stand."""

    visible: bool
    held: bool = False
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What may be answered."""

    codes: frozenset[str]
    """Of refusals."""
    may_succeed: bool


def violations(load: Load) -> Iterator[str]:
    """Refusals that nothing explains, what should have been refused, and too little that was promised."""
    kept = load.number("acknowledged") + load.number("lost")
    if kept < _LEAST_SHARE * load.size:
        yield f"only {kept} of {load.size} commands were acknowledged"
    expected = dict(_expected(load))
    for place, told in enumerate(load.told):
        may = expected.get(place, Answers(frozenset(), may_succeed=True))
        step, lost = told.step, _lost_something(load, told.ticket_id)
        if told.outcome == "refused":
            # With a backup went what a client knows: records, versions, how far a ticket goes.
            explained = told.code in may.codes or (lost and step.kind in {*ABOUT, "view"})
            known = _STATUS | (_AFTER_A_LOSS if lost else {})
            if not explained or known.get(told.code) != told.status:
                yield f"{step.kind} {step.token} was refused with {told.status} {told.code}"
        elif told.outcome == "acknowledged" and not may.may_succeed and not lost:
            yield f"{step.kind} {step.token} was acknowledged instead of {' or '.join(sorted(may.codes))}"


def _expected(load: Load) -> Iterator[tuple[int, Answers]]:
    """Of each that was told, by its place, what may be answered; whatever is not named may only succeed."""
    records: defaultdict[str, list[tuple[int, Told]]] = defaultdict(list)
    for place, told in enumerate(load.told):
        step = told.step
        if step.kind == "record" or step.about is not None:
            records[step.about or step.token].append((place, told))
        elif step.person == COMMENTER and step.kind in {"message", "chat", "nonsense"}:
            yield place, Answers(frozenset({"not-permitted"}), may_succeed=False)
        elif step.kind == "nonsense":
            yield place, Answers(frozenset({"invalid"}), may_succeed=False)
    for (_, record), *about in records.values():
        yield from _about(record.step, about)


def _about(record: Step, about: Sequence[tuple[int, Told]]) -> Iterator[tuple[int, Answers]]:
    """Follow a record through what was asked about it; the unknown was done at any time, or not."""
    standing = _reached({Standing(record.visible and not record.hold, bool(record.hold))}, ())
    ever = set(standing)
    doubted: list[Step] = []
    for place, told in about:
        step = told.step
        if told.was_unknown:
            doubted.append(step)
        else:
            yield place, _answers(step, standing, moved=bool(record.hold or doubted))
            if told.outcome == "acknowledged":
                standing = {_after(step, each) for each in standing if _refusal(step, each) is None}
        standing = _reached(standing, doubted)
        ever |= standing
    for place, told in about:
        if told.was_unknown:
            yield place, _answers(told.step, ever, moved=True)


def _answers(step: Step, standing: Collection[Standing], *, moved: bool) -> Answers:
    """``moved``: the record may have another version than the one that its author knows."""
    refusals = {_refusal(step, each) for each in standing}
    conflict = {"version-conflict"} if moved and step.given == "known" else set[str]()
    codes = conflict | {code for code in refusals if code is not None}
    return Answers(frozenset(codes), may_succeed=None in refusals)


def _refusal(step: Step, record: Standing) -> str | None:
    if step.given == "stale":
        return "version-conflict"
    if record.retracted:
        return "already-retracted"
    if step.kind == "undo" and not record.held:
        return "already-released"
    wanted = {"show": True, "hide": False}.get(step.kind)
    return "invalid" if wanted == record.visible and not record.held else None


def _after(step: Step, record: Standing) -> Standing:
    match step.kind:
        case "retract" | "undo":
            return Standing(visible=False, retracted=True)
        case "show" | "hide":
            return Standing(visible=step.kind == "show")
        case _:
            return record


def _reached(standing: Collection[Standing], doubted: Collection[Step]) -> set[Standing]:
    """What these may have become by time alone, and by what may have been done."""
    found = set(standing)
    while True:
        more = {Standing(visible=True) for each in found if each.held}
        more |= {_after(step, each) for step in doubted for each in found if _refusal(step, each) is None}
        if more <= found:
            return found
        found |= more


def _lost_something(load: Load, ticket_id: str) -> bool:
    return any(each.outcome == "lost" and each.ticket_id == ticket_id for each in load.told)
