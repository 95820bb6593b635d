"""The fuzz target runs and finds nothing in some thousand inputs; long runs are started by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

TARGET = Path(__file__).parent / "fuzz_reader.py"

# Linux counts the peak memory of the process that starts another as the other's own (getrusage(2)),
# and libFuzzer reads it there: between the two stands a shell, which never needed much.
SMALL_PARENT = ("sh", "-c", '"$@"; exit $?', "sh")


def test_fuzzing_finds_nothing_b31():
    pytest.importorskip("atheris", reason="atheris is not here")
    command = [
        *SMALL_PARENT,
        sys.executable,
        str(TARGET),
        "-seed=1",  # the same ones each time: what is found by chance is for the long runs
        "-runs=8000",
        "-rss_limit_mb=3000",
        "-verbosity=0",
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
