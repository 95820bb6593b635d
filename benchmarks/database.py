"""A million orders read from a PostgreSQL on this machine beside ``pandas.read_sql`` over the same driver.

Ours checks every value and counts the rows in the database as well; each reads in a fresh process, so
that its largest memory can be told. Nothing is measured where there is no PostgreSQL server.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.turns import Line, in_turns
from tests.engine.postgres import Server, bin_folder

N_ORDERS = 1_000_000
ORDERS = """
    CREATE TABLE orders AS
    SELECT lpad(g::text, 10, '0') AS order_id, (g % 50000)::text AS customer_id,
           timestamptz '2026-01-01 00:00Z' + g * interval '7 seconds' AS at,
           ((g % 1000) * 12.5)::numeric(12, 2) AS amount, 'paid' AS status, repeat('x', 40) AS memo
    FROM generate_series(1, 1000000) AS g"""
OURS = """
from custmeasure.engine.database import database_table, open_database
source = open_database("shop_db", {"uri_env": "SHOP_DB_URL"}, os.environ)
columns = {name: name for name in ("order_id", "customer_id", "at", "amount", "status")}
kinds = {"at": "instant", "amount": "number"}
def read():
    return database_table(source, "orders", columns, kinds, required=["order_id", "at"]).n_used
"""
PEER = """
import pandas as pd
from adbc_driver_postgresql import dbapi
def read():
    with dbapi.connect(os.environ["SHOP_DB_URL"]) as connection:
        sql = "SELECT order_id, customer_id, at, amount, status FROM orders"
        return len(pd.read_sql(sql, connection).astype({"amount": float}))
"""
TIMED = """
import json, os, resource, time
{code}
start = time.perf_counter()
n = read()
seconds = time.perf_counter() - start
print(json.dumps([n, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measure(rounds: int) -> list[Line]:
    """Return the comparison, its peak memory in the name; nothing where there is no server."""
    if bin_folder() is None:
        return []
    peaks: dict[str, float] = {}
    with _orders() as address:
        times = in_turns(
            lambda: _read("ours", OURS, address, peaks),
            lambda: _read("peer", PEER, address, peaks),
            rounds,
        )
    memory = f"peak {peaks['ours']:.0f} MB ÷ {peaks['peer']:.0f} MB"
    name = f"{N_ORDERS:,} orders from PostgreSQL ({memory})"
    return [Line(name, "database_table", "pandas.read_sql", *times)]


@contextmanager
def _orders() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="custmeasure-postgres-"))
    programs = bin_folder()
    server = Server(programs, folder)  # type: ignore[arg-type]
    try:
        server.make()
        server.run(ORDERS, "VACUUM ANALYZE orders")
        server.run("CREATE ROLE reader LOGIN PASSWORD 'reader'", "GRANT SELECT ON orders TO reader")
        yield f"postgresql://reader:reader@127.0.0.1:{server.port}/postgres"
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _read(who: str, code: str, address: str, peaks: dict[str, float]) -> float:
    command = [sys.executable, "-c", TIMED.format(code=code)]
    environ = {**os.environ, "SHOP_DB_URL": address}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout
    n, seconds, peak = json.loads(said)
    if n != N_ORDERS:
        raise ValueError(f"{who} read {n} rows")
    peaks[who] = max(peak, peaks.get(who, 0))
    return float(seconds)
