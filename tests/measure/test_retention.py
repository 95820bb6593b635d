"""Retention, case by case, worked out in the head; then against a plain count on every log."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.engine import MissingTable, Table
from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.retention import RetentionResult, cohort_gaps, retention
from custmeasure.stats import wilson

FEW = settings(max_examples=12, deadline=None, derandomize=True)


def visits(**units):
    """Return activity from ``a="1 3 3"``: the days of January 2026 (12:00 UTC) on which a was active."""
    rows = [
        (unit, pd.Timestamp("2025-12-31 12:00") + pd.Timedelta(days=float(day)))
        for unit, days in units.items()
        for day in days.split()
    ]
    return pd.DataFrame(rows, columns=["customer_id", "at"]).astype({"at": "datetime64[us]"})


def ask(activity, period="day", **options):
    return retention(activity, unit="customer_id", at="at", period=period, **options)


def cells(activity, period="day", value="n_retained", **options):
    """Return cohort's day → the row of its cells, blanks as None."""
    frame = ask(activity, period, **options).frame
    form = "%m-%d %H" if period == "hour" else "%m-%d"
    return {
        cohort.strftime(form): [None if pd.isna(v) else v for v in part[value]]
        for cohort, part in frame.groupby("cohort")
    }


THREE = visits(a="1 2 4", b="1 4", c="2 3", d="4")


# --- the three modes --------------------------------------------------------------------------------


def test_on_counts_who_came_back_in_that_period():
    assert cells(THREE) == {
        "01-01": [2, 1, 0, 2],
        "01-02": [1, 1, 0],
        "01-03": [0, 0],
        "01-04": [1],
    }


def test_on_or_after_counts_who_came_back_then_or_later():
    assert cells(THREE, mode="on_or_after") == {
        "01-01": [2, 2, 2, 2],
        "01-02": [1, 1, 0],
        "01-03": [0, 0],
        "01-04": [1],
    }


def test_on_or_before_counts_who_had_come_back_by_then():
    assert cells(THREE, mode="on_or_before") == {
        "01-01": [2, 1, 1, 2],
        "01-02": [1, 1, 1],
        "01-03": [0, 0],
        "01-04": [1],
    }


def test_recurring_cohorts_hold_everybody_active_then():
    assert cells(THREE, cohort="recurring") == {
        "01-01": [2, 1, 0, 2],
        "01-02": [2, 1, 1],
        "01-03": [1, 0],
        "01-04": [3],
    }
    assert cells(THREE, cohort="recurring", mode="on_or_after")["01-02"] == [2, 2, 1]
    assert cells(THREE, cohort="recurring", mode="on_or_before")["01-02"] == [2, 1, 2]


def test_several_visits_in_one_period_are_one():
    assert cells(visits(a="1 1 1.3 2 2")) == {"01-01": [1, 1]}


def test_cell_0_is_the_cohort_s_size_and_its_rate_1():
    frame = ask(THREE).frame
    first = frame[frame["period"] == 0]
    assert (first["n_retained"] == first["cohort_size"]).all()
    assert first["retained_rate"].dropna().eq(1).all()
    assert first["retained_rate_ci_lower"].isna().all()


def test_rates_divide_by_the_cohort_with_wilson_s_interval():
    frame = ask(THREE).frame
    assert tuple(frame.columns) == RetentionResult.COLUMNS
    row = frame[(frame["cohort"] == "2026-01-01") & (frame["period"] == 1)].iloc[0]
    lower, upper = wilson(1, 2)
    assert (row["cohort_size"], row["retained_rate"]) == (2, 0.5)
    assert (row["retained_rate_ci_lower"], row["retained_rate_ci_upper"]) == (lower, upper)
    nobody = frame[frame["cohort"] == "2026-01-03"]
    assert nobody["retained_rate"].isna().all()  # of nobody there is no share


# --- periods ----------------------------------------------------------------------------------------


def test_weeks_begin_on_monday():
    # 2026-01-04 is a Sunday, 2026-01-05 a Monday.
    assert cells(visits(a="4 5", b="5 11 12"), "week") == {"12-29": [1, 1, 0], "01-05": [1, 1]}


def test_months_are_those_of_the_calendar():
    rows = visits(a="31 32 60", b="1")  # 31 January, 1 February, 1 March
    assert cells(rows, "month") == {"01-01": [2, 1, 1]}


def test_hours():
    rows = visits(a="1 1.05", b="1.05")  # 12:00 and 13:12
    assert cells(rows, "hour") == {"01-01 12": [1, 1], "01-01 13": [1]}


def test_periods_begin_in_the_time_zone():
    rows = pd.DataFrame(
        {"customer_id": ["a", "a"], "at": pd.to_datetime(["2026-01-31 14:59", "2026-01-31 15:00"])}
    )
    assert cells(rows) == {"01-31": [1]}
    assert cells(rows, timezone="Asia/Seoul") == {"01-31": [1, 1]}
    assert cells(rows, "month", timezone="Asia/Seoul") == {"01-01": [1, 1]}
    assert cells(rows.assign(at=rows["at"].dt.tz_localize("UTC")), timezone="Asia/Seoul") == {
        "01-31": [1, 1]
    }


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        # New York goes to summer time on 2026-03-08 (23 h) and back on 2026-11-01 (25 h).
        (
            ["2026-03-08 04:59", "2026-03-08 05:00", "2026-03-09 03:59", "2026-03-09 04:00"],
            {"03-07": [1, 1, 1]},
        ),
        (["2026-11-01 04:00", "2026-11-02 04:59", "2026-11-02 05:00"], {"11-01": [1, 1]}),
    ],
)
def test_a_day_of_23_or_25_hours_is_one_day(moments, expected):
    rows = pd.DataFrame({"customer_id": "a", "at": pd.to_datetime(moments)})
    assert cells(rows, timezone="America/New_York") == expected


def test_the_day_the_clock_changes_is_over_at_its_own_end():
    rows = pd.DataFrame(
        {"customer_id": "a", "at": pd.to_datetime(["2026-11-01 12:00", "2026-11-02 12:00"])}
    )
    known = {"as_of": "2026-11-01", "timezone": "America/New_York", "value": "mature"}
    assert cells(rows, **known) == {"11-01": [True]}
    early = {
        **known,
        "as_of": dt.datetime(2026, 11, 2, 4, 59, tzinfo=dt.UTC),
    }  # 23:59 on the second clock
    assert cells(rows, **early) == {"11-01": [False]}


# --- what is not over -------------------------------------------------------------------------------


def test_a_cell_that_is_not_over_is_blank_never_0():
    rows = visits(a="1 2 3.5", b="3")
    half = dt.datetime(2026, 1, 3, 18, tzinfo=dt.UTC)
    assert cells(rows, as_of=half) == {"01-01": [1, 1, None], "01-02": [0, None], "01-03": [1]}
    frame = ask(rows, as_of=half).frame
    blank = frame[~frame["mature"] & (frame["period"] > 0)]
    assert len(blank) == 2
    assert blank[["n_retained", "retained_rate", "retained_rate_ci_lower"]].isna().all(axis=None)
    # The running cohort's size is known so far; it is marked as not over, too.
    running = frame[(frame["cohort"] == "2026-01-03")].iloc[0]
    assert (running["n_retained"], running["mature"]) == (1, False)
    assert "2 cells marked" in ask(rows, as_of=half).notes[0]


def test_a_day_as_of_is_taken_in_to_its_end_and_no_further():
    rows = visits(a="1 2 3", b="2.5")  # b: midnight of the 3rd, which belongs to the 3rd
    assert cells(rows, as_of="2026-01-02") == {"01-01": [1, 1]}
    assert cells(rows, as_of="2026-01-02", value="mature") == {"01-01": [True, True]}
    assert cells(rows, as_of="2026-01-03") == {"01-01": [1, 1, 1], "01-02": [0, 0], "01-03": [1]}


def test_as_of_after_the_last_activity_makes_finished_empty_cells():
    assert cells(visits(a="1"), as_of="2026-01-03") == {"01-01": [1, 0, 0]}
    assert cells(visits(a="1"), "month", as_of="2026-02-15") == {"01-01": [1, None]}
    assert cells(visits(a="1"), "month", as_of="2026-02-28") == {"01-01": [1, 0]}


def test_nothing_after_as_of_is_known():
    rows = visits(a="1 9", b="8")
    assert cells(rows, as_of="2026-01-03", mode="on_or_after") == {"01-01": [1, 0, 0]}


def test_without_as_of_the_last_period_counts_as_over_and_says_so():
    result = ask(THREE)
    assert result.frame["mature"].all()
    assert "the last period counts as over" in result.notes[0]


def test_the_shop_s_own_as_of_counts_when_none_is_given():
    known = dt.datetime(2026, 1, 3, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    table = Table("orders", THREE, ("customer_id", "at"), as_of=known)
    assert cells(table) == {"01-01": [2, 1, 0], "01-02": [1, 1]}


# --- pooled -----------------------------------------------------------------------------------------


def test_the_pooled_row_divides_by_the_cohorts_that_reached_k():
    rows = visits(a="1 2", b="1", c="2 3", d="3")
    pooled = ask(rows, as_of="2026-01-03").pooled
    assert pooled["period"].tolist() == [0, 1, 2]
    assert pooled["n_cohorts"].tolist() == [3, 2, 1]
    # d is not counted among those who could have come back.
    assert pooled["cohort_size"].tolist() == [4, 3, 2]
    assert pooled["n_retained"].tolist() == [4, 2, 0]
    assert pooled["retained_rate"].tolist() == [1, 2 / 3, 0]
    lower, upper = wilson([2, 0], [3, 2])
    assert pooled["retained_rate_ci_lower"][1:].to_numpy() == pytest.approx(lower)
    assert pooled["retained_rate_ci_upper"][1:].to_numpy() == pytest.approx(upper)


def test_the_pooled_row_leaves_out_what_is_not_over():
    rows = visits(a="1 2", b="2 3")
    pooled = ask(rows, as_of=dt.datetime(2026, 1, 3, 13, tzinfo=dt.UTC)).pooled
    assert pooled["cohort_size"].tolist() == [2, 1]
    assert pooled["n_retained"].tolist() == [2, 1]


# --- start and end ----------------------------------------------------------------------------------


def test_start_and_end_choose_cohorts_both_included():
    assert cells(THREE, start="2026-01-02", end="2026-01-03") == {
        "01-02": [1, 1, 0],
        "01-03": [0, 0],
    }
    assert set(cells(THREE, end="2026-01-01")) == {"01-01"}


def test_the_first_activity_counts_even_before_the_start():
    # a was first seen on the 1st: no new customer of the 2nd.
    assert cells(THREE, start="2026-01-02")["01-02"] == [1, 1, 0]
    assert cells(THREE, start="2026-01-02", cohort="recurring")["01-02"] == [2, 1, 1]


def test_start_and_end_take_the_whole_period_in_which_they_fall():
    rows = visits(a="1 12", b="6 14", c="20")
    asked = {"period": "week", "start": "2026-01-07", "end": "2026-01-07"}
    assert cells(rows, **asked) == {"01-05": [1, 1, 0]}
    hours = visits(a="1 1.05", b="1.4", c="2")
    assert set(cells(hours, "hour", end="2026-01-01", value="cohort_size")) >= {
        "01-01 12",
        "01-01 21",
    }


def test_a_start_before_the_data_shows_empty_cohorts():
    assert cells(visits(a="3"), start="2026-01-02") == {"01-02": [0, 0], "01-03": [1]}


# --- who --------------------------------------------------------------------------------------------


def test_b24_a_missing_unit_is_counted_and_never_matches():  # B24
    nobody = visits(n="0 2 5").assign(customer_id=None)
    result = ask(pd.concat([visits(a="1 2"), nobody]))
    assert result.frame["cohort_size"].max() == 1
    assert result.frame["cohort"].min() == pd.Timestamp("2026-01-01")
    assert "3 records name nobody" in result.notes[-1]
    # What nobody did still says how far the data reach.
    assert result.frame["period"].max() == 4


def test_only_missing_units_are_nobody():
    result = ask(visits(a="1 2").assign(customer_id=None))
    assert result.verdict.code == "NO_UNITS"
    assert "2 records name nobody" in result.notes[-1]


def test_any_columns_may_say_who_and_when():
    rows = visits(a="1 2").rename(columns={"customer_id": "구매자", "at": "결제일시"})
    result = retention(rows, unit="구매자", at="결제일시", period="day")
    assert result.frame["n_retained"].tolist() == [1, 1]


# --- the table as a reader sees it ------------------------------------------------------------------


def test_the_matrix_has_a_row_a_cohort_and_a_column_a_period():
    result = ask(THREE)
    matrix = result.matrix("n_retained")
    assert matrix.shape == (4, 4)
    assert matrix.loc["2026-01-01"].tolist() == [2, 1, 0, 2]
    assert matrix.isna().sum(axis=None) == 6
    assert result.matrix().loc["2026-01-02", 1] == 1


def test_it_prints_the_pooled_row_first_and_marks_what_is_not_over():
    result = ask(visits(a="1 2", b="2"), as_of=dt.datetime(2026, 1, 3, 12, tzinfo=dt.UTC))
    shown = result.display_frame("en")
    assert shown.columns.tolist() == ["Joined in", "People", "1", "2"]
    assert shown.to_numpy().tolist() == [
        ["All", "2", "100.0%", ""],
        ["2026-01-01", "1", "100.0%", "·"],
        ["2026-01-02", "1", "·", ""],
    ]
    assert result.display_frame("ko").columns[0] == "첫 구매 시기"


def test_the_headline_carries_rate_denominator_and_interval():
    rows = visits(**{f"u{i}": "1 2" if i < 3 else "1" for i in range(12)})
    lower, upper = wilson(3, 12)
    for lang in ("ko", "en"):
        said = ask(rows).headline(lang)
        for part in ("25.0%", "12", f"{100 * lower:.2f}%", f"{100 * upper:.1f}%"):
            assert part in said


# --- verdicts ---------------------------------------------------------------------------------------


def cohorts(*rates, n=400):
    """Return activity whose k-th cohort of ``n`` has the given share active on the next day."""
    frames = []
    for k, rate in enumerate(rates):
        units = [f"{k}-{i}" for i in range(n)]
        day = pd.Timestamp("2026-01-01") + pd.Timedelta(days=10 * k)
        frames.append(pd.DataFrame({"customer_id": units, "at": day}))
        back = units[: int(n * rate)]
        frames.append(pd.DataFrame({"customer_id": back, "at": day + pd.Timedelta(days=1)}))
    return pd.concat(frames)


def test_a_cohort_that_came_back_less_is_named():
    result = ask(cohorts(0.5, 0.5, 0.2, 0.5))
    assert str(result.verdict) == "worse"
    assert "2026-01-21" in result.reason
    gaps = cohort_gaps(result)
    top = gaps.frame.iloc[0]
    assert (top["cohort"], top["n_retained"], top["cohort_size"]) == ("2026-01-21", 80, 400)
    assert top["others_rate"] == pytest.approx(0.5)
    assert top["diff"] == pytest.approx(-0.3)
    assert gaps.headline("en") == result.reason


def test_gaps_of_another_period_have_their_own_verdict():
    rows = cohorts(0.5, 0.5, 0.2, 0.5)
    gaps = cohort_gaps(ask(rows), period=2)
    assert gaps.verdict.code == "NO_GAP"
    assert gaps.frame["n_retained"].eq(0).all()
    assert cohort_gaps(ask(rows), period=99).verdict.code == "ONE_COHORT"


def test_no_gap_is_no_verdict():
    assert ask(cohorts(0.5, 0.48, 0.52)).verdict.code == "NO_GAP"
    assert ask(cohorts(0.5)).verdict.code == "ONE_COHORT"


def test_gaps_begin_one_period_later():
    with pytest.raises(UsageError, match="must be 1 or more"):
        cohort_gaps(ask(THREE), period=0)


# --- nothing to tell --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (THREE, {"start": "2027-01-01"}),
        (THREE, {"end": "2020-01-01"}),
        (THREE, {"as_of": "2020-01-01"}),
        (THREE, {"as_of": "2020-01-01", "start": "2019-12-01"}),
        (THREE, {"start": "2027-01-01", "as_of": "2028-01-01"}),
        (THREE.iloc[:0], {}),
    ],
)
def test_nobody_in_range_is_an_answer_in_words(rows, options):
    result = ask(rows, **options)
    assert (str(result.verdict), result.verdict.code) == ("cannot_tell", "NO_UNITS")
    assert "Nobody was active in this period." in result.headline("en")
    assert "활동한 사람이 없습니다" in result.headline("ko")
    for text in (repr(result), result._repr_html_()):
        assert "Nobody was active" in text
    assert len(result.matrix()) == result.frame["cohort"].nunique()
    assert result.pooled["n_retained"].sum() == 0
    assert str(cohort_gaps(result).verdict) == "cannot_tell"


def test_a_missing_table_is_an_answer_in_words():
    result = ask(MissingTable("orders"))
    assert (str(result.verdict), result.verdict.code) == ("cannot_tell", "MISSING_TABLE")
    assert "[tables.orders]" in result.headline("en")
    assert "orders" in repr(result)
    assert "orders" in result._repr_html_()
    assert len(result.pooled) == len(result.matrix()) == 0
    assert cohort_gaps(result).verdict.code == "MISSING_TABLE"


# --- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "customerid"}, "'customer_id'"),
        ({"at": "att"}, "'at'"),
        ({"period": "months"}, "'month'"),
        ({"period": "M"}, "Seen: hour, day, week, month"),
        ({"mode": "on_or_afer"}, "'on_or_after'"),
        ({"cohort": "frist"}, "'first'"),
        ({"timezone": "Asia/Soul"}, "'Asia/Seoul'"),
    ],
)
def test_an_unknown_name_has_a_nearest_one_in_both_languages(options, message):
    with pytest.raises(UnknownName, match=message) as raised:
        retention(THREE, **{"unit": "customer_id", "at": "at", "period": "day", **options})
    assert "있는 것" in raised.value.message("ko")


@pytest.mark.parametrize(
    "options",
    [{"start": "2026-1-1"}, {"end": "20260101"}, {"as_of": "2026-W05-6"}, {"alpha": 0},
     {"start": "2026-02-01", "end": "2026-01-01"}],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(options):
    with pytest.raises(UsageError):
        ask(THREE, **options)


def test_a_table_of_millions_of_cells_is_refused():
    with pytest.raises(UsageError, match="Choose a longer period"):
        ask(visits(a="1 400", b="300"), "hour")


# --- against a plain count --------------------------------------------------------------------------


def plain(rows, mode, cohort, as_of):
    """Count every cell from sets of days: {(cohort, k): n}, only cells that are over."""
    last = as_of if as_of is not None else max(day for _, day in rows)
    seen = {}
    for unit, day in rows:
        if day <= last:
            seen.setdefault(unit, set()).add(day)
    counted = {}
    for own in seen.values():
        for joined in sorted(own) if cohort == "recurring" else [min(own)]:
            for k in range(last - joined + 1):
                back = {
                    "on": joined + k in own,
                    "on_or_after": any(day >= joined + k for day in own),
                    "on_or_before": k == 0 or any(joined < day <= joined + k for day in own),
                }[mode]
                counted[joined, k] = counted.get((joined, k), 0) + back
    return counted


@FEW
@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 12)), min_size=1, max_size=25),
    st.none() | st.integers(1, 14),
)
def test_every_mode_agrees_with_a_plain_count(rows, as_of):
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    frame["at"] = pd.Timestamp("2025-12-31") + pd.to_timedelta(frame["day"], unit="D")
    known = {} if as_of is None else {"as_of": f"2026-01-{as_of:02d}"}
    for mode in ("on", "on_or_after", "on_or_before"):
        for cohort in ("first", "recurring"):
            result = ask(frame, mode=mode, cohort=cohort, **known)
            seen = {
                ((row.cohort - pd.Timestamp("2025-12-31")).days, row.period): row.n_retained
                for row in result.frame[result.frame["cohort_size"] > 0].itertuples()
            }
            assert seen == plain(rows, mode, cohort, as_of)


@FEW
@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 12)), min_size=2, max_size=25),
    st.randoms(use_true_random=False),
)
def test_t22_rows_names_and_parts_do_not_matter(rows, random):  # T22
    frame = pd.DataFrame([*rows, ("z", 1), ("z", 12)], columns=["customer_id", "day"])
    frame["at"] = pd.Timestamp("2025-12-31") + pd.to_timedelta(frame["day"], unit="D")
    whole = ask(frame).frame
    places = list(range(len(frame)))
    random.shuffle(places)
    pd.testing.assert_frame_equal(ask(frame.iloc[places]).frame, whole)
    pd.testing.assert_frame_equal(
        ask(frame.assign(customer_id=frame["customer_id"] + "님")).frame, whole
    )
    known = {"start": "2026-01-01", "end": "2026-01-12", "as_of": "2026-01-12"}
    parts = [
        ask(frame[frame["customer_id"].isin(part)], **known).frame.set_index(["cohort", "period"])
        for part in (["a", "b"], ["c", "d", "e", "z"])
    ]
    total = parts[0].reindex(parts[1].index, fill_value=0)["n_retained"] + parts[1]["n_retained"]
    expected = ask(frame, **known).frame.set_index(["cohort", "period"])["n_retained"]
    assert total.tolist() == expected.tolist()


def test_moving_by_whole_weeks_moves_only_the_names():
    moved = THREE.assign(at=THREE["at"] + pd.Timedelta(weeks=10))
    assert list(cells(moved).values()) == list(cells(THREE).values())
    assert np.array_equal(ask(moved).pooled["n_retained"], ask(THREE).pooled["n_retained"])
