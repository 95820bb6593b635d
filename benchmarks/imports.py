"""``import custmeasure`` beside ``import pandas``, each in a fresh process."""

import subprocess
import sys

from benchmarks.turns import Line, in_turns

TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
PANDAS = "import pandas"


def measure(rounds: int) -> list[Line]:
    """Return the import alone, and the import with the first measure loaded."""
    return [
        _line("Import", "import custmeasure", rounds, target=1.5),
        _line("Import and first measure", "import custmeasure; custmeasure.funnel", rounds),
    ]


def _line(name: str, code: str, rounds: int, target: float | None = None) -> Line:
    _fresh(code), _fresh(PANDAS)  # the files are read from the disk before anything is timed
    times = in_turns(lambda: _fresh(code), lambda: _fresh(PANDAS), rounds)
    return Line(name, code, PANDAS, *times, target=target)


def _fresh(code: str) -> float:
    """Return the seconds that ``code`` takes in a new interpreter, its start not counted."""
    command = [sys.executable, "-c", TIMED.format(code)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
