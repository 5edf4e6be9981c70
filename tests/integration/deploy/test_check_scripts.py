"""The check of scripts' types on a machine without node."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / "deploy" / "check-scripts"


@pytest.mark.parametrize(("ci", "code"), [({}, 0), ({"CI": "true"}, 1)])
def test_without_node_it_says_that_nothing_was_checked_and_fails_in_ci(
    tmp_path: Path, ci: dict[str, str], code: int
) -> None:
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    ran = subprocess.run(
        [CHECK], check=False, env={"PATH": str(tmp_path), **ci}, capture_output=True, text=True
    )
    assert ran.returncode == code
    assert "were NOT checked" in ran.stderr
