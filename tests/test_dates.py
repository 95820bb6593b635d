"""Days, windows and time zones are read literally: what is not exactly one is refused."""

import contextlib
import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure import dates
from custmeasure.errors import UnknownName, UsageError

UTC = dt.UTC

# Spellings of a day that other readers accept or that a path could hide in.
NOT_A_DAY = [
    "../../etc", "2026-1-31", "20260131", "2026-W05-6", "２０２６-01-31", "2026-01-31\n",
    "2026-02-30", "2026-13-01", "2026-00-10", " 2026-01-31", "2026-01-31 ", "2026/01/31", "31-01-2026",
    "today", "", "2026-01-31T00:00", "0000-01-01", "0001-01-01", "9999-12-31",
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_A_DAY)
def test_s12_only_year_month_day_is_a_day(value):  # S12
    with pytest.raises(UsageError, match="2026-01-31") as raised:
        dates.parse_day(value, "start")
    assert "start" in str(raised.value)
    assert "연-월-일" in raised.value.message("ko")


@pytest.mark.parametrize("value", [20260131, None, 1.5, True, dt.datetime(2026, 1, 31)])  # noqa: DTZ001
def test_what_is_no_text_is_no_day(value):
    with pytest.raises(UsageError):
        dates.parse_day(value)


def test_a_day_is_a_day():
    assert dates.parse_day("2026-01-31") == dt.date(2026, 1, 31)
    assert dates.parse_day(dt.date(2026, 1, 31)) == dt.date(2026, 1, 31)
    assert dates.parse_day("2024-02-29") == dt.date(2024, 2, 29)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)))
def test_every_day_reads_back(day):
    assert dates.parse_day(day.isoformat()) == day


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=12))
def test_any_other_text_is_refused(text):
    with contextlib.suppress(UsageError):
        assert dates.parse_day(text).isoformat() == text


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("10s", dt.timedelta(seconds=10)),
        ("30m", dt.timedelta(minutes=30)),
        ("12h", dt.timedelta(hours=12)),
        ("7d", dt.timedelta(days=7)),
        ("2w", dt.timedelta(weeks=2)),
        ("1209600s", dt.timedelta(days=14)),
        ("999999w", dt.timedelta(weeks=999_999)),
    ],
)
def test_a_window_is_a_number_and_a_unit(text, length):
    assert dates.parse_window(text) == length
    assert dates.parse_window(length) == length


@pytest.mark.parametrize(
    "value",
    [7, 7.0, "7", "", "d", "0d", "-1d", "7 d", "7D", "7day", "1.5h", "７d", "7d\n", "1mo", None, True,
     "1_0d", "07d", "1000000w", "999999999999w", dt.timedelta.max, dt.timedelta(0), dt.timedelta(days=-1)],
)  # fmt: skip
def test_a_bare_number_is_no_window(value):
    with pytest.raises(UsageError, match="7d, 12h, 30m, 10s, 2w"):
        dates.parse_window(value)


def test_a_time_zone_that_does_not_exist_has_a_nearest_one():
    assert dates.zone("Asia/Seoul").key == "Asia/Seoul"
    with pytest.raises(UnknownName, match="'Asia/Seoul'"):
        dates.zone("Asia/Soul")
    with pytest.raises(UnknownName, match="'Asia/Seoul'"):
        dates.zone("seoul")


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "Asia", None, 9, "/etc/passwd", "UTC+9\n"]
)
def test_what_is_no_time_zone_is_refused(name):
    with pytest.raises(UnknownName):
        dates.zone(name)


def test_a_day_begins_and_ends_on_the_wall_clock():
    day = dt.date(2026, 1, 31)
    assert dates.day_start(day, "UTC") == dt.datetime(2026, 1, 31, tzinfo=UTC)
    assert dates.day_start(day, "Asia/Seoul") == dt.datetime(2026, 1, 30, 15, tzinfo=UTC)
    assert dates.day_end(day, "UTC") == dt.datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    # New York: the day the clocks go forward has 23 hours, the day they go back has 25.
    for day, hours in ((dt.date(2026, 3, 8), 23), (dt.date(2026, 11, 1), 25)):
        start, end = (
            dates.day_start(day, "America/New_York"),
            dates.day_end(day, "America/New_York"),
        )
        assert end - start == dt.timedelta(hours=hours, microseconds=-1)


def test_an_instant_of_a_day_is_its_last():
    # The first instant of the next day is not known yet: shops date their orders at midnight.
    assert dates.to_instant("2026-01-31", "UTC") == dates.day_end(dt.date(2026, 1, 31), "UTC")
    assert dates.to_instant(dt.date(2026, 1, 31), "Asia/Seoul") == dt.datetime(
        2026, 1, 31, 14, 59, 59, 999_999, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("value", "hour"),
    [
        ("2026-01-31T10:00", 1),
        ("2026-01-31 10:00:00", 1),
        ("2026-01-31T10:00:00.5", 1),
        ("2026-01-31T10:00:00Z", 10),
        ("2026-01-31T10:00:00+09:00", 1),
        (pd.Timestamp("2026-01-31 10:00"), 1),
        (dt.datetime(2026, 1, 31, 10, tzinfo=UTC), 10),
    ],
)
def test_an_instant_without_an_offset_is_read_in_the_time_zone(value, hour):
    instant = dates.to_instant(value, "Asia/Seoul")
    assert (instant.date(), instant.hour) == (dt.date(2026, 1, 31), hour)
    assert instant.utcoffset() == dt.timedelta(0)


NOT_A_MOMENT = [
    "2026-01-31T25:00", "2026-W05-6T10:00", "20260131T1000", "2026-01-31T10", 20260131, None, pd.NaT,
]  # fmt: skip


@pytest.mark.parametrize("value", [*(v for v in NOT_A_DAY if "T" not in v), *NOT_A_MOMENT])
def test_s12_only_a_day_or_a_day_and_time_is_an_instant(value):  # S12
    with pytest.raises(UsageError, match="as_of"):
        dates.to_instant(value, "UTC")


def test_a_span_runs_forward():
    assert dates.parse_span(None, None) == (None, None)
    assert dates.parse_span("", "2026-01-31") == (None, dt.date(2026, 1, 31))
    assert dates.parse_span("2026-01-31", "2026-01-31")[0] == dt.date(2026, 1, 31)
    with pytest.raises(UsageError, match="lies before start 2026-02-01"):
        dates.parse_span("2026-02-01", "2026-01-31")
    with pytest.raises(UsageError, match="end"):
        dates.parse_span("2026-02-01", "tomorrow")


def test_the_wall_clock_has_no_offset():
    instant = dt.datetime(2026, 7, 1, 15, tzinfo=UTC)
    assert dates.local(instant, "Asia/Seoul") == dt.datetime(2026, 7, 2)  # noqa: DTZ001
    assert dates.local(None, "Asia/Seoul") is None
