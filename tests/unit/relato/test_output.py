"""What commands do when nobody can take what they say."""

import subprocess
import sys
from pathlib import Path

RELATO = Path(sys.executable).with_name("relato")


def test_output_that_cannot_be_written_is_said_in_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [RELATO, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr == "The output cannot be written: No space left on device.\n"


def test_who_reads_no_further_hears_nothing_of_it() -> None:
    command = [str(RELATO), "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as begun:
        assert begun.stdout is not None
        assert begun.stderr is not None
        begun.stdout.close()
        assert begun.stderr.read() == ""
    assert begun.returncode == 1
