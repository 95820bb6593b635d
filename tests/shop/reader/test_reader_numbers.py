"""Numbers are read in the declared style; whatever is not a finite number is refused with the reason."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import ORDERS, calm, good_orders, order, put, read, rows

from custmeasure.errors import UsageError
from custmeasure.shop.reader import kernels
from custmeasure.shop.reader.values import cells_of, number_style
from custmeasure.shop.reader.values import read as read_values

PLAIN = number_style("1234.5")


def numbers(texts, style="1234.5", kind="number"):
    """Return the numbers read; None where one is refused, nothing where nothing is there."""
    column = read_values(kind, cells_of(texts), None, number_style(style))
    other = {kernels.WRONG: None, kernels.MISSING: ""}
    return [other.get(state, value) for value, state in zip(*map(list, column), strict=True)]


REFUSED = [
    (
        '"1,200"',
        "is not written in the declared number style 1234.5",
        "숫자 형식 1234.5에 맞지 않습니다",
    ),
    ("₩900", "has the currency sign '₩'", "통화 표시(₩)"),
    ("900원", "has the currency sign '원'", "통화 표시(원)"),
    ('"(1,200)"', "is in parentheses, as accountants write minus", "괄호로 적은 음수"),
    ('"1.200,50"', "is not written in the declared number style", "숫자 형식"),
    ('"1,2O0"', "has the letter O, l or I in place of a digit", "글자(O·l·I)"),
    ("１２００", "has digits other than 0-9 (full-width)", "전각"),
    ("-", "is a dash, not a number", "줄표"),
    ("inf", "is not a finite number", "유한한 숫자가 아닙니다"),
    ("NaN", "is not a finite number", "유한한 숫자가 아닙니다"),
    ("-Infinity", "is not a finite number", "유한한 숫자가 아닙니다"),
    ("1e400", "is not a finite number", "유한한 숫자가 아닙니다"),
    ("12%", "is not a number", "숫자가 아닙니다"),
    ("1_000", "is not a number", "숫자가 아닙니다"),
    ("0x1F", "is not a number", "숫자가 아닙니다"),
]


@pytest.mark.parametrize(("field", "en", "ko"), REFUSED)
def test_each_refused_number_says_why_b13_b14(tmp_path, field, en, ko):
    (problem,) = read(put(tmp_path, ORDERS + good_orders(40) + order(amount=field))).problems
    assert problem.line == 42
    assert f'"{field.strip(chr(34))}" {en}' in problem.said("en")
    assert ko in problem.said("ko")


def test_an_empty_amount_is_missing_and_not_zero_b13(tmp_path):
    (problem,) = read(put(tmp_path, ORDERS + good_orders(40) + order(amount='""'))).problems
    assert problem.said("en") == (
        'orders.csv line 42 column "amount": the value is missing and must be there. '
        "Fill it in where the file comes from."
    )


@pytest.mark.parametrize(
    ("style", "texts", "expected"),
    [
        ("1234.5", ["1200", "-1.5", "+3", ".5", "1e3", "2.5E-1", " 7 "], [1200, -1.5, 3, 0.5, 1e3, 0.25, 7]),
        ("1,234.5", ["1,200", "12,345,678.9", "1200", "1,20", "12,34,567", "1,200,"],
         [1200, 12345678.9, 1200, None, None, None]),
        ("1.234,5", ["1.200,50", "1.200", "1200,5", "1.5", "1,200.5"], [1200.5, 1200, 1200.5, None, None]),
        ("₩1,234.5", ["₩1,200", "-₩900", "₩-900", "900", "$900"], [1200, -900, -900, 900, None]),
        ("1,234.5원", ["1,200원", "900", "원900"], [1200, 900, None]),
    ],
)  # fmt: skip
def test_only_the_declared_style_is_read_b13(style, texts, expected):
    assert numbers(texts, style) == expected


@pytest.mark.parametrize("style", ["1234", "1 234,5", "", "가나다라마1234.5"])
def test_a_declared_style_must_be_one_b13(style):
    with pytest.raises(UsageError, match="is not a number style"):
        number_style(style)


def test_counts_are_whole(tmp_path):
    texts = ["3", "3.0", "3.5", "-2", "", "9007199254740993"]
    assert numbers(texts, kind="count") == [3, 3, None, -2, "", None]


@pytest.mark.parametrize(
    ("text", "expected"), [("Y", True), ("no", False), ("1", True), ("FALSE", False), ("예", None)]
)
def test_flags(tmp_path, text, expected):
    body = f"A,c,2026-03-04,5,{text}\n" + "".join(f"B{i},c,2026-03-04,5,\n" for i in range(40))
    reading = read(put(tmp_path, "order_id,customer_id,at,amount,is_guest\n" + body))
    assert rows(reading)[0]["is_guest"] is expected
    assert len(reading.problems) == (expected is None)


@calm
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back_to_the_last_bit(value):
    assert numbers([repr(value)]) == [value]
    assert numbers([f"{value:,}"], "1,234.5") == [value] or "e" in repr(value)


@calm
@given(st.text(alphabet="0123456789.,eE+-()₩ naif", max_size=12))
def test_whatever_is_read_is_finite_and_what_python_reads_b14(text):
    (value,) = numbers([text])
    if isinstance(value, float):
        assert math.isfinite(value)
        assert value == float(text.strip(" "))
