"""The funnel, case by case, worked out in the head; then what must hold for every log."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.engine import MissingTable, Table, as_table
from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.funnel import FunnelResult, compare_funnels, funnel, funnel_gaps
from custmeasure.stats import wilson

STEPS = ["visit", "cart", "buy"]
NAMES = {"v": "visit", "c": "cart", "b": "buy", "x": "other"}
FEW = settings(max_examples=15, deadline=None, derandomize=True)


def log(**units):
    """Return a log from ``a="v0 c2.5 b3"``: the event's letter and its hour on 2026-01-01 UTC."""
    rows = [
        (unit, pd.Timestamp("2026-01-01") + pd.Timedelta(hours=float(word[1:])), NAMES[word[0]])
        for unit, words in units.items()
        for word in words.split()
    ]
    return pd.DataFrame(rows, columns=["visitor_id", "at", "event"]).astype(
        {"at": "datetime64[us]"}
    )


def counts(events, steps=None, window="10h", **options):
    return funnel(events, steps or STEPS, window=window, **options).frame["n_reached"].tolist()


def median_hours(events, **options):
    return funnel(events, STEPS, window="10h", **options).frame["median_hours_to_step"].tolist()


# --- who gets how far -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("v0 c1 b2", [1, 1, 1]),
        ("v0 x0.5 c1 x1.5 b2", [1, 1, 1]),  # other events between
        ("v0 b1 c2", [1, 1, 0]),  # the step before is missing
        ("c0 b1 v2", [1, 0, 0]),  # nothing before the entry counts
        ("v0 c10 b10", [1, 1, 1]),  # the window's last instant is inside
        ("v0 c1 b10.01", [1, 1, 0]),  # from the first step, not from the step before
        ("v0 c9 b18", [1, 1, 0]),
        ("v0 c1 v20 c21 b22", [1, 1, 1]),  # the deepest attempt counts
        ("v0 c1 b2 v20", [1, 1, 1]),  # a later attempt takes nothing back
        ("v0 v8 c9 b17", [1, 1, 1]),  # an attempt may begin inside another
        ("v0 v0 c0 c0 b0 b0", [1, 1, 1]),  # ties
    ],
)
def test_ordered(words, expected):
    both = log(a=words, stray="x0 c0 b0")  # every step happens somewhere; the stray never enters
    assert counts(both) == expected


@pytest.mark.parametrize(
    ("words", "together", "later"),
    [
        ("v0 c0 b0", [1, 1, 1], [1, 0, 0]),
        ("v0 c0 c1 b1", [1, 1, 1], [1, 1, 0]),
        ("v0 c0 c1 b2", [1, 1, 1], [1, 1, 1]),
        ("b0 c0 v0", [1, 1, 1], [1, 0, 0]),  # the order of rows of one instant does not matter
    ],
)
def test_ties(words, together, later):
    assert counts(log(a=words)) == together
    assert counts(log(a=words), ties="later") == later


@pytest.mark.parametrize(
    ("steps", "words", "expected"),
    [
        (["visit", "visit"], "v0", [1, 0]),  # one event serves one step
        (["visit", "visit"], "v0 v0", [1, 1]),
        (["visit", "visit"], "v0 v1", [1, 1]),
        (["visit", "cart", "visit"], "v0 c1", [1, 1, 0]),
        (["visit", "cart", "visit"], "v0 v0 c0", [1, 1, 1]),
        (["visit", "cart", "visit"], "v0 c0", [1, 1, 0]),
        (["visit", "visit", "visit"], "v0 v4 v11 v12", [1, 1, 1]),  # the best attempt begins at 4
        (["visit"], "v0 v1", [1]),
    ],
)
def test_a_step_needs_an_event_of_its_own(steps, words, expected):
    assert counts(log(a=words), steps) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("v0 c1 b2", [1, 1, 1]),
        ("v0 x1 c2 b3", [1, 0, 0]),
        ("v0 v1 c2 b3", [1, 1, 1]),  # the attempt from the second visit has nothing between
        ("v0 c1 c2 b3", [1, 1, 0]),
        ("v0 c1 b2 x2", [1, 1, 1]),
        ("v0 c0 b0", [1, 1, 1]),  # of one instant the steps come first, in their order
        ("v0 x0 c0 b0", [1, 1, 1]),
        ("v0 c11 b12", [1, 0, 0]),
    ],
)
def test_strict_lets_nothing_stand_between(words, expected):
    assert counts(log(a=words, stray="c0 b0"), order="strict") == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("b0 c1 v2", [1, 1, 1]),
        ("b0 v2", [1, 1, 0]),
        ("c0 c1", [1, 0, 0]),  # the same step twice is one step
        ("x0", [0, 0, 0]),
        ("b0 c10 v10", [1, 1, 1]),
        ("b0 c11 v12", [1, 1, 0]),  # within one window from the first of them
        ("b0 c9 v11 b12", [1, 1, 1]),  # the window from the cart holds all three
    ],
)
def test_any_order_counts_those_who_took_at_least_k_steps(words, expected):
    both = log(a=words, late="v100 c200 b300")  # one more, who takes one step at a time
    assert counts(both, order="any") == [expected[0] + 1, *expected[1:]]


def test_any_order_has_no_step_before_another():
    with pytest.raises(UsageError, match="ties='later' says nothing"):
        funnel(log(a="v0 c1 b2"), STEPS, window="1h", order="any", ties="later")


def test_several_people():
    events = log(a="v0 c1 b2", b="v0 c1", c="v5", d="c0 b1", e="v0 b1 v2 c3")
    assert counts(events) == [4, 3, 1]


# --- rates, intervals, times ------------------------------------------------------------------------


def test_rates_divide_by_the_step_before_and_by_the_first():
    result = funnel(log(a="v0 c1 b2", b="v0 c1", c="v0 c2", d="v0"), STEPS, window="10h")
    frame = result.frame
    assert tuple(frame.columns) == FunnelResult.COLUMNS
    assert frame["n_reached"].tolist() == [4, 3, 1]
    assert frame["overall_rate"].tolist() == [1, 0.75, 0.25]
    assert frame["step_rate"][1:].tolist() == [0.75, 1 / 3]
    assert np.isnan(frame["step_rate"][0])  # there is no step before the first
    lower, upper = wilson([3, 1], [4, 3])
    assert frame["step_rate_ci_lower"][1:].tolist() == lower.tolist()
    assert frame["step_rate_ci_upper"][1:].tolist() == upper.tolist()
    # The share of the first step of itself is 1 by definition: no interval.
    assert np.isnan(frame["overall_rate_ci_lower"][0])


def test_an_undefined_rate_is_blank_never_0():
    frame = funnel(log(a="v0", stray="c0 b0"), STEPS, window="1h").frame
    assert frame["step_rate"].tolist()[1] == 0  # nobody of one went on: that is a rate
    assert np.isnan(frame["step_rate"][2])  # of nobody: that is none
    frame = FunnelResult.from_counts(STEPS, [0, 0, 0]).frame
    assert frame["overall_rate"].isna().all()


def test_time_is_the_median_from_the_step_before_in_the_best_attempt():
    events = log(
        a="v0 c1 b3",  # 1 h, 2 h
        b="v0 c3 b4",  # 3 h, 1 h
        c="v0 c9 v20 c25 b26",  # the second attempt is deeper: 5 h, 1 h
        d="v0 c7",  # 7 h
    )
    assert median_hours(events)[1:] == [4, 1]
    assert np.isnan(median_hours(events)[0])
    # Of two attempts that got equally far the earlier counts: 2 h, not 1 h.
    assert median_hours(log(a="v0 c2 v20 c21", stray="b0"))[1] == 2
    assert np.isnan(median_hours(log(a="v0", stray="c0 b0"))[1])


# --- dates and what is not over ---------------------------------------------------------------------


def days(**units):
    """Return a log of whole days of January 2026: ``a="v1 c2"``."""
    events = log(**units)
    since = events["at"] - pd.Timestamp("2026-01-01")
    return events.assign(at=pd.Timestamp("2025-12-31") + since * 24)


def test_dates_select_entries_and_conversions_may_fall_after_the_end():
    events = days(a="v1 c2 b3", b="v2 c9 b9.5", c="v4 c5 b6")
    asked = {"window": "7d", "start": "2026-01-02", "end": "2026-01-03"}
    assert counts(events, **asked) == [1, 1, 0]  # b: bought after the window
    assert counts(events, **{**asked, "window": "8d"}) == [1, 1, 1]
    assert counts(events, **{**asked, "start": "2026-01-01", "end": "2026-01-04"}) == [3, 3, 2]


def test_both_days_are_taken_in_to_their_end():
    events = days(a="v1", b="v1.999", c="v2", stray="c1 b1")
    assert counts(events, window="1d", start="2026-01-01", end="2026-01-01") == [2, 0, 0]
    assert counts(events, window="1d", start="2026-01-02") == [1, 0, 0]


def test_an_attempt_that_begins_before_the_start_does_not_count_but_a_later_one_does():
    events = days(a="v1 c2 v3 b4")
    assert counts(events, window="7d", start="2026-01-02") == [1, 0, 0]


def test_days_begin_in_the_shop_s_time_zone():
    at = [
        dt.datetime(2026, 1, 1, 14, 59, tzinfo=dt.UTC),
        dt.datetime(2026, 1, 1, 15, tzinfo=dt.UTC),
    ]
    arrow = pa.table({"visitor_id": ["a", "b"], "at": at, "event": ["visit", "visit"]})
    table = Table("events", arrow, ("visitor_id", "at", "event"), "Asia/Seoul")
    for day, n in (("2026-01-01", 1), ("2026-01-02", 1), ("2026-01-03", 0)):
        assert counts(table, ["visit"], start=day, end=day) == [n]


def test_an_entry_whose_window_is_not_over_is_pending():
    events = days(a="v1 c2 b3", b="v1", c="v5 c5 b5", d="v6")
    result = funnel(events, STEPS, window="3d", as_of="2026-01-06")
    # c bought on its first day, but might not have: who entered with it is not over either.
    assert result.frame["n_reached"].tolist() == [2, 1, 1]
    assert result.definition["n_pending"] == 2
    assert "50.0%" in result.headline("en")
    assert "of 2 got" in result.headline("en")
    assert "2 people are still within their window" in result.notes[0]
    assert "이탈이 아닙니다" in result.notes[0].ko


def test_a_window_is_over_with_its_last_instant():
    events = log(a="v0 c10 b10", stray="x0")
    moment = pd.Timestamp("2026-01-01 10:00")
    assert counts(events, as_of=moment.to_pydatetime()) == [1, 1, 1]
    early = (moment - pd.Timedelta("1us")).to_pydatetime()
    assert counts(events, as_of=early) == [0, 0, 0]
    # A day as_of ends before midnight: a window that ends at midnight is not over yet.
    assert counts(days(a="v1", stray="c1 b1"), window="1d", as_of="2026-01-01") == [0, 0, 0]


def test_who_has_a_finished_attempt_is_not_pending():
    events = days(a="v1 v9 c9 b9")
    result = funnel(events, STEPS, window="3d", as_of="2026-01-10")
    assert result.frame["n_reached"].tolist() == [1, 0, 0]  # the pending attempt tells nothing yet
    assert result.definition["n_pending"] == 0


def test_entries_after_as_of_or_outside_the_dates_are_not_pending():
    events = days(a="v1 c2 b3", b="v8", c="v20")
    assert funnel(events, STEPS, window="3d", as_of="2026-01-08").definition["n_pending"] == 1
    asked = {"window": "3d", "as_of": "2026-01-08", "end": "2026-01-05"}
    assert funnel(events, STEPS, **asked).definition["n_pending"] == 0


def test_without_as_of_every_window_counts_as_over_and_says_so():
    result = funnel(days(a="v1 c1 b1"), STEPS, window="7d")
    assert result.definition["as_of"] is None
    assert "every window counts as over" in result.notes[-1]


def test_the_shop_s_own_as_of_counts_when_none_is_given():
    arrow = pa.Table.from_pandas(days(a="v1 c1 b1", b="v6"), preserve_index=False)
    known = dt.datetime(2026, 1, 6, 23, 59, tzinfo=dt.UTC)
    table = Table("events", arrow, ("visitor_id", "at", "event"), as_of=known)
    result = funnel(table, STEPS, window="3d")
    assert (result.frame["n_reached"].tolist(), result.definition["n_pending"]) == ([1, 1, 1], 1)
    assert funnel(table, STEPS, window="3d", as_of="2026-01-20").definition["n_pending"] == 0


# --- segments ---------------------------------------------------------------------------------------


def test_a_unit_belongs_to_the_value_at_the_entry_of_its_best_attempt():
    events = log(a="v0 c1 v20 c21 b22", b="v0 c1").assign(
        device=["phone", "phone", "desk", "phone", "phone", "phone", "desk"]
    )
    frame = funnel(events, STEPS, window="10h", by="device").frame
    assert tuple(frame.columns) == ("device", *FunnelResult.COLUMNS)
    assert frame["device"].tolist() == ["desk"] * 3 + ["phone"] * 3
    assert frame["n_reached"].tolist() == [1, 1, 1, 1, 1, 0]


def test_b25_a_missing_value_is_a_segment_and_segments_add_up(tmp_path):  # B25, B03
    events = log(a="v0 c1", b="v0", c="v0 c1 b2", d="v0", e="v0")
    own = {"a": "NA", "b": None, "c": "null", "d": "", "e": None}
    events = events.assign(channel=events["visitor_id"].map(own))
    frame = funnel(events, STEPS, window="10h", by="channel").frame
    assert frame["channel"].unique().tolist() == ["", "(none)", "NA", "null"]
    by_step = frame.groupby("step", sort=False)["n_reached"].sum().tolist()
    assert by_step == counts(events) == [5, 2, 1]
    # In a CSV an empty field is a missing one; NA and null are words.
    events.to_csv(tmp_path / "events.csv", index=False)
    frame = funnel(tmp_path / "events.csv", STEPS, window="10h", by="channel").frame
    assert frame["channel"].unique().tolist() == ["(none)", "NA", "null"]
    assert frame.groupby("step", sort=False)["n_reached"].sum().tolist() == [5, 2, 1]


def test_b24_a_missing_unit_is_counted_and_never_matches():  # B24
    events = log(a="v0 c1 b2")
    nobody = log(n="v0 c1 b2 v3 c4 b5").assign(visitor_id=None)
    result = funnel(pd.concat([events, nobody]), STEPS, window="10h")
    assert result.frame["n_reached"].tolist() == [1, 1, 1]
    assert "6 events name nobody" in result.notes[0]
    assert "6건" in result.notes[0].ko


def test_ids_are_text():
    events = pd.concat([log(a="v0"), log(b="c1 b2")])
    assert counts(events.assign(visitor_id=["00123", "123", "123"])) == [1, 0, 0]
    assert counts(events.assign(visitor_id=[123, 123, 123])) == [1, 1, 1]


def test_any_column_may_be_the_unit():
    events = log(a="v0 c1", b="b2").assign(customer_id="k")
    assert counts(events, unit="customer_id") == [1, 1, 1]


def test_a_column_of_the_answer_cannot_split_it():
    for name in ("step", "n_reached"):
        with pytest.raises(UsageError, match="Rename that column"):
            funnel(log(a="v0 c1 b2").assign(**{name: "x"}), STEPS, window="1h", by=name)


def test_two_segments_of_one_instant_do_not_depend_on_the_rows():
    events = log(a="v0 v0", stray="c0 b0").assign(device=["phone", "desk", "-", "-"])
    seen = [
        funnel(rows, STEPS, window="1h", by="device").frame["device"].tolist()
        for rows in (events, events.iloc[[1, 0, 2, 3]], events.iloc[::-1])
    ]
    assert seen[0] == seen[1] == seen[2]


# --- what is refused --------------------------------------------------------------------------------

EVENTS = log(a="v0 c1 b2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"steps": ["vist", "buy"]},
            r"step 'vist' does not exist in frame.event. Did you mean 'visit'",
        ),
        ({"by": "devise"}, "column 'devise' does not exist in frame"),
        ({"unit": "visitorid"}, "'visitor_id'"),
        ({"order": "orderd"}, "'ordered'"),
        ({"ties": "latter"}, "'later'"),
    ],
)
def test_an_unknown_name_has_a_nearest_one_in_both_languages(options, message):
    with pytest.raises(UnknownName, match=message) as raised:
        funnel(EVENTS, **{"steps": STEPS, "window": "1h", **options})
    assert "있는 것" in raised.value.message("ko")


@pytest.mark.parametrize(
    "options",
    [
        {"window": 7}, {"window": "7"}, {"window": ""}, {"start": "2026-1-1"}, {"end": "20260101"},
        {"as_of": "2026-W05-6"}, {"start": "2026-02-01", "end": "2026-01-01"}, {"steps": []},
        {"steps": "visit"}, {"steps": [1, 2]}, {"steps": None}, {"alpha": 0},
        {"alpha": 1.5}, {"target": 3}, {"target": -0.1},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(options):
    with pytest.raises(UsageError) as raised:
        funnel(EVENTS, **{"steps": STEPS, "window": "1h", **options})
    assert raised.value.message("ko") != raised.value.message("en")


def test_a_window_must_be_given():
    with pytest.raises(TypeError):
        funnel(EVENTS, STEPS)


# --- nothing to tell --------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [None, "event"])
@pytest.mark.parametrize(
    ("events", "options"),
    [(EVENTS, {"start": "2027-01-01"}), (EVENTS, {"as_of": "2020-01-01"}), (EVENTS.iloc[:0], {})],
)
def test_nobody_in_range_is_an_answer_in_words(events, options, by):
    result = funnel(events, STEPS, window="1h", by=by, **options)
    assert (str(result.verdict), result.verdict.code) == ("cannot_tell", "NO_UNITS")
    assert "Nobody entered with" in result.headline("en")
    assert "없습니다" in result.headline("ko")
    assert "  " not in result.headline("en")
    for text in (repr(result), result._repr_html_()):
        assert "Nobody entered with" in text
    if by:
        assert str(funnel_gaps(result).verdict) == "cannot_tell"


def test_a_missing_table_is_an_answer_in_words():
    result = funnel(MissingTable("events"), STEPS, window="1h")
    assert (str(result.verdict), result.verdict.code) == ("cannot_tell", "MISSING_TABLE")
    assert "[tables.events]" in result.headline("en")
    assert "events" in result.headline("ko")
    for text in (repr(result), result._repr_html_()):
        assert "[tables.events]" in text
    assert tuple(result.frame.columns) == FunnelResult.COLUMNS
    assert funnel_gaps(result).verdict.code == "MISSING_TABLE"


# --- from counts ------------------------------------------------------------------------------------


def test_from_counts_is_the_same_answer():
    events = log(a="v0 c1 b2", b="v0 c1", c="v0")
    counted = FunnelResult.from_counts(STEPS, [3, 2, 1]).frame.drop(columns="median_hours_to_step")
    walked = funnel(events, STEPS, window="10h").frame.drop(columns="median_hours_to_step")
    pd.testing.assert_frame_equal(walked, counted)
    assert FunnelResult.from_counts(STEPS, np.array([3, 2, 1])).totals() == [3, 2, 1]
    assert FunnelResult.from_counts(("a", "b"), (3.0, 2)).totals() == [3, 2]


def test_from_counts_by_segment():
    result = FunnelResult.from_counts(["a", "b"], {"x": [4, 1], "y": [6, 3]}, by="device",
                                      median_hours={"x": [np.nan, 5.0]})  # fmt: skip
    assert (result.by, result.steps, result.totals()) == ("device", ["a", "b"], [10, 4])
    assert result.frame["median_hours_to_step"].tolist()[1] == 5
    assert np.isnan(result.frame["median_hours_to_step"][3])
    # Repeated steps and segments without a name are not mixed up.
    result = FunnelResult.from_counts(["a", "a"], {None: [4, 1], "y": [6, 3]})
    assert (result.steps, result.totals()) == (["a", "a"], [10, 4])


@pytest.mark.parametrize(
    ("steps", "reached"),
    [
        (["a", "b"], [1, 2]), (["a", "b"], [1]), (["a", "b"], [3, 2, 1]), (["a", "b"], [-1, -2]),
        (["a"], [-1]), ([], []), (["a", "b"], [2.5, 1]),
        (["a", "b"], [float("nan"), 1]), (["a", "b"], [float("inf"), 1]),
        (["a", "b"], ["2", 1]), (["a", "b"], [None, 1]), (["a", "b"], {"x": [1, 2]}),
    ],
)  # fmt: skip
def test_counts_that_cannot_be_are_refused(steps, reached):
    with pytest.raises(UsageError, match="never rising") as raised:
        FunnelResult.from_counts(steps, reached)
    assert "늘지 않아야" in raised.value.message("ko")


@pytest.mark.parametrize(
    ("target", "verdict", "code"),
    [(0.01, "better", None), (0.5, "worse", None), (0.06, "cannot_tell", "TOO_FEW_UNITS"),
     (None, "cannot_tell", "NO_TARGET")],
)  # fmt: skip
def test_the_verdict_compares_the_interval_with_the_target(target, verdict, code):
    result = FunnelResult.from_counts(["visit", "buy"], [1000, 60], target=target)
    assert (str(result.verdict), result.verdict.code) == (verdict, code)
    if target:
        assert f"{100 * target:.2f}%"[:2] in result.reason


def test_the_headline_carries_rate_denominator_and_interval():
    result = FunnelResult.from_counts(["sign up", "pay"], [1000, 60])
    lower, upper = wilson(60, 1000)
    for lang in ("ko", "en"):
        said = result.headline(lang)
        for part in (
            "6.00%",
            "1,000",
            f"{100 * lower:.2f}%",
            f"{100 * upper:.2f}%",
            "sign up",
            "pay",
        ):
            assert part in said
    # One unit has a rate, but no interval.
    assert "100.0% of 1 got" in FunnelResult.from_counts(["a", "b"], [1, 1]).said("en")


# --- gaps between segments --------------------------------------------------------------------------


def test_the_biggest_leak_is_named_with_its_numbers():
    result = FunnelResult.from_counts(
        STEPS,
        {"mobile": [1000, 200, 100], "desktop": [1000, 400, 200], "tablet": [10, 4, 2]},
        by="device",
    )
    gaps = funnel_gaps(result)
    top = gaps.frame.iloc[0]
    assert (top["segment"], top["step"]) == ("mobile", "visit → cart")
    assert (top["n_before"], top["n_reached"], top["n_others"]) == (1000, 200, 1010)
    assert top["others_rate"] == pytest.approx(404 / 1010)
    assert top["diff"] == pytest.approx(0.2 - 0.4)
    assert top["n_lost"] == pytest.approx(200)
    assert str(gaps.verdict) == "worse"
    assert "mobile" in gaps.headline("en")
    assert "1,000" in gaps.headline("ko")
    assert len(gaps.frame) == 6


def test_no_gap_is_no_verdict():
    gaps = funnel_gaps(FunnelResult.from_counts(["a", "b"], {"x": [40, 20], "y": [40, 19]}))
    assert (str(gaps.verdict), gaps.verdict.code) == ("cannot_tell", "NO_GAP")
    alone = funnel_gaps(FunnelResult.from_counts(["a", "b"], {"x": [40, 20]}))
    assert alone.frame["p_value"].isna().all()
    assert str(alone.verdict) == "cannot_tell"


def test_small_groups_are_one_row_and_no_sum_changes():
    parts = {
        "mobile": [100, 40, 2], "watch": [4, 1, 0], "tv": [9, 9, 9], "desktop": [90, 60, 30],
        "others (1,203)": [2000, 100, 20],
    }  # fmt: skip
    gaps = funnel_gaps(FunnelResult.from_counts(STEPS, parts, by="device"))
    rows = gaps.frame.set_index(["step", "segment"])
    first = rows.loc["visit → cart"]
    assert first[["n_before", "n_reached"]].T.to_dict("list") == {
        "mobile": [100, 40], "desktop": [90, 60], "(others)": [2013, 110],
    }  # fmt: skip
    assert gaps.frame.groupby("step")["n_reached"].sum().to_dict() == {
        "visit → cart": 210, "cart → buy": 61,
    }  # fmt: skip
    assert (first["n_before"] + first["n_others"]).eq(2203).all()
    limits = wilson([110], [2013])
    assert first.loc["(others)", "step_rate_ci_upper"] == limits[1][0]
    assert "1,205 small groups" in gaps.notes[-1]
    assert "1,205개" in gaps.notes[-1].ko
    # Most people are lost in (others), which is no group to name.
    assert gaps.frame["segment"][0] == "(others)"
    assert "mobile at cart → buy" in gaps.headline()
    with pytest.raises(UsageError, match="min_cell"):
        funnel_gaps(FunnelResult.from_counts(STEPS, parts), min_cell=0)


def test_a_smaller_minimum_keeps_every_group():
    parts = {"x": [4, 1], "y": [9, 9], "z": [30, 10]}
    kept = funnel_gaps(FunnelResult.from_counts(["a", "b"], parts), min_cell=1)
    assert sorted(kept.frame["segment"]) == ["x", "y", "z"]
    assert len(kept.notes) == 1


def test_groups_that_are_all_too_small_are_said_to_be():
    parts = {"x": [9, 1], "y": [9, 9], "nobody": [0, 0]}
    gaps = funnel_gaps(FunnelResult.from_counts(["a", "b"], parts))
    assert gaps.frame[["segment", "n_before", "n_reached"]].to_numpy().tolist() == [
        ["(others)", 18, 10]
    ]
    assert gaps.verdict.code == "TOO_FEW_UNITS"
    assert gaps.headline("en") == "Fewer than 10 people entered in each group, too few to compare."
    assert "10명이 안 되어" in gaps.headline("ko")


def test_an_unsplit_funnel_has_no_gaps():
    with pytest.raises(UsageError, match="not split"):
        funnel_gaps(FunnelResult.from_counts(["a", "b"], [2, 1]))


# --- a segment that lacks a step --------------------------------------------------------------------


def segments():
    """Return a log in which ten tablets look and nobody on one buys."""
    at = pd.Timestamp("2026-01-01")
    rows = [(f"t{i}", at, "visit", "tablet") for i in range(10)]
    rows += [(f"m{i}", at, event, "mobile") for i in range(10) for event in STEPS]
    return pd.DataFrame(rows, columns=["visitor_id", "at", "event", "device"])


def test_a_segment_without_a_step_has_none_of_its_people_there():
    split = funnel(segments(), STEPS, window="1h", by="device").frame.set_index("device")
    for frame in (
        split.loc["tablet"],
        funnel(as_table(segments()).keep([("device", "=", "tablet")]), STEPS, window="1h").frame,
    ):
        assert frame["n_reached"].tolist() == [10, 0, 0]
        assert frame["step_rate"].tolist()[1] == 0
        assert np.isnan(frame["step_rate"].tolist()[2])  # nobody was there to go on
        limits = [end[0] for end in wilson([0], [10])]
        ends = frame[["overall_rate_ci_lower", "overall_rate_ci_upper"]].to_numpy()
        assert ends[2].tolist() == limits


def test_two_kept_segments_are_compared():
    sides = [
        funnel(as_table(segments()).keep([("device", "=", name)]), STEPS, window="1h")
        for name in ("mobile", "tablet")
    ]
    change = compare_funnels(*sides, names=("mobile", "tablet"))
    assert str(change.verdict) == "worse"
    assert change.frame["diff"][0] == -1


def test_a_step_that_nobody_ever_took_is_refused_in_a_segment_too():
    tablets = as_table(segments()).keep([("device", "=", "tablet")])
    with pytest.raises(UnknownName, match="Did you mean 'buy'"):
        funnel(tablets, ["visit", "cart", "by"], window="1h")
    nobody = as_table(segments()).keep([("device", "=", "desktop")])
    assert funnel(nobody, STEPS, window="1h").verdict.code == "NO_UNITS"


# --- what holds for every log -----------------------------------------------------------------------


@st.composite
def logs(draw):
    """Draw a log of up to eight people over some hours, with ties and repeats."""
    event = st.tuples(
        st.sampled_from("abcdefgh"), st.integers(0, 30), st.sampled_from(sorted(NAMES.values()))
    )
    rows = draw(st.lists(event, min_size=1, max_size=40))
    rows += [("stray", 0, "cart"), ("stray", 0, "buy"), ("stray", 1, "visit")]
    frame = pd.DataFrame(rows, columns=["visitor_id", "hour", "event"])
    frame["device"] = frame["event"].str[0] + (frame["hour"] % 2).astype(str)
    return frame.assign(at=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["hour"], unit="h"))


def frames(events, **options):
    return funnel(events, STEPS, window="10h", **options).frame


ORDERS = st.sampled_from(["ordered", "strict", "any"])


@FEW
@given(logs(), ORDERS, st.randoms(use_true_random=False))
def test_t22_rows_and_names_do_not_matter(events, order, random):  # T22
    expected = frames(events, order=order)
    places = list(range(len(events)))
    random.shuffle(places)
    pd.testing.assert_frame_equal(frames(events.iloc[places], order=order), expected)
    renamed = events.assign(visitor_id="사람 " + events["visitor_id"].str.upper())
    pd.testing.assert_frame_equal(frames(renamed, order=order), expected)


@FEW
@given(logs(), ORDERS)
def test_parts_of_the_visitors_add_up(events, order):  # T22
    # Every part must hold every step: one visitor more, who takes them a year apart, is in each.
    years = pd.date_range("2030-01-01", periods=3, freq="YS")
    guest = pd.DataFrame({"visitor_id": "guest", "at": years, "event": STEPS})
    total = np.zeros(3, int)
    for part in ("abcd", "efgh", ["stray"]):
        own = pd.concat([events[events["visitor_id"].isin(list(part))], guest])
        total += frames(own, order=order)["n_reached"].to_numpy() - [1, 0, 0]
    assert frames(events, order=order)["n_reached"].tolist() == total.tolist()


@FEW
@given(logs(), ORDERS, st.integers(-400, 400))
def test_t21_moving_the_clock_moves_nothing(events, order, shift):  # T21
    moved = events.assign(at=events["at"] + pd.Timedelta(days=shift, minutes=shift))
    pd.testing.assert_frame_equal(frames(moved, order=order), frames(events, order=order))


@FEW
@given(logs(), ORDERS)
def test_t24_a_wider_window_never_lowers_a_count(events, order):  # T24
    before = np.zeros(3, int)
    for window in ("1h", "5h", "24h"):
        reached = funnel(events, STEPS, window=window, order=order).frame["n_reached"].to_numpy()
        assert (reached >= before).all()
        assert (np.diff(reached) <= 0).all()
        before = reached


@FEW
@given(logs(), ORDERS)
def test_segments_add_up_to_the_total(events, order):
    parts = frames(events, order=order, by="device")
    whole = frames(events, order=order)
    by_place = parts["n_reached"].to_numpy().reshape(-1, 3).sum(axis=0)
    assert by_place.tolist() == whole["n_reached"].tolist()


@FEW
@given(logs(), st.integers(0, 30))
def test_pending_and_counted_are_all_who_entered(events, hour):
    as_of = (pd.Timestamp("2026-01-01") + pd.Timedelta(hours=hour)).to_pydatetime()
    result = funnel(events, STEPS, window="10h", as_of=as_of)
    entered = events[(events["event"] == "visit") & (events["hour"] <= hour)][
        "visitor_id"
    ].nunique()
    assert result.frame["n_reached"][0] + result.definition["n_pending"] == entered


def test_no_events_and_no_steps_is_a_sentence():
    """A shop that only has orders has no steps in shop.toml either."""
    missing = funnel(MissingTable("events"), [], window="7d")
    assert missing.verdict.code == "MISSING_TABLE"
    assert funnel_gaps(missing).verdict.code == "MISSING_TABLE"
