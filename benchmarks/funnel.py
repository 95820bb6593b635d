"""``funnel`` beside chDB's ``windowFunnel`` (embedded ClickHouse) and beside a bare scan of its columns.

Four steps, seven days, overall and by the channel of the entry, on Parquet sorted by time and shuffled. Each
runs in a process of its own, in turns, and says how long its first call and one more took and how much memory
the process held at most. Imports, which `imports` measures, are not counted; the first call still loads what
is loaded when first used, ours the compiled kernel from numba's cache, and has a line of its own.
chDB runs in the fastest form that was found: no nullable columns, seconds instead of microseconds, and the
four steps filtered before they are grouped. All must count the same visitors.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.turns import PEAK, Line, MemoryLine

SIZES = (10_000_000, 100_000_000)  # events
Numbers = tuple[float, ...]
REPO = Path(__file__).resolve().parent.parent

# A visitor does twelve things in 90 days, half of them steps; whole seconds, so that all tools see the same.
EVENTS = """
    COPY (
        SELECT CAST(hash(i * 3) % ($n // 12) AS BIGINT) AS visitor_id,
               TIMESTAMP '2026-01-01' + to_seconds(i * 7776000 // $n) AS "at",
               ['session_start', 'session_start', 'session_start', 'view_product', 'view_product',
                'add_to_cart', 'purchase', 'search', 'search', 'scroll', 'scroll', 'scroll'][
                   1 + CAST(hash(i * 7) % 12 AS INT)] AS event,
               ['naver_search', 'naver_shopping', 'instagram', 'kakao', 'direct', 'referral'][
                   1 + CAST(hash(i * 5) % 6 AS INT)] AS channel
        FROM range($n) numbers(i) ORDER BY CASE WHEN $shuffled THEN hash(i) ELSE 0 END
    ) TO $path (FORMAT parquet, ROW_GROUP_SIZE 1000000)"""

_SAID = """
import json, sys, time
path, by = sys.argv[1], sys.argv[2]
{imports}
times = []
for _ in range(2):
    start = time.perf_counter()
    {work}
    times.append(time.perf_counter() - start)
print(json.dumps([*times, peak(), counts]))
"""
STEPS = "['session_start', 'view_product', 'add_to_cart', 'purchase']"
OURS = _SAID.format(
    imports="from custmeasure.measure.funnel import funnel",
    work=f"counts = funnel(path, {STEPS}, window='7d', by=by or None).totals()",
)
CHDB = _SAID.format(
    imports="""
import chdb
source = f"file('{path}', Parquet, 'visitor_id Int64, at DateTime64(6), event String, channel String')"
steps = ("session_start", "view_product", "add_to_cart", "purchase")
conditions = ", ".join(f"event = '{step}'" for step in steps)
first = ", argMin(channel, at) AS segment" if by else ""
group = "segment, level" if by else "level"
asked = (f"SELECT {group}, count() FROM (SELECT windowFunnel(604800)(toDateTime(at), {conditions}) AS level"
    f"{first} FROM {source} WHERE event IN {steps} GROUP BY visitor_id) GROUP BY {group}")
def reached():
    levels = str(chdb.query(asked, "CSV"))
    rows = [[int(cell) for cell in line.split(",")[-2:]] for line in levels.split()]
    return [sum(n for level, n in rows if level > k) for k in range(4)]""",
    work="counts = reached()",
)
SCAN = _SAID.format(
    imports="""
import duckdb
columns = 'sum(visitor_id), max("at"), max(event)' + (", max(channel)" if by else "")
counts = None""",
    work="""duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()""",
)


def measure(rounds: int, sizes: tuple[int, ...] = SIZES) -> list[Line]:
    """Return the comparisons at every size; those with chDB where it is installed."""
    return [line for n_events in sizes for line in _of_size(n_events, rounds)]


def _of_size(n_events: int, rounds: int) -> list[Line]:
    with TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.parquet" for name in ("sorted", "shuffled")}
        for name, path in files.items():
            asked = {"n": n_events, "shuffled": name == "shuffled", "path": str(path)}
            duckdb.execute(EVENTS, asked)
        return [
            line
            for name, by in (("sorted", ""), ("sorted", "channel"), ("shuffled", ""))
            for line in _beside(files[name], by, f"{name}, {n_events:,} events", rounds)
        ]


def _beside(path: Path, by: str, what: str, rounds: int) -> list[Line]:
    title = f"Funnel{' by ' + by if by else ''} ({what})"
    _work(OURS, path, by)  # the first run ever compiles
    ours, scan = _in_turns(OURS, SCAN, path, by, rounds)
    lines = [
        Line(title, "cm.funnel", "bare DuckDB scan of its columns", ours[1], scan[1], target=3)
    ]
    if importlib.util.find_spec("chdb") is None:
        return lines
    if _work(OURS, path, by)[3] != _work(CHDB, path, by)[3]:
        raise SystemExit("Not the same visitors.")
    ours, chdb = _in_turns(OURS, CHDB, path, by, rounds)
    names = ("cm.funnel", "chDB windowFunnel")
    return [
        *lines,
        Line(title, *names, ours[1], chdb[1], target=0.6),
        Line(f"{title}, first time", *names, ours[0], chdb[0]),
        MemoryLine(f"{title}, peak memory", *names, ours[2], chdb[2], target=0.5),
    ]


def _in_turns(
    ours: str, theirs: str, path: Path, by: str, rounds: int
) -> tuple[list[Numbers], list[Numbers]]:
    """Return (first seconds, seconds again, megabytes) of each, a number a round."""
    pairs = [(_work(ours, path, by)[:3], _work(theirs, path, by)[:3]) for _ in range(rounds)]
    left, right = (list(zip(*side, strict=True)) for side in zip(*pairs, strict=True))
    return left, right


def _work(code: str, path: Path, by: str) -> tuple[float, float, float, list[int] | None]:
    """Return what a process says: seconds, seconds again, its peak memory in MB, and what it counted."""
    command = [sys.executable, "-c", PEAK + code, str(path), by]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    said = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, check=True)
    first, again, peak, counts = json.loads(said.stdout.splitlines()[-1])
    return first, again, peak, counts


def main() -> int:
    """Print the comparisons for as many events as asked for; return 1 when a target was missed."""
    lines = measure(3, tuple(int(float(n)) for n in sys.argv[1:]) or SIZES)
    print(*lines, sep="\n")
    return int(any(line.missed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
