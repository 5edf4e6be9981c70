"""What a verification found may have been written by anybody, and a repair is pasted into a shell."""

import subprocess
from pathlib import Path

import pytest
from notes.operating.repairs import repair
from relato_runtime.jobs import Finding

_TOOLS = """
say() { printf '%s\\n' "$@" >> said; }
psql() { say "$@"; }
relato() { say "$@"; }
"""
IDS = ["1001", "x'; DROP TABLE events; --", "$(touch here)", "`touch here`", '"; touch here; "', "a!b\\"]


@pytest.mark.parametrize("ticket_id", IDS)
@pytest.mark.parametrize("kind", ["missing", "hole", "stream", "forged", "rewritten", "cut"])
def test_a_tickets_id_is_one_word_of_the_command_or_one_literal_of_its_sql(
    kind: str, ticket_id: str, tmp_path: Path
) -> None:
    command = repair(Finding(kind, ticket_id, 3))
    assert command is not None
    subprocess.run(["bash", "-c", _TOOLS + command], cwd=tmp_path, check=True)
    said = (tmp_path / "said").read_text()
    literal = "ticket_id = '" + ticket_id.replace("'", "''") + "'"
    assert literal in said or ticket_id in said.splitlines()
    assert not (tmp_path / "here").exists()
