"""How cost grows: one funnel and one retention over 1 million to 300 million events, and what they hold.

Each measurement is a process of its own that asks twice. The second answer's seconds a million events stand
beside those of the smallest log and of the next smaller one; the peak memory of the largest beside 6 GB.
"""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.funnel import EVENTS, STEPS
from benchmarks.turns import PEAK, Line, MemoryLine

SIZES = (1_000_000, 10_000_000, 100_000_000, 300_000_000)  # events
ROOM = 6_000.0  # MB that the largest may hold
REPO = Path(__file__).resolve().parent.parent

ASKED = {
    "Funnel": f"cm.funnel(path, {STEPS}, window='7d').totals()",
    "Funnel by channel": f"cm.funnel(path, {STEPS}, window='7d', by='channel').totals()",
    "Retention": "cm.retention(path, unit='visitor_id', at='at', period='month', timezone='UTC')",
}
_RUN = """
import json, sys, time
import custmeasure as cm
cm.funnel, cm.retention
path, asked = sys.argv[1:]
for _ in range(2):
    start = time.perf_counter()
    eval(asked)
    seconds = time.perf_counter() - start
print(json.dumps([seconds, peak()]))
"""


def measure(rounds: int, sizes: tuple[int, ...] = SIZES) -> list[Line]:
    """Return each measure's cost an event at every size beside the smallest, and the largest's memory."""
    with TemporaryDirectory() as folder:
        paths = {n: Path(folder) / f"{n}.parquet" for n in sizes}
        for n, path in paths.items():
            duckdb.execute(EVENTS, {"n": n, "shuffled": False, "path": str(path)})
        return [line for name in ASKED for line in _of(name, paths, rounds)]


def _of(name: str, paths: dict[int, Path], rounds: int) -> list[Line]:
    sizes = list(paths)
    found = {n: [_work(path, ASKED[name]) for _ in range(rounds)] for n, path in paths.items()}
    million = {n: tuple(1e6 * seconds / n for seconds, _ in each) for n, each in found.items()}

    def beside(n: int, smaller: int, target: float | None) -> Line:
        title = f"{name}, a million of {n:,} events"
        return Line(title, "it", f"of {smaller:,}", million[n], million[smaller], target)

    lines = [beside(n, sizes[0], 1) for n in sizes[1:]]
    lines += [beside(n, before, None) for before, n in pairwise(sizes[1:])]
    peak, room = tuple(memory for _, memory in found[sizes[-1]]), (ROOM,) * rounds
    return [*lines, MemoryLine(f"{name}, {sizes[-1]:,} events", "peak", "6 GB", peak, room, 1)]


def _work(path: Path, asked: str) -> tuple[float, float]:
    """Return the seconds of the second answer, and the peak memory in MB."""
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    command = [sys.executable, "-c", PEAK + _RUN, str(path), asked]
    said = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, check=True)
    seconds, peak = json.loads(said.stdout.splitlines()[-1])
    return seconds, peak
