"""Columns of a database read as the kinds of the contract."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custmeasure.engine.declared import TYPES, declared, is_readable


def values(kind: str, given: list[object], type_: pa.DataType | None = None) -> list[object]:
    """Return what each value reads as, ``"?"`` where it does not."""
    read = declared(pa.array(given, type_), kind, "Asia/Seoul")
    assert read.values.type == TYPES[kind]
    pairs = zip(read.values.to_pylist(), read.good.to_pylist(), strict=True)
    return [value if good else "?" for value, good in pairs]


def test_numbers() -> None:
    """B13, B14: plain and finite, or refused."""
    texts = [
        "1.5",
        "-2",
        "1e3",
        "NaN",
        "Infinity",
        "inf",
        "1e400",
        "1,200",
        "₩900",
        "１２",
        "1_0",
        "-",
        "",
    ]
    expected = [1.5, -2.0, 1000.0, *["?"] * 9, None]
    assert values("number", texts) == expected
    assert values("number", [1.5, float("nan"), float("-inf"), None]) == [1.5, "?", "?", None]
    assert values("number", [3, None]) == [3.0, None]


def test_counts() -> None:
    texts = ["3", "3.00", "3.5", "-1", "9" * 19, "3e0", None]
    assert values("count", texts) == [3, 3, "?", -1, "?", "?", None]
    assert values("count", [3.0, 3.5, 2.0**60, float("nan"), None]) == [3, "?", "?", "?", None]


def test_flags() -> None:
    assert values("flag", ["true", "F", "Y", "no", "0", "maybe", None]) == [
        True, False, True, False, False, "?", None,
    ]  # fmt: skip
    assert values("flag", [True, None]) == [True, None]


def test_written_instants() -> None:
    """B10, B11: ISO only; those without a zone are of the shop's."""
    texts = [
        "2026-01-31T09:00:00Z", "2026-01-31 09:00", "2026-01-31 09:00:00.5+09", "2026-01-31",
        "2026-02-30 00:00", "45000", "1772582400", "20260131", "2026.01.31", "24:00", "2026-01-31 24:00",
        "1899-12-31", "2200-01-01", None,
    ]  # fmt: skip
    nine = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)
    assert values("instant", texts) == [
        nine,
        nine - dt.timedelta(hours=9),
        nine - dt.timedelta(hours=9) + dt.timedelta(milliseconds=500),
        nine - dt.timedelta(hours=18),
        *["?"] * 9,
        None,
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_instants_of_any_precision(unit: str) -> None:
    moment = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)
    assert values("instant", [moment, None], pa.timestamp(unit, "UTC")) == [moment, None]
    wall = moment.replace(tzinfo=None)
    assert values("instant", [wall], pa.timestamp(unit)) == [moment - dt.timedelta(hours=9)]


def test_days_are_those_of_the_time_zone() -> None:
    day = dt.date(2026, 1, 31)
    evening = dt.datetime(2026, 1, 30, 15, tzinfo=dt.UTC)
    assert values("day", [day, None]) == [day, None]
    assert values("day", [evening], pa.timestamp("us", "UTC")) == [day]
    assert values("day", [evening.replace(tzinfo=None)], pa.timestamp("us")) == [
        dt.date(2026, 1, 30)
    ]
    assert values("day", ["2026-01-31", "2026-01-30T15:00Z", "31.01.2026"]) == [day, day, "?"]


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-1e12, max_value=1e12)
)
def test_a_decimal_as_text_is_the_nearest_float(value: Decimal) -> None:
    assert values("number", [str(value.quantize(Decimal("0.0001")))]) == [float(value)]


def test_types_without_a_text() -> None:
    assert [is_readable(t) for t in (pa.binary(), pa.list_(pa.int32()), pa.struct([]))] == [
        False
    ] * 3
    assert [is_readable(t) for t in (pa.string(), pa.decimal128(5, 2), pa.time64("us"))] == [
        True
    ] * 3


@pytest.mark.parametrize("kind", list(TYPES))
def test_nothing_reads_as_nothing(kind: str) -> None:
    assert values(kind, [], pa.string()) == []
    assert values(kind, [None, ""], pa.string()) == [None, None]
