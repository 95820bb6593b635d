"""What earlier runs saw is kept whole, in one file, and an unusable file is named."""

import datetime as dt
import sqlite3
import threading

import pytest

from custmeasure.errors import EnvironmentProblem
from custmeasure.history import Delivery, History

DAY = dt.date(2026, 11, 20)
ORDERS = Delivery(
    "orders", "orders.csv", "ab", 10, ("order_id", "at"), "2026-11-19T23:00", (("2026-11-19", 4),)
)


def test_what_was_added_comes_back(tmp_path):
    history = History(tmp_path / "runs" / "history.sqlite")
    history.add("r1", DAY, [ORDERS])
    (seen,) = history.past("orders", DAY + dt.timedelta(days=1))
    assert (seen.table, seen.file, seen.n_rows, seen.columns) == (
        "orders",
        "orders.csv",
        10,
        ("order_id", "at"),
    )
    assert seen.days == (("2026-11-19", 4),)
    assert (seen.run_id, seen.report_date) == ("r1", "2026-11-20")


def test_a_report_does_not_see_its_own_day_or_later_ones(
    tmp_path,
):  # F16: backfills see the past only
    history = History(tmp_path / "history.sqlite")
    history.add("r1", DAY, [ORDERS])
    assert history.past("orders", DAY) == []
    assert history.past("events", DAY + dt.timedelta(days=1)) == []


def test_no_file_is_no_past(tmp_path):
    assert History(tmp_path / "none.sqlite").past("orders", DAY) == []


def test_a_failed_add_leaves_nothing(tmp_path):  # F03
    history = History(tmp_path / "history.sqlite")
    history.add("r1", DAY, [ORDERS])
    broken = Delivery("events", "e.csv", "cd", None, ("a",))  # type: ignore[arg-type]
    with pytest.raises(EnvironmentProblem):
        history.add("r2", DAY, [ORDERS, broken])
    assert [each.run_id for each in history.past("orders", dt.date(2027, 1, 1))] == ["r1"]


def test_broken_and_newer_files_are_named(tmp_path):  # F17
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"not a database, but long enough to look like one" * 40)
    with pytest.raises(EnvironmentProblem, match="history.sqlite"):
        History(path).past("orders", DAY)
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(EnvironmentProblem, match="newer custmeasure"):
        History(path).past("orders", DAY)


def test_an_older_file_is_copied_aside(tmp_path):  # F17
    path = tmp_path / "history.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE old (x)")
    connection.commit()
    connection.close()
    assert History(path).past("orders", DAY) == []
    assert (tmp_path / "history.v0.sqlite").exists()


def test_a_writer_waits_for_another(tmp_path):  # F17
    history = History(tmp_path / "history.sqlite")
    history.add("r1", DAY, [ORDERS])
    other = sqlite3.connect(history.path, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.4, other.rollback)
    timer.start()
    history.add("r2", DAY, [ORDERS])
    timer.join()
    other.close()
    assert len(history.past("orders", dt.date(2027, 1, 1))) == 2
