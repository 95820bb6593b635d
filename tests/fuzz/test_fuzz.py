"""The fuzz target runs and finds nothing in some seconds; long runs are started by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

TARGET = Path(__file__).parent / "fuzz_reader.py"


def test_some_seconds_of_fuzzing_find_nothing_b31():
    pytest.importorskip("atheris", reason="atheris is not here")
    command = [
        sys.executable,
        str(TARGET),
        "-max_total_time=5",
        "-rss_limit_mb=3000",
        "-verbosity=0",
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
