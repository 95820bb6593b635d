"""A test of four metrics with covariates from a table of 10 and 100 million units, beside tea-tasting.

Both read the same Parquet file and answer the same question: two means and two ratios, each adjusted by
what was known before, with p-values that must agree. tea-tasting runs over Ibis and DuckDB in an
environment of its own, which this makes. *Warm* is one more analysis in a process that has already done
one; *cold* is a whole process, imports included, on the smaller file. Last, one metric from its sufficient
statistics alone.
"""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from benchmarks.turns import Line, in_turns
from custmeasure.stats import Columns, Joint, compare

SIZES = (10_000_000, 100_000_000)
REPO = Path(__file__).resolve().parent.parent
PEER = ("tea-tasting==1.14.0", "ibis-framework[duckdb]==12.0.0")
WARM = 3  # analyses of one process; the first does not count
QUICK_ENOUGH = 200e-6  # seconds for one metric from sufficient statistics

OURS = """
import json, sys, time
from custmeasure import UnitMetric, copy_test_from_units
metrics = {
    "orders": UnitMetric("orders", before="orders_before"),
    "revenue": UnitMetric("revenue", before="revenue_before"),
    "orders_per_session": UnitMetric("orders", "sessions", "orders_before", "sessions_before"),
    "revenue_per_session": UnitMetric("revenue", "sessions", "revenue_before", "sessions_before"),
}
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    seen = copy_test_from_units(sys.argv[1], metrics)
    times.append(time.perf_counter() - start)
p_values = {row["metric"]: row["p_value"] for row in seen.records("metrics")}
print(json.dumps({"times": times, "p_values": p_values}))
"""

THEIRS = """
import json, sys, time
import ibis
import tea_tasting as tt
test = tt.Experiment(
    orders=tt.Mean("orders", covariate="orders_before"),
    revenue=tt.Mean("revenue", covariate="revenue_before"),
    orders_per_session=tt.RatioOfMeans(
        "orders", "sessions", numer_covariate="orders_before", denom_covariate="sessions_before"),
    revenue_per_session=tt.RatioOfMeans(
        "revenue", "sessions", numer_covariate="revenue_before", denom_covariate="sessions_before"),
)
times = []
table = ibis.connect("duckdb://").read_parquet(sys.argv[1])
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    seen = test.analyze(table)
    times.append(time.perf_counter() - start)
print(json.dumps({"times": times, "p_values": {name: seen[name].pvalue for name in seen}}))
"""

_UNITS = """
    COPY (
        SELECT i AS unit, (hash(i) % 2)::TINYINT AS variant,
               (1 + hash(i * 7) % 5)::SMALLINT AS sessions,
               ((hash(i * 11) % 4 = 0)::SMALLINT * (1 + hash(i * 13) % 3))::SMALLINT AS orders,
               (hash(i * 11) % 4 = 0)::DOUBLE * (hash(i * 17) % 100000) / 100 AS revenue,
               (1 + hash(i * 7 + 1) % 5)::DOUBLE AS sessions_before,
               ((hash(i * 11) % 4 = 0)::SMALLINT + hash(i * 23) % 3)::DOUBLE AS orders_before,
               (hash(i * 11) % 4 = 0)::DOUBLE * (hash(i * 17) % 100000) / 130
                   + hash(i * 29) % 1000 / 10 AS revenue_before
        FROM range($n) numbers(i)
    ) TO $path (FORMAT parquet)"""

Run = Callable[[int], tuple[float, list[float], dict[str, float]]]


def measure(rounds: int, sizes: tuple[int, ...] = SIZES) -> list[Line]:
    """Return the comparisons: warm at every size, cold at the smallest, and one metric alone."""
    with TemporaryDirectory(prefix="custmeasure-copy-test-") as folder:
        peer = _peer(Path(folder) / "peer")
        lines = []
        for n in sizes:
            path = Path(folder) / f"units_{n}.parquet"
            duckdb.execute(_UNITS, {"n": n, "path": str(path)})
            ours, theirs = _process(sys.executable, OURS, path), _process(peer, THEIRS, path)
            _agree(ours, theirs)
            lines.append(_warm(n, ours, theirs, rounds))
            if n == min(sizes):
                lines.append(_cold(n, ours, theirs, rounds))
            path.unlink()
    return [*lines, _one_metric()]


def _peer(folder: Path) -> str:
    """Make an environment with tea-tasting on the same DuckDB; return its Python."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    packages = [*PEER, f"duckdb=={version('duckdb')}", f"pyarrow=={version('pyarrow')}"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def _process(python: str, code: str, path: Path) -> Run:
    """Return what runs ``code`` in a process: its wall time, its analyses' times, its p-values."""
    # Both keep what Python compiled, as in any process but the first.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run(n_analyses: int) -> tuple[float, list[float], dict[str, float]]:
        start = time.perf_counter()
        done = subprocess.run(
            [python, "-c", code, str(path), str(n_analyses)],
            cwd=REPO, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        wall = time.perf_counter() - start
        said = json.loads(done.stdout.splitlines()[-1])  # after any progress bar
        return wall, said["times"], said["p_values"]

    return run


def _agree(ours: Run, theirs: Run) -> None:
    """Stop when the two do not say the same; the run also compiles and fills the file cache."""
    a, b = ours(1)[2], theirs(1)[2]
    if a.keys() != b.keys() or not np.allclose([a[k] for k in b], list(b.values()), rtol=1e-6):
        raise SystemExit(f"The p-values differ: {a} and {b}.")


def _warm(n: int, ours: Run, theirs: Run, rounds: int) -> Line:
    def later(run: Run) -> Callable[[], float]:
        return lambda: float(np.median(run(WARM)[1][1:]))

    times = in_turns(later(ours), later(theirs), rounds)
    return Line(f"Test of {n:,} units, warm", *_NAMES, *times, target=0.8)


def _cold(n: int, ours: Run, theirs: Run, rounds: int) -> Line:
    times = in_turns(lambda: ours(1)[0], lambda: theirs(1)[0], rounds)
    return Line(f"Test of {n:,} units, whole process", *_NAMES, *times, target=0.35)


_NAMES = ("copy_test_from_units", "tea-tasting over Ibis and DuckDB")


class QuickLine(Line):
    """A comparison with a fixed time, in microseconds."""

    def __str__(self) -> str:
        took = 1e6 * float(np.median(self.ours_seconds))
        return f"{self.name}: {took:.0f} µs (target ≤ {1e6 * QUICK_ENOUGH:.0f} µs)"


def _one_metric(times: int = 2000) -> Line:
    """Measure one metric with its covariate from sufficient statistics: interval, ratio and p-value."""
    rng = np.random.default_rng(1)
    arms = [Joint.from_values(*rng.gamma(2, 1, (2, 1000))) for _ in range(2)]
    columns = Columns(covariate=1)
    walls = []
    for _ in range(9):
        start = time.perf_counter()
        for _ in range(times):
            compare(arms[0], arms[1], columns)
        walls.append((time.perf_counter() - start) / times)
    name = "One metric with a covariate from sufficient statistics"
    return QuickLine(name, "compare", "200 µs", tuple(walls), (QUICK_ENOUGH,) * 9, target=1.0)


def main() -> int:
    """Print the comparisons; return 1 when a target was missed."""
    sizes = SIZES[:1] if "--quick" in sys.argv else SIZES
    lines = measure(rounds=1 if "--quick" in sys.argv else 5, sizes=sizes)
    print(*lines, sep="\n")
    return int(any(line.missed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
