"""Retention's rules: clocks, brackets, occurrences, events, filters, segments; in the head, then by force."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure import language
from custmeasure.engine import as_table
from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.retention import RetentionResult, kernels, retention
from custmeasure.stats import wilson

BEGIN = pd.Timestamp("2026-01-01")


def log(*rows, names=("customer_id", "day", "event")):
    """Return activity from ``("a", 1.5, "buy")``: the day of January 2026, and what was done."""
    frame = pd.DataFrame(rows, columns=list(names[: len(rows[0])]))
    frame["at"] = BEGIN + pd.to_timedelta(frame["day"].astype(float) - 1, unit="D")
    return frame.assign(at=frame["at"].dt.round("us"))


def ask(rows, period="day", **options):
    return retention(rows, unit="customer_id", at="at", period=period, **options)


def cells(rows, period="day", value="n_retained", **options):
    """Return cohort's day → its cells, blanks as None."""
    frame = ask(rows, period, **options).frame
    return {
        cohort.day: [None if pd.isna(v) else v for v in part[value]]
        for cohort, part in frame.groupby("cohort")
    }


# --- a clock of one's own ---------------------------------------------------------------------------


def test_rolling_days_run_from_each_unit_s_own_start():
    # a comes at 22:00 and again 5 hours later: the next day of the calendar, but within 24 hours.
    rows = log(("a", 1 + 22 / 24), ("a", 2 + 3 / 24), ("b", 1), ("b", 2), ("z", 5.9))
    assert cells(rows)[1][:2] == [2, 2]
    rolling = cells(rows, clock="rolling", end="2026-01-01")
    assert rolling[1][:2] == [2, 1]  # b came exactly 24 hours later: that is day 1


def test_a_rolling_cell_is_over_when_it_is_over_for_the_last_who_joined():
    rows = log(("a", 1), ("a", 2))
    known = {"clock": "rolling", "value": "mature", "end": "2026-01-01"}
    # Who joins at the last moment of the 1st has a day 1 that ends with the 3rd.
    assert cells(rows, as_of="2026-01-02", **known) == {1: [True, False]}
    assert cells(rows, as_of="2026-01-03", **known) == {1: [True, True, False]}


def test_a_rolling_month_is_30_times_24_hours():
    rows = log(("a", 1), ("a", 31), ("b", 1), ("b", 30.9))
    assert cells(rows, "month", clock="rolling", as_of="2026-05-31")[1][:3] == [2, 1, 0]
    assert cells(rows, "month", as_of="2026-03-31")[1] == [2, 0, 0]


def test_recurring_rolling_begins_anew_in_each_period():
    rows = log(("a", 1.5), ("a", 2.4), ("a", 3.5))
    # From 1.5 on 2.4 is day 0 and 3.5 is day 2; from 2.4 on 3.5 is day 1.
    found = cells(rows, clock="rolling", cohort="recurring", as_of="2026-01-09")
    assert found[1][:3] == [1, 0, 1]
    assert found[2][:3] == [1, 1, 0]


# --- brackets ---------------------------------------------------------------------------------------

DAYS = log(
    ("a", 1), ("a", 2), ("b", 1), ("b", 3), ("b", 4), ("c", 1), ("c", 8), ("d", 1), ("d", 12)
)


def test_brackets_fold_periods():
    options = {"brackets": [1, 3, 7], "as_of": "2026-01-31", "end": "2026-01-01"}
    assert cells(DAYS, **options) == {1: [4, 1, 1, 1]}
    assert cells(DAYS, mode="on_or_after", **options) == {1: [4, 4, 3, 2]}  # d came back beyond 7
    assert cells(DAYS, mode="on_or_before", **options) == {1: [4, 1, 2, 3]}
    assert ask(DAYS, **options).frame["period"].tolist() == [0, 1, 3, 7]


def test_a_bracket_is_over_when_its_last_period_is():
    options = {"brackets": [1, 3, 7], "end": "2026-01-01", "value": "mature"}
    assert cells(DAYS, as_of="2026-01-04", **options) == {1: [True, True, True]}
    assert cells(DAYS, as_of="2026-01-05", **options) == {1: [True, True, True, False]}
    assert cells(DAYS, as_of="2026-01-08", **options) == {1: [True] * 4}


def test_a_bracket_is_named_by_its_ends():
    result = ask(DAYS, brackets=[1, 3, 7], as_of="2026-01-31", mode="on_or_before")
    assert result.display_frame("en").columns.tolist()[2:] == ["1", "2–3", "4–7"]
    assert "came back within 1 day." in result.said("en")
    assert "1일 안에 다시 왔습니다" in result.said("ko")


@pytest.mark.parametrize("brackets", [[], [0, 1], [1, 1], [3, 1], [1.5], "17", 7, [True]])
def test_brackets_that_do_not_rise_are_refused(brackets):
    with pytest.raises(UsageError, match="rise from 1") as raised:
        ask(DAYS, brackets=brackets)
    assert "정수 목록" in raised.value.message("ko")


# --- how often --------------------------------------------------------------------------------------


def test_min_occurrences_ask_within_the_cell_s_own_time():
    rows = log(("a", 1), ("a", 2), ("a", 2.5), ("a", 3), ("b", 1), ("b", 2), ("b", 3))
    options = {"min_occurrences": 2, "as_of": "2026-01-03", "end": "2026-01-01"}
    assert cells(rows, **options) == {1: [2, 1, 0]}
    assert cells(rows, brackets=[2], **options) == {1: [2, 2]}
    assert cells(rows, mode="on_or_after", **options) == {1: [2, 1, 0]}


@pytest.mark.parametrize("times", [0, -1, 1.0, "2", True])
def test_occurrences_are_a_whole_number_from_1_on(times):
    with pytest.raises(UsageError, match="whole number, 1 or more"):
        ask(DAYS, min_occurrences=times)


# --- what starts, what returns ----------------------------------------------------------------------

SIGNED = log(
    ("a", 1, "signup"), ("a", 1.2, "buy"), ("a", 3, "buy"), ("b", 1, "signup"), ("b", 2, "signup"),
    ("c", 1, "buy"), ("c", 2, "buy"),
)  # fmt: skip


def test_one_event_joins_and_another_returns():
    options = {"start_event": "signup", "return_event": "buy", "as_of": "2026-01-03"}
    assert cells(SIGNED, **options) == {1: [2, 0, 1]}  # c never signed up
    assert cells(SIGNED, cohort="recurring", **options) == {1: [2, 0, 1], 2: [1, 0]}
    shown = ask(SIGNED, **options).definition
    assert (shown["start_event"], shown["return_event"]) == ("signup", "buy")


def test_joining_may_have_a_filter_that_returning_has_not():
    rows = SIGNED.assign(plan=["pro", None, None, "free", None, None, None])
    starts = [("event", "=", "signup"), ("plan", "=", "pro")]
    found = cells(rows, start_event=starts, as_of="2026-01-03")
    assert found == {1: [1, 0, 1]}
    assert ask(rows, start_event=starts).definition["start_event"] == "event = signup, plan = pro"


def test_where_holds_for_every_row():
    assert cells(SIGNED, where=[("customer_id", "!=", "a")], as_of="2026-01-03") == {1: [2, 2, 0]}


def test_an_event_that_never_happened_has_a_nearest_one():
    with pytest.raises(UnknownName, match="'signup'"):
        ask(SIGNED, start_event="sign_up")
    with pytest.raises(UnknownName, match="'buy'"):
        ask(SIGNED, return_event=[("event", "in", ["by", "buy"])])
    with pytest.raises(UnknownName, match="'event'"):
        ask(SIGNED, where=[("evnt", "=", "buy")])


def test_an_event_that_only_the_rows_kept_lack_is_no_mistake():
    rows = pd.concat([SIGNED.assign(plan="pro"), log(("d", 1, "signup"), ("e", 1, "signup"))])
    kept = as_table(rows).keep([("plan", "=", None)])
    asked = {"start_event": "signup", "return_event": "buy", "as_of": "2026-01-02"}
    row = ask(kept, **asked).frame.query("period == 1").iloc[0]
    assert (row["cohort_size"], row["n_retained"], row["retained_rate"]) == (2, 0, 0)
    assert row["retained_rate_ci_upper"] == wilson([0], [2])[1][0]
    with pytest.raises(UnknownName, match="'buy'"):
        ask(kept, **{**asked, "return_event": "by"})


# --- segments ---------------------------------------------------------------------------------------


def test_a_unit_belongs_to_its_value_at_the_start():
    rows = SIGNED.assign(channel=["ads", "kakao", "kakao", "kakao", "ads", None, "ads"])
    result = ask(rows, by="channel", as_of="2026-01-03")
    assert tuple(result.frame.columns) == ("channel", *RetentionResult.COLUMNS)
    seen = result.frame.set_index(["channel", "period"])["n_retained"]
    assert seen.loc["ads"].tolist() == [1, 0, 1]
    assert seen.loc["kakao"].tolist() == [1, 1, 0]
    assert seen.loc["(none)"].tolist() == [1, 1, 0]
    whole = ask(rows, as_of="2026-01-03").frame["n_retained"].tolist()
    assert whole == seen.groupby("period").sum().tolist()
    shown = result.display_frame("en").set_index("Channel")
    assert shown.loc["ads"].tolist() == ["1", "0.0%", "100.0%"]


def test_a_segment_that_came_back_less_is_named_in_both_languages():
    channel = np.repeat(["mobile", "desktop"], 400)
    back = np.r_[np.arange(400) < 80, np.arange(400) < 200]
    first = pd.DataFrame({"customer_id": np.arange(800), "day": 1, "channel": channel})
    rows = pd.concat([first, first[back].assign(day=2)])
    rows = rows.assign(at=BEGIN + pd.to_timedelta(rows["day"], unit="D"))
    result = ask(rows, by="channel")
    assert str(result.verdict) == "worse"
    assert result.headline("en") == "mobile came back less than the others."
    assert result.headline("ko").startswith("휴대폰 고객은")
    assert ask(rows.assign(channel="x"), by="channel").verdict.code == "NO_GAP"


# --- weeks ------------------------------------------------------------------------------------------


def test_weeks_may_begin_on_sunday():
    rows = log(("a", 3), ("a", 4), ("a", 11))  # 2026-01-04 and 2026-01-11 are Sundays
    assert cells(rows, "week", end="2026-01-03") == {29: [1, 1]}
    assert cells(rows, "week", week_start="sunday", end="2026-01-03") == {28: [1, 1, 1]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clock": "rollin"}, "'rolling'"),
        ({"week_start": "sun"}, "'sunday'"),
        ({"by": "evnt"}, "'event'"),
    ],
)
def test_an_unknown_rule_has_a_nearest_one(options, message):
    with pytest.raises(UnknownName, match=message):
        ask(SIGNED, **options)


# --- counts that somebody typed in ------------------------------------------------------------------


def test_from_counts_is_the_same_table():
    table = RetentionResult.from_counts({"2026-01": [100, 40, 30], "2026-02": [80, 20, None]})
    assert table.frame["n_retained"].isna().tolist() == [False] * 5 + [True]
    assert table.pooled["cohort_size"].tolist() == [180, 180, 100]
    assert table.display_frame("en").iloc[2].tolist() == ["2026-02", "80", "25.0%", "·"]
    assert RetentionResult.from_counts({}).verdict.code == "NO_UNITS"


@pytest.mark.parametrize(
    "counts", [{"2026-13": [1]}, {"x": [1]}, {"2026-01": []}, {"2026-01": [3, 4]}, {"2026-01": [3, -1]},
               {"2026-01": [3, 1.5]}, {"2026-01": [None, 1]}],
)  # fmt: skip
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(UsageError):
        RetentionResult.from_counts(counts)


def test_every_definition_has_words():
    rows = SIGNED.assign(channel="ads")
    result = ask(
        rows, clock="rolling", brackets=[1, 2], min_occurrences=2, start_event="signup",
        where=[("day", "<", 9)], return_event="buy", by="channel", week_start="sunday",
    )  # fmt: skip
    raw = {
        "clock",
        "brackets",
        "min_occurrences",
        "start_event",
        "return_event",
        "where",
        "week_start",
    }
    for lang in ("ko", "en"):
        assert not raw & {part.split(":")[0] for part in result.caption(lang).split(" · ")}
    language.use("ko")
    assert "각자 처음 온 때부터" in result.caption()


# --- by force ---------------------------------------------------------------------------------------

HOUR = 1 / 24


def plain(rows, as_of, *, mode, cohort, clock, brackets, times, split):
    """Count every cell row by row: {(segment, cohort's day, cell): units}, only finished cells."""
    ends = brackets or list(range(1, 40))
    found = {}
    units = {unit for unit, *_ in rows}
    for unit in units:
        own = sorted(
            (day, segment, kind) for who, day, kind, segment in rows if who == unit and day < as_of
        )
        starts = [(day, segment) for day, segment, kind in own if kind in ("start", "both")]
        joined = {}
        for day, segment in starts:
            joined.setdefault(int(day), (day, segment))
        for period, (day, segment) in sorted(joined.items())[: 1 if cohort == "first" else None]:
            zero = day if clock == "rolling" else int(day)
            ks = [
                int(np.floor(round((d if clock == "rolling" else int(d)) - zero, 9)))
                for d, _, kind in own
                if kind in ("return", "both") and d >= day
            ]
            lows = [1, *(end + 1 for end in ends)]
            inside = [
                sum(low <= k < high for k in ks) >= times for low, high in pairwise([*lows, 10_000])
            ]  # the last one lies beyond the last cell
            for i in range(len(ends)):
                over = period + ends[i] + 1 + (clock == "rolling")
                if over > as_of:
                    continue
                back = {
                    "on": inside[i],
                    "on_or_after": any(inside[i:]),
                    "on_or_before": any(inside[: i + 1]),
                }
                key = (segment if split else "", period, ends[i])
                found[key] = found.get(key, 0) + back[mode]
    return found


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(24, 24 * 9).map(lambda hour: hour * HOUR),
        st.sampled_from(["start", "return", "both", "neither"]),
        st.sampled_from("xy"),
    ),
    min_size=1, max_size=30, unique_by=lambda row: (row[0], row[1]),
)  # fmt: skip


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    ROWS,
    st.sampled_from(kernels.MODES),
    st.sampled_from(["first", "recurring"]),
    st.sampled_from(["calendar", "rolling"]),
    st.sampled_from([[], [1, 3], [2, 3, 5]]),
    st.integers(1, 2),
    st.booleans(),
    st.integers(3, 12),
)
def test_every_rule_agrees_with_a_plain_count(
    rows, mode, cohort, clock, brackets, times, split, as_of
):
    frame = log(*rows, names=("customer_id", "day", "kind", "segment"))
    result = ask(
        frame, mode=mode, cohort=cohort, clock=clock, brackets=brackets or None, min_occurrences=times,
        start_event=[("kind", "in", ["start", "both"])], return_event=[("kind", "in", ["return", "both"])],
        by="segment" if split else None,
        as_of=dt.datetime(2026, 1, as_of, tzinfo=dt.UTC) - dt.timedelta(microseconds=1),
    )  # fmt: skip
    seen = {}
    for row in result.frame.to_dict("records"):
        if row["mature"] and row["period"] and row["cohort_size"]:
            key = (row.get("segment", ""), row["cohort"].day, row["period"])
            seen[key] = row["n_retained"]
    rules = {"mode": mode, "cohort": cohort, "clock": clock, "brackets": brackets, "times": times}
    assert seen == plain(rows, as_of, split=split, **rules)


@pytest.mark.parametrize("mode", kernels.MODES)
@pytest.mark.parametrize("cohort", ["first", "recurring"])
def test_bits_and_sorted_rows_count_the_same(mode, cohort, monkeypatch):
    """Units as bits, over one word and over many, and units as sorted rows."""
    draw = np.random.default_rng(4)
    rows = pd.DataFrame(
        {"customer_id": draw.integers(0, 900, 20_000), "day": draw.integers(0, 200, 20_000)}
    )
    rows = rows.assign(
        at=BEGIN + pd.to_timedelta(rows["day"], unit="D"), kind=draw.choice(["s", "r"], 20_000)
    )
    events = {"start_event": [("kind", "=", "s")], "return_event": [("kind", "=", "r")]}
    for options in ({"period": "week"}, {"period": "day"}, {"period": "day", **events}):
        bits = ask(rows, mode=mode, cohort=cohort, **options).frame
        with monkeypatch.context() as patched:
            patched.setattr("custmeasure.measure.retention.count._MOST_WORDS", 0)
            pd.testing.assert_frame_equal(
                ask(rows, mode=mode, cohort=cohort, **options).frame, bits
            )


def test_a_unit_is_not_cut_between_two_batches(monkeypatch):
    monkeypatch.setattr("custmeasure.engine.table.BATCH", 2048)
    rows = pd.DataFrame(
        {"customer_id": np.arange(30_000) // 5, "day": np.tile(np.arange(1, 6), 6_000)}
    )
    rows = rows.assign(at=BEGIN + pd.to_timedelta(rows["day"], unit="D"))
    found = cells(rows, clock="rolling", end="2026-01-02", as_of="2026-01-08")
    assert found[2][:5] == [6_000] * 5


@pytest.mark.parametrize("id_of", [lambda i: i, str, lambda i: i - 3, float])
def test_an_id_may_be_a_number_or_a_text(id_of):
    rows = pd.DataFrame({"customer_id": [id_of(i) for i in range(6)] * 2, "day": [1] * 6 + [2] * 6})
    rows = rows.assign(at=BEGIN + pd.to_timedelta(rows["day"], unit="D"))
    assert cells(rows) == {2: [6, 6]}
