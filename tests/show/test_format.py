"""How numbers look: the column's name decides."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.show import format as fmt
from custmeasure.show.labels import LABELS, SETTINGS, VALUES, label, setting_label, value_label

MANY = settings(max_examples=300, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("column", "value", "en", "ko"),
    [
        ("step_rate", 0.123, "12.3%", "12.3%"),
        ("step_rate", 0.0612, "6.12%", "6.12%"),
        ("step_rate", 0.0012, "0.12%", "0.12%"),
        ("step_rate", 0, "0.0%", "0.0%"),
        ("step_rate", 1, "100.0%", "100.0%"),
        ("retained_rate_ci_lower", 0.5, "50.0%", "50.0%"),
        ("n_reached", 1234567, "1,234,567", "1,234,567"),
        ("cohort_size", 1234.0, "1,234", "1,234"),
        ("diff", 0.0123, "+1.23 pp", "+1.23%p"),
        ("diff_ci_lower", -0.123, "−12.3 pp", "−12.3%p"),
        ("rel_diff", 0.05, "+5.0%", "+5.0%"),
        ("rel_diff", -0.5, "−50.0%", "−50.0%"),
        ("revenue_amount", 1234.6, "₩1,235", "1,235원"),
        ("revenue_amount", -5, "−₩5", "−5원"),
        ("median_hours_to_step", 0.5, "30 min", "30분"),
        ("median_hours_to_step", 1.5, "1.5 h", "1.5시간"),
        ("median_hours_to_step", 72, "3.0 days", "3.0일"),
        ("tenure_days", 12.34, "12.3 days", "12.3일"),
        ("first_reply_minutes", 12.4, "12 min", "12분"),
        ("p_value", 0.0456, "0.046", "0.046"),
        ("p_value_adj", 0.0004, "<0.001", "<0.001"),
        ("p_value", 0, "<0.001", "<0.001"),
        ("p_value", 1, "1.000", "1.000"),
        ("anything", 3.0, "3", "3"),
        ("anything", 0.12345, "0.123", "0.123"),
        ("mature", True, "yes", "예"),
        ("start", dt.date(2026, 1, 31), "2026-01-31", "2026-01-31"),
        ("as_of", dt.datetime(2026, 1, 31, 23, 59, 59), "2026-01-31 23:59", "2026-01-31 23:59"),  # noqa: DTZ001
        ("cohort", pd.Timestamp("2026-01-01"), "2026-01-01", "2026-01-01"),
        ("step", "n_reached", "n_reached", "n_reached"),
    ],
)
def test_a_number_looks_as_its_column_is_called(column, value, en, ko):
    assert fmt.show(column, value, "en") == en
    assert fmt.show(column, value, "ko") == ko


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), float("inf"), -float("inf"), pd.NA, pd.NaT, np.nan, Decimal("NaN")],
)
@pytest.mark.parametrize(
    "column", ["step_rate", "n_reached", "diff", "revenue_amount", "p_value", "cohort"]
)
def test_what_is_undefined_is_a_dash_never_0(column, value):
    assert fmt.show(column, value) == fmt.BLANK


def test_money_is_written_in_the_shop_s_currency():
    assert fmt.show("amount_amount", 1234.5, "en", "USD") == "$1,234.50"
    assert fmt.show("amount_amount", -1234.5, "ko", "USD") == "−$1,234.50"
    assert fmt.show("amount_amount", 1234.6, "en", "JPY") == "¥1,235"
    assert fmt.show("diff", 500, "ko", "KRW", {"diff": fmt.money_change}) == "+500원"
    assert fmt.show("diff_ci_lower", -500, "en", "USD", {"diff": fmt.money_change}) == "−$500.00"


def test_an_interval_needs_both_ends():
    assert fmt.interval("1.0%", "2.0%", "en") == "1.0% to 2.0%"
    assert "1.0%" in fmt.interval("1.0%", "2.0%", "ko")
    assert fmt.interval("1.0%", fmt.BLANK) == fmt.interval(fmt.BLANK, fmt.BLANK) == ""


@MANY
@given(
    st.sampled_from([*LABELS, "x_rate", "x_amount", "x_hours", "x_days", "x_minutes", "", "a b"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes()
    | st.decimals() | st.binary() | st.complex_numbers(),
    st.sampled_from(["KRW", "USD", "JPY", "ZZZ"]),
)  # fmt: skip
def test_show_never_raises(column, value, currency):
    for lang in ("ko", "en"):
        assert isinstance(fmt.show(column, value, lang, currency), str)


@MANY
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_never_looks_smaller(a, b):
    low, high = sorted((a, b))
    shown = [float(fmt.percent(share, "en").rstrip("%")) for share in (low, high)]
    assert shown[0] <= shown[1]
    assert shown[0] == pytest.approx(100 * low, abs=0.051)


# --- labels -----------------------------------------------------------------------------------------


def test_every_label_is_there_in_both_languages():
    for words in (LABELS, SETTINGS, VALUES):
        for ko, en in words.values():
            assert ko
            assert en
            assert en.isascii()


def test_two_data_never_share_their_words():
    for lang in ("ko", "en"):
        # after_… words name what a line of the bridge leaves, not the line.
        said = [value_label(value, lang) for value in VALUES if not value.startswith("after_")]
        assert len(said) == len(set(said))


def test_what_has_no_label_stays_as_it_is():
    assert label("회원등급", "en") == "회원등급"
    assert value_label("VIP") == "VIP"
    assert setting_label("VIP") == "VIP"
    assert value_label("visit → VIP", "ko") == "방문 → VIP"


def test_a_shop_s_value_is_not_taken_for_a_setting():
    # A plan called "month" or a step called "first" is the shop's own word.
    for value in SETTINGS:
        assert value_label(value, "ko") == value or value in VALUES
    assert setting_label("month", "ko") == "월"
