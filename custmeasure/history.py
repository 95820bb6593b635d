"""What earlier runs saw: every table that was delivered and its rows by day, in one SQLite file.

A run reads what the runs before it saw, and adds what it saw itself in one transaction: either all
of a run is in the file or nothing. The file's version is in its ``user_version``; an older one is
copied aside and brought up to date, a newer or broken one is refused by name.
"""

import datetime as dt
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custmeasure.errors import EnvironmentProblem

FILE = "history.sqlite"
HISTORY = "CUSTMEASURE_HISTORY"  # the environment variable by which a run names its own file
VERSION = 1
_PATIENCE = 30.0  # seconds to wait for another run that writes

_SCHEMA = """
    CREATE TABLE deliveries (
        run_id TEXT NOT NULL, report_date TEXT NOT NULL, table_name TEXT NOT NULL,
        file TEXT NOT NULL, sha256 TEXT NOT NULL, n_rows INTEGER NOT NULL,
        columns TEXT NOT NULL, last_at TEXT,
        PRIMARY KEY (run_id, table_name));
    CREATE TABLE days (
        run_id TEXT NOT NULL, table_name TEXT NOT NULL, day TEXT NOT NULL, n_rows INTEGER NOT NULL,
        PRIMARY KEY (run_id, table_name, day));
    CREATE INDEX deliveries_by_table ON deliveries (table_name, report_date);
"""

_ADD = "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_DAY = "INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?)"
_PAST = """
    SELECT run_id, report_date, table_name, file, sha256, n_rows, columns, last_at
    FROM deliveries WHERE table_name = ? AND report_date < ? ORDER BY report_date, run_id"""
_DAYS = "SELECT day, n_rows FROM days WHERE run_id = ? AND table_name = ? ORDER BY day"


@dataclass(frozen=True)
class Delivery:
    """One table as one run found it.

    Attributes
    ----------
    table, file, sha256
        The table's name, its file's name and that file's SHA-256.
    n_rows
        Rows used.
    columns
        Their names, in the file's order.
    last_at
        The last instant in it (ISO, the shop's wall clock), or None.
    days
        (day, rows) of its last weeks; empty for tables without a clock.
    run_id, report_date
        Which run, and the day of its report.
    """

    table: str
    file: str
    sha256: str
    n_rows: int
    columns: tuple[str, ...]
    last_at: str | None = None
    days: tuple[tuple[str, int], ...] = ()
    run_id: str = ""
    report_date: str = ""


class History:
    """The record of earlier runs, kept at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def past(self, table: str, before: dt.date) -> list[Delivery]:
        """Return the deliveries of ``table`` by reports of earlier days, the oldest first."""
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(_PAST, (table, before.isoformat())).fetchall()
            return [self._delivery(connection, row) for row in rows]

    def add(self, run_id: str, report_date: dt.date, deliveries: Sequence[Delivery]) -> None:
        """Record what a run saw, all of it or nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection, connection:
            for each in deliveries:
                row = (
                    run_id, report_date.isoformat(), each.table, each.file, each.sha256,
                    each.n_rows, "\n".join(each.columns), each.last_at,
                )  # fmt: skip
                connection.execute(_ADD, row)
                days = [(run_id, each.table, day, n) for day, n in each.days]
                connection.executemany(_ADD_DAY, days)

    def _delivery(self, connection: sqlite3.Connection, row: tuple[str, ...]) -> Delivery:
        run_id, report_date, table, file, sha256, n_rows, columns, last_at = row
        days = tuple(connection.execute(_DAYS, (run_id, table)).fetchall())
        return Delivery(
            table, file, sha256, int(n_rows), tuple(columns.split("\n")), last_at, days, run_id,
            report_date,
        )  # fmt: skip

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=_PATIENCE)
            try:
                _bring_up_to_date(connection, self.path)
                yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise EnvironmentProblem(
                ko=f"{self.path.name}을(를) 쓸 수 없습니다: {error}. "
                "다른 실행이 끝나기를 기다리거나, 백업한 파일로 되돌리십시오.",
                en=f"{self.path.name} cannot be used: {error}. "
                "Wait for the other run to end, or put a backup of the file back.",
            ) from None


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new file's tables; keep a copy of an older file; refuse a newer one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version > VERSION:
        raise EnvironmentProblem(
            ko=f"{path.name}은(는) 더 새로운 custmeasure가 만든 파일입니다. custmeasure를 올리십시오.",
            en=f"{path.name} was written by a newer custmeasure. Upgrade custmeasure.",
        )
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        shutil.copy2(path, path.with_suffix(f".v{version}{path.suffix}"))
    with connection:
        connection.executescript(_SCHEMA)
        connection.execute("PRAGMA user_version = 1")
