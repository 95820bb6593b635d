"""Monthly cohort retention beside what one writes by hand: DuckDB, chDB (ClickHouse) and Polars.

Generated events in one Parquet file, with ids that are whole numbers and with ids that are texts. Every
contender runs in a process of its own, taken in turns, and asks twice, from the file to the cells in hand:
the first time (which for us loads the compiled loops) and again. Processor time is that of all threads, the
second time; it says what a call costs where other work keeps the cores busy. Peak memory is that of the whole
process. Peers get their fastest form (one bit a month for each visitor, then counted) and months that begin
in UTC, which costs them no look at time zones. All must find the same cells.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks.turns import PEAK, Line, MemoryLine

SIZES = (10_000_000, 100_000_000)  # events
N_MONTHS = 24
REPO = Path(__file__).resolve().parent.parent

# i-th event: the time rises by equal steps; a visitor's weight falls from the first to the last.
_EVENTS = """
    COPY (
        SELECT who AS visitor_id, 'v' || lpad(who::VARCHAR, 10, '0') AS visitor_text,
               make_timestamp(1735689600000000 + CAST(i * (730 * 86400000000.0 / $n) AS BIGINT)) AS "at"
        FROM (SELECT i, pow((hash(i * 3 + 1) % 1000000007) / 1000000007.0, 1.5) AS weight
              FROM range($n) numbers(i)), LATERAL (SELECT CAST(floor(weight * ($n // 8)) AS BIGINT) AS who)
    ) TO $path (FORMAT parquet)"""

_CELLS = """
def cells(masks, counts):
    masks, counts = np.asarray(masks).astype(np.uint64), np.asarray(counts).astype(np.int64)
    first = np.zeros(len(masks), np.int64)
    bits = [(masks >> np.uint64(k)) & np.uint64(1) for k in range(24)]
    for k in reversed(range(24)):
        first[bits[k] == 1] = k
    grid = np.zeros((24, 24), np.int64)
    for k in range(24):
        grid[:, k] = np.bincount(first, counts * bits[k].astype(np.int64), 24)
    return [int(grid[c, k]) for c in range(24) for k in range(c, 24)]
"""

CODES = {
    "cm.retention": """
import custmeasure as cm
cm.retention
def work():
    frame = cm.retention(path, unit=unit, at="at", period="month", timezone="UTC").frame
    return [int(n) for n in frame["n_retained"]]
""",
    "DuckDB by hand": """
import duckdb, numpy as np
def work():
    rows = duckdb.sql(
        'SELECT bits, count(*) AS n FROM (SELECT bit_or(1::BIGINT << datediff(\\'month\\', '
        'TIMESTAMP \\'2025-01-01\\', "at")) AS bits FROM read_parquet($path) GROUP BY ' + unit + ') '
        'GROUP BY bits',
        params={"path": path}).fetchnumpy()
    return cells(rows["bits"], rows["n"])
""",
    "chDB": """
import chdb, io, numpy as np, pyarrow as pa
def work():
    rows = chdb.query(
        "SELECT bits, count() AS n FROM (SELECT groupBitOr(bitShiftLeft(toUInt64(1), "
        "toRelativeMonthNum(at) - toRelativeMonthNum(toDateTime('2025-01-01', 'UTC')))) AS bits "
        "FROM file('" + path + "', Parquet) GROUP BY " + unit + ") GROUP BY bits "
        "SETTINGS session_timezone = 'UTC'", "ArrowStream")
    table = pa.ipc.open_stream(io.BytesIO(rows.bytes())).read_all()
    return cells(table[0].to_numpy(), table[1].to_numpy())
""",
    "Polars": """
import polars as pl, numpy as np
def work():
    month = (pl.col("at").dt.year().cast(pl.Int64) - 2025) * 12 + pl.col("at").dt.month() - 1
    rows = (pl.scan_parquet(path).select(unit, bits=pl.lit(1, dtype=pl.Int64) * 2 ** month)
            .group_by(unit).agg(pl.col("bits").bitwise_or()).group_by("bits").len()
            .collect(engine="streaming"))
    return cells(rows["bits"].to_numpy(), rows["len"].to_numpy())
""",
}
_RUN = """
import hashlib, json, sys, time
import numpy as np
path, unit = sys.argv[1:3]
{cells}
{code}
seconds = []
for _ in range(2):
    start, busy = time.perf_counter(), time.process_time()
    found = work()
    seconds += [time.perf_counter() - start, time.process_time() - busy]
print(json.dumps([*seconds, peak(), hashlib.sha256(repr(found).encode()).hexdigest()]))
"""


def measure(
    rounds: int, sizes: tuple[int, ...] = SIZES, peers: tuple[str, ...] | None = None
) -> list[Line]:
    """Return ours beside each peer that is installed: time and memory, for both kinds of ids."""
    present = peers or tuple(name for name in CODES if _installed(name))
    return [line for n_events in sizes for line in _of_size(n_events, rounds, present)]


def _of_size(n_events: int, rounds: int, present: tuple[str, ...]) -> list[Line]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        duckdb.execute(_EVENTS, {"n": n_events, "path": str(path)})
        return [
            line
            for unit, said in (("visitor_id", "whole numbers"), ("visitor_text", "texts"))
            for line in _lines(
                path, unit, f"Retention of {n_events:,} events, ids are {said}", rounds, present
            )
        ]


def _installed(name: str) -> bool:
    module = {"chDB": "chdb", "Polars": "polars"}.get(name, "duckdb")
    return find_spec(module) is not None


def _lines(path: Path, unit: str, name: str, rounds: int, present: tuple[str, ...]) -> list[Line]:
    seen: dict[str, list[tuple[float, ...]]] = {each: [] for each in present}
    _whole_process("cm.retention", path, unit)  # compiles, where this machine never ran it
    answers = set()
    for _ in range(rounds):
        for each in present:
            *measured, answer = _whole_process(each, path, unit)
            seen[each].append(tuple(measured))
            answers.add(answer)
    if len(answers) != 1:
        raise SystemExit(f"Not the same cells: {name}.")
    ours, *peers = present
    best = min(peers, key=lambda each: median(run[2] for run in seen[each]))
    lines: list[Line] = []
    for peer in peers:
        first, again, busy, peak = (
            [tuple(run[i] for run in seen[each]) for each in (ours, peer)] for i in (0, 2, 3, 4)
        )
        # At most as long as the fastest peer.
        lines.append(Line(name, ours, peer, *again, target=1.0 if peer == best else None))
        lines.append(Line(f"{name}, first time", ours, peer, *first))
        lines.append(Line(f"{name}, processor time", ours, peer, *busy))
        lines.append(MemoryLine(f"{name}, peak memory", ours, peer, *peak))
    return lines


def _whole_process(name: str, path: Path, unit: str) -> tuple[Any, ...]:
    """Return what one process said.

    Seconds and processor time of the first call and of the second, peak memory in MB, and what tells the
    cells apart.
    """
    code = PEAK + _RUN.format(cells=_CELLS, code=CODES[name])
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), unit],
        cwd=REPO, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Print the comparisons; return 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.retention", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    lines = measure(given.rounds, tuple(given.events))
    print(*lines, sep="\n")
    return int(any(line.missed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
