"""What a verification of the ledger tells operators to type."""

from notifier.verify import repair
from relato_runtime.jobs import Finding


def test_a_tickets_id_is_one_word_of_the_command() -> None:
    assert repair(Finding("untold", "1001", 3)) == "relato emails tell 1001"
    assert repair(Finding("untold", "$(touch here)", 3)) == "relato emails tell '$(touch here)'"
