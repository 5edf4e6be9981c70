"""How `relato people erase` tells what is still to go from what was said on somebody's tickets since."""

from typing import Any

from relato.commands.people import left_over, said_since


def held(**numbers: int) -> dict[str, Any]:
    """What services hold; notes' tables, and with two underscores those of a generation."""
    items = [
        {"service": "history-projector" if "__" in name else "notes", "name": name.replace("__", ".")}
        | {"number": number}
        for name, number in numbers.items()
    ]
    return {"person_id": "ana", "items": items}


def test_what_the_log_has_afterwards_is_no_reason_to_wait_for_the_histories() -> None:
    since = held(events=3, drafts=0, history_1__ticket_entries=3, history_2__ticket_entries=2)
    assert (left_over(since), said_since(since)) == (0, 3)


def test_what_the_histories_have_beyond_the_log_is_still_to_go() -> None:
    assert left_over(held(events=3, history_1__ticket_entries=5)) == 2
    assert left_over(held(events=0, history_1__ticket_entries=5)) == 5


def test_anything_else_is_still_to_go_whatever_was_said_since() -> None:
    assert left_over(held(events=3, drafts=1, history_1__occurrences=2)) == 3
