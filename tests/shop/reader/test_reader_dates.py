"""Dates are read in the declared style or refused with the reason; nothing is guessed, nothing is lost."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import ORDERS, blocked, both, calm, good_orders, order, put, read, rows

from custmeasure.errors import UsageError
from custmeasure.shop.reader import kernels
from custmeasure.shop.reader.reasons import why_not
from custmeasure.shop.reader.values import cells_of, date_style, number_style
from custmeasure.shop.reader.values import read as read_values

PLAIN = number_style("1234.5")
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a clock on the wall
NEW_YORK = {"timezone": "America/New_York"}


def instants(reading):
    return [row["at"].astimezone(dt.UTC).strftime("%m-%d %H:%M") for row in rows(reading)]


@calm
@given(
    day=st.integers(1, 12),
    month=st.integers(1, 12),
    sep=st.sampled_from("/-."),
    year=st.integers(2000, 2030),
)
def test_day_and_month_are_never_guessed_b09(day, month, sep, year):
    text = f"{day:02d}{sep}{month:02d}{sep}{year}"
    column = read_values("instant", cells_of([text]), None, PLAIN)
    assert column.state.tolist() == [kernels.WRONG]
    reason = why_not("instant", text, None, PLAIN, "orders")
    assert reason.blocks
    assert reason.rule == "can be read in two ways (day/month or month/day)"


def test_ambiguous_dates_block_and_both_formats_are_named_b09(tmp_path):
    path = put(tmp_path, ORDERS + order("03/04/2026") + order("04/05/2026", order_id="A2"))
    ko, en = both(blocked(path))
    assert en[0] == (
        'orders.csv line 2 column "at": "03/04/2026" can be read in two ways (day/month or month/day). '
        'Write dates = "%d/%m/%Y" or dates = "%m/%d/%Y" under [tables.orders] in shop.toml.'
    )
    assert "두 가지로 읽힙니다" in ko[0]
    assert instants(read(path, dates="%d/%m/%Y")) == ["04-02 15:00", "05-03 15:00"]
    assert instants(read(path, dates="%m/%d/%Y")) == ["03-03 15:00", "04-04 15:00"]


REFUSED = [
    ("2026-02-30", "is a day or time that does not exist", "없는 날짜나 시각입니다"),
    ("2026-03-04 25:00", "is a day or time that does not exist", "없는 날짜나 시각입니다"),
    ("45000", "looks like an Excel serial (2023-03-15)", "일련번호로 보입니다(2023-03-15)"),
    ("1772582400", "looks like epoch seconds (2026-03-04 00:00:00 UTC)", "센 초로 보입니다"),
    ("1772582400000", "looks like epoch milliseconds (2026-03-04", "센 밀리초로 보입니다"),
    ("오후 3:05", "is a time without a day", "날짜 없는 시각입니다"),
    ("24:00", "says 24:00, which no clock shows", "없는 시각(24:00)"),
    ("2026-03-04 24:00", "says 24:00, which no clock shows", "없는 시각(24:00)"),
    ("20260304", "is a date in a style that was not declared", "형식을 정하지 않은 날짜입니다"),
    ("2026.03.04", "is a date in a style that was not declared", "형식을 정하지 않은 날짜입니다"),
    ("13/04/2026", "is a date in a style that was not declared", "형식을 정하지 않은 날짜입니다"),
    ("２０２６-03-04", "has digits other than 0-9 (full-width)", "전각"),
    ("0000-00-00", "looks like a stand-in for 'no date'", "'날짜 없음'"),
    ("어제", "is not a date", "날짜가 아닙니다"),
]


@pytest.mark.parametrize(("text", "en", "ko"), REFUSED)
def test_each_refused_date_says_why_b10(tmp_path, text, en, ko):
    path = put(tmp_path, ORDERS + good_orders(40) + order(text))
    (problem,) = read(path).problems
    assert problem.line == 42
    assert f'"{text}" {en}' in problem.said("en")
    assert ko in problem.said("ko")


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [
        ("20260304", "%Y%m%d", "03-03 15:00"),
        ("2026.03.04", "%Y.%m.%d", "03-03 15:00"),
        ("2026. 3. 4. 오후 3:05", "%Y. %m. %d. %p %I:%M", "03-04 06:05"),
        ("2026년 3월 4일 15:05", "%Y년 %m월 %d일 %H:%M", "03-04 06:05"),
        ("26.03.04 12:00 am", "%y.%m.%d %I:%M %p", "03-03 15:00"),
        ("04/03/2026 09:00:30.5", "%d/%m/%Y %H:%M:%S.%f", "03-04 00:00"),
        ("2026/03/04 09:00 +0200", "%Y/%m/%d %H:%M %z", "03-04 07:00"),
    ],
)
def test_declared_formats_are_read_b10(tmp_path, text, style, expected):
    assert instants(read(put(tmp_path, ORDERS + order(text)), dates=style)) == [expected]


def test_a_suggested_format_reads_the_value_it_was_suggested_for_b10(tmp_path):
    texts = ["20260304", "2026.3.4", "2026. 3. 4. 오후 3:05", "2026/03/04 09:00:00", "26.03.04",
             "2026년 3월 4일", "20260304090000", "13/04/2026", "04/13/2026", "2026-3-4"]  # fmt: skip
    for text in texts:
        reason = why_not("instant", text, None, PLAIN, "orders")
        style = reason.do.split('"')[1]
        assert instants(read(put(tmp_path, ORDERS + order(text)), dates=style)), text


def test_a_format_may_be_declared_for_each_column(tmp_path):
    text = "order_id,customer_id,at,amount,promised_ship_on\nA,c,20260304,5,2026.03.06\n"
    reading = read(put(tmp_path, text), dates={"at": "%Y%m%d", "promised_ship_on": "%Y.%m.%d"})
    assert rows(reading)[0]["promised_ship_on"] == dt.date(2026, 3, 6)


@pytest.mark.parametrize("style", ["YYYY-MM-DD", "%Y.%m", "%Y-%m-%d %I:%M", "%Y-%q-%d", "%Y%m%d%"])
def test_a_declared_format_must_be_one_b10(tmp_path, style):
    with pytest.raises(UsageError, match="is not a date format"):
        read(put(tmp_path, ORDERS + order()), dates=style)


def test_a_day_may_have_a_time_but_no_zone(tmp_path):
    head = "order_id,customer_id,at,amount,promised_ship_on\n"
    good = "A,c,2026-03-04,5,2026-03-06 23:59:59\n"
    path = put(tmp_path, head + good + "B,c,2026-03-04,5,2026-03-06T00:00:00Z\n")
    reading = read(path)
    assert [row["promised_ship_on"] for row in rows(reading)] == [dt.date(2026, 3, 6)]
    assert "has a time zone, a day has none" in reading.problems[0].said("en")


def test_times_with_and_without_a_zone_block_unless_the_zone_is_declared_b11(tmp_path):
    path = put(
        tmp_path,
        ORDERS
        + order("2026-03-04 09:00", order_id="A")
        + order("2026-03-04T09:00:00Z", order_id="B")
        + order("2026-03-04T09:00:00+09:00", order_id="C"),
    )
    ko, en = both(blocked(path))
    assert en[0].startswith('orders.csv column "at": 1 time without a time zone, mixed with 2 that')
    assert "시간대가 없는 시각 1개와 있는 시각 2개가 섞여 있습니다" in ko[0]
    reading = read(path, timezone="Asia/Seoul")
    assert instants(reading) == ["03-04 00:00", "03-04 09:00", "03-04 00:00"]
    assert (
        "2 times with a time zone converted, 1 without one read as Asia/Seoul" in reading.notes[0]
    )
    assert "시간대가 있는 시각 2개" in reading.notes[0].ko


def test_the_skipped_and_the_repeated_hour_follow_one_rule_b12(tmp_path):
    text = order("2026-03-08 02:30", order_id="A") + order("2026-11-01 01:30", order_id="B")
    reading = read(put(tmp_path, ORDERS + text), **NEW_YORK)
    assert instants(reading) == ["03-08 07:30", "11-01 05:30"]
    gap, fold = reading.notes
    assert "1 time that the clocks skipped in spring" in gap
    assert "1 time that the clocks showed twice in autumn" in fold
    assert "건너뛴 시각 1개" in gap.ko
    assert "두 번 있는 시각 1개" in fold.ko


@calm
@given(st.lists(st.datetimes(EPOCH.replace(2000), EPOCH.replace(2037)), min_size=1))
def test_no_time_is_lost_and_all_agree_with_python_b12(moments):
    texts = [moment.isoformat(" ") for moment in moments]
    column = read_values("instant", cells_of(texts), None, PLAIN)
    assert column.state.tolist() == [kernels.READ] * len(moments)
    for zone in ("Asia/Seoul", "America/New_York", "Europe/London", "Australia/Lord_Howe"):
        _agree_with_python(moments, column.values, zone)


def _agree_with_python(moments, wall, zone):
    from zoneinfo import ZoneInfo

    from custmeasure.shop.reader.zones import to_utc

    expected = [moment.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC) for moment in moments]
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    micros = [(moment - epoch) // dt.timedelta(microseconds=1) for moment in expected]
    assert to_utc(wall, zone).micros.tolist() == micros


@calm
@given(st.text(alphabet="0123456789-: TZ+.오후", max_size=30))
def test_whatever_iso_reads_python_reads_alike(text):
    column = read_values("instant", cells_of([text]), None, PLAIN)
    if column.state[0] == kernels.READ:
        python = dt.datetime.fromisoformat(text.strip(" "))
        assert (python - EPOCH) // dt.timedelta(microseconds=1) == column.values[0]


@calm
@given(st.datetimes(EPOCH.replace(1900), EPOCH.replace(2199)))
def test_declared_formats_agree_with_strptime(moment):
    for style in ("%Y%m%d%H%M%S", "%d/%m/%Y %H:%M:%S", "%Y.%m.%d %I:%M:%S %p"):
        text = moment.strftime(style).zfill(14)
        column = read_values("instant", cells_of([text]), date_style(style), PLAIN)
        python = dt.datetime.strptime(text, style)  # noqa: DTZ007
        assert column.values[0] == (python - EPOCH) // dt.timedelta(microseconds=1)
