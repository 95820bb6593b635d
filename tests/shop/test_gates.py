"""Freshness and drift: what stops a report, what only warns, and what is as usual."""

import datetime as dt
from dataclasses import replace

import pytest

from custmeasure.history import Delivery
from custmeasure.shop.gates import blocked, check_delivery

DATE = dt.date(2026, 11, 20)


def weeks(n: int, rows: int = 100) -> tuple[tuple[str, int], ...]:
    return tuple((str(DATE - dt.timedelta(days=k)), rows) for k in range(n, 0, -1))


NOW = Delivery(
    "orders", "orders_1120.csv", "new", 6000, ("order_id", "at"), "2026-11-19T23:10", weeks(60)
)
PAST = replace(NOW, file="orders_1119.csv", sha256="old", n_rows=5900, days=weeks(60)[:-1])


def codes(now, past=()):
    return [(alert.code, alert.level) for alert in check_delivery(now, past, DATE)]


def test_as_usual_says_nothing():
    assert codes(NOW, [PAST]) == []


@pytest.mark.parametrize(
    ("last", "expected"), [("2026-11-18", []), ("2026-11-17", [("STALE", "warn")])]
)
def test_stale_after_two_days(last, expected):
    assert codes(replace(NOW, last_at=f"{last}T10:00")) == expected


def test_the_same_file_under_a_new_name_blocks():
    alerts = check_delivery(replace(NOW, sha256="old"), [PAST], DATE)
    assert [alert.code for alert in alerts] == ["SAME_FILE"]
    assert blocked(alerts)
    assert "orders_1119.csv" in alerts[0].said
    assert "orders_1119.csv" in alerts[0].said.ko


def test_the_same_file_under_its_own_name_is_a_rerun():
    assert codes(replace(NOW, file="orders_1119.csv", sha256="old"), [PAST]) == []


def test_a_file_that_lost_rows_blocks():
    assert codes(replace(NOW, n_rows=4700), [PAST]) == [("SHRUNK", "block")]
    assert codes(replace(NOW, n_rows=4721), [PAST]) == []


def test_new_and_vanished_columns_warn_by_name():
    (alert,) = check_delivery(replace(NOW, columns=("order_id", "memo")), [PAST], DATE)
    assert (alert.code, alert.level) == ("COLUMNS", "warn")
    assert "new: memo" in alert.said
    assert "gone: at" in alert.said


@pytest.mark.parametrize(
    ("rows", "unusual"), [(100, False), (34, False), (33, True), (300, False), (301, True)]
)
def test_a_last_day_far_from_its_weekday_warns(rows, unusual):
    days = (*weeks(60)[:-1], ("2026-11-19", rows))
    assert (("UNUSUAL_DAY", "warn") in codes(replace(NOW, days=days), [PAST])) is unusual


def test_few_rows_a_day_are_never_unusual():  # a shop with 3 orders a day
    days = (*weeks(60, rows=3)[:-1], ("2026-11-19", 0))
    assert codes(replace(NOW, days=days), [replace(PAST, days=weeks(60, rows=3)[:-1])]) == []


def test_late_rows_on_final_days_warn():  # days 3 and older are final
    late = tuple((day, n + (day == "2026-11-10")) for day, n in weeks(60))
    fresh = tuple((day, n + (day == "2026-11-17")) for day, n in weeks(60))
    assert codes(replace(NOW, days=late), [PAST]) == [("LATE_ROWS", "warn")]
    assert codes(replace(NOW, days=fresh), [PAST]) == []
