"""The strict reader beside readers that check nothing.

``pandas.read_csv`` on a generated CSV of 10 million events (about 1 GB), each in a process of its own: wall
time and peak memory. openpyxl's bare read-only iteration over 100,000 rows, in this process.
"""

import datetime as dt
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import openpyxl

from benchmarks.turns import Line, MemoryLine, in_turns, seconds
from custmeasure.shop.reader import delivered_columns, read_source, spec_for
from custmeasure.shop.settings import Settings

N_EVENTS, N_ORDERS = 10_000_000, 100_000
REPO = Path(__file__).resolve().parent.parent

OURS = """
import sys
from custmeasure.shop.reader import delivered_columns, read_source, spec_for
from custmeasure.shop.settings import Settings
columns = delivered_columns(sys.argv[1])
reading = read_source(sys.argv[1], spec_for("events", {}, Settings("shop"), columns))
print(reading.accounts[0].n_used, reading.table.num_rows)
"""
PANDAS = "import sys, pandas; n = len(pandas.read_csv(sys.argv[1])); print(n, n)"

_EVENTS = """
    COPY (
        SELECT 'v' || lpad((hash(i) % 1200000)::VARCHAR, 8, '0') AS visitor_id,
               strftime(TIMESTAMP '2025-11-01' + to_microseconds(i * 3100000), '%Y-%m-%d %H:%M:%S') AS "at",
               ['visit', 'view_product', 'add_to_cart', 'begin_checkout', 'purchase'][
                   1 + (hash(i * 7) % 5)::INT] AS "event",
               'e' || lpad(i::VARCHAR, 10, '0') AS event_id,
               's' || lpad((hash(i) % 3000000)::VARCHAR, 9, '0') AS session_id,
               '/product/' || (hash(i * 3) % 400)::VARCHAR AS page,
               ['naver_search', 'naver_shopping', 'instagram', 'kakao', 'direct', 'referral'][
                   1 + (hash(i * 5) % 6)::INT] AS channel,
               ['mobile', 'desktop', 'tablet'][1 + (hash(i * 11) % 3)::INT] AS device
        FROM range($n) numbers(i)
    ) TO $path (HEADER, FORMAT csv)"""


def measure(rounds: int, n_events: int = N_EVENTS, n_orders: int = N_ORDERS) -> list[Line]:
    """Return the three comparisons."""
    with TemporaryDirectory() as folder:
        return [*_csv(Path(folder), rounds, n_events), _excel(Path(folder), rounds, n_orders)]


def _csv(folder: Path, rounds: int, n_events: int) -> list[Line]:
    path = folder / "events.csv"
    duckdb.execute("SET enable_progress_bar = false")
    duckdb.execute(_EVENTS, {"n": n_events, "path": str(path)})
    os.sync()  # what is still being written would disturb both
    _whole_process(OURS, path, n_events)  # the first run compiles
    peaks: dict[str, list[float]] = {OURS: [], PANDAS: []}

    def timed(code: str) -> Callable[[], float]:
        def run() -> float:
            wall, peak = _whole_process(code, path, n_events)
            peaks[code].append(peak)
            return wall

        return run

    walls = in_turns(timed(OURS), timed(PANDAS), rounds)
    name = f"CSV of {n_events:,} events"
    names = ("read_source, every check on", "pandas.read_csv")
    memory = (tuple(peaks[OURS]), tuple(peaks[PANDAS]))
    return [
        Line(name, *names, *walls, target=1.5),
        MemoryLine(f"{name}, peak memory", *names, *memory, target=0.5),
    ]


def _whole_process(code: str, path: Path, n_events: int) -> tuple[float, float]:
    """Return the wall time and the peak memory (MB) of a process that reads the file."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=REPO, stdout=subprocess.PIPE, text=True
    )
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or said.split() != [str(n_events)] * 2:
        raise SystemExit(f"Not every event was read: {said!r}, exit {process.returncode}.")
    return wall, usage.ru_maxrss / 1024


def _excel(folder: Path, rounds: int, n_orders: int) -> Line:
    path = folder / "orders.xlsx"
    _write_orders(path, n_orders)
    spec = spec_for("orders", {}, Settings("shop"), delivered_columns(path))

    def ours() -> None:
        if read_source(path, spec).accounts[0].n_used != n_orders:
            raise SystemExit("Not every order was read.")

    def bare() -> None:
        workbook = openpyxl.load_workbook(path, read_only=True)
        for _ in workbook.active.iter_rows(values_only=True):
            pass
        workbook.close()

    times = in_turns(lambda: seconds(ours), lambda: seconds(bare), rounds)
    names = ("read_source, every check on", "openpyxl, read-only, values only")
    return Line(f"Excel of {n_orders:,} rows", *names, *times, target=1.2)


def _write_orders(path: Path, n_orders: int) -> None:
    draw = random.Random(20261122)
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("orders")
    sheet.append(["order_id", "customer_id", "at", "amount", "status", "channel", "coupon",
                  "discount_amount"])  # fmt: skip
    start = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - a cell has no zone
    for i in range(n_orders):
        at = start + dt.timedelta(seconds=90 * i)
        status, channel = draw.choice(["결제완료", "배송중"]), draw.choice(["네이버", "카카오"])
        coupon = None if i % 5 else "WELCOME"
        sheet.append([f"2026{i:08d}", f"c{draw.randrange(30_000)}", at, draw.randrange(1000, 90_000),
                      status, channel, coupon, draw.randrange(3000)])  # fmt: skip
    workbook.save(path)
