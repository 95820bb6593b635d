"""What a funnel may ask beyond names in order: worked out in the head, one small log a case."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.funnel import Exclusion, FunnelResult, Step, funnel
from custmeasure.stats.mean import Moments

STEPS = ["visit", "cart", "buy"]
NAMES = {"v": "visit", "c": "cart", "w": "wish", "b": "buy", "x": "logout", "o": "other"}


def log(**units):
    """Return a log from ``a="v0 c2.5 b3"``: the event's letter and its hour on 2026-01-01 UTC."""
    rows = [
        (unit, pd.Timestamp("2026-01-01") + pd.Timedelta(hours=float(word[1:])), NAMES[word[0]])
        for unit, words in units.items()
        for word in words.split()
    ]
    rows += [
        ("stray", pd.Timestamp("2026-01-01"), name) for name in NAMES.values() if name != "visit"
    ]
    return pd.DataFrame(rows, columns=["visitor_id", "at", "event"]).astype(
        {"at": "datetime64[us]"}
    )


def ask(events, steps=None, window="10h", **options):
    return funnel(events, steps or STEPS, window=window, **options)


def counts(events, steps=None, **options):
    return ask(events, steps, **options).frame["n_reached"].tolist()


# --- steps ------------------------------------------------------------------------------------------


def test_a_step_of_several_events():
    events = log(a="v0 c1 b2", b="v0 w1 b2", c="v0 b2")
    assert counts(events) == [3, 1, 1]
    for step in (Step(any_of=["cart", "wish"]), "cart; or wish"):
        assert counts(events, ["visit", step, "buy"]) == [3, 2, 2]
    assert ask(events, ["visit", "cart; or wish", "buy"]).steps == ["visit", "cart / wish", "buy"]


def test_a_step_that_any_event_serves():
    assert counts(log(a="v0 o1 b2", b="v0 b1"), ["visit", Step(), "buy"]) == [2, 2, 1]


def test_a_step_with_a_filter():
    events = log(a="v0 c1 b2", b="v0 c1 b2")
    events = events.assign(device="phone", price=1.0)
    events.loc[1, ["device", "price"]] = ["desk", 50.0]
    for where in ([("device", "=", "desk")], [("price", ">", 10)], [("price", ">=", 50),
                  ("device", "in", ["desk", "tv"])]):  # fmt: skip
        assert counts(events, ["visit", Step("cart", where=where), "buy"]) == [2, 1, 1]
    assert counts(events, ["visit", "cart; where price > 10", "buy"]) == [2, 1, 1]
    assert counts(events, ["visit", "cart; where device != desk", "buy"]) == [2, 1, 1]
    result = ask(events, ["visit", "cart; where device = desk; name big cart", "buy"])
    assert result.steps == ["visit", "big cart", "buy"]
    assert result.definition["rules"][1] == "cart; where device = desk; name big cart"
    with pytest.raises(UnknownName, match="Did you mean 'device'"):
        counts(events, ["visit", Step("cart", where=[("devise", "=", "desk")]), "buy"])


def test_one_event_whose_filters_fit_two_steps_serves_one_of_them():
    events = log(a="v0 c1 c2", b="v0 c1").assign(page="p")
    steps = ["visit", Step("cart", where=[("page", "=", "p")]), "cart"]
    assert counts(events, steps) == [2, 2, 1]


def test_an_optional_step_changes_no_other():
    events = log(a="v0 w1 b2", b="v0 b2", c="v0 w1", d="v0 b1 w2")
    result = ask(events, ["visit", "wish; optional", "buy"])
    assert result.frame["n_reached"].tolist() == [4, 2, 3]
    assert result.frame["step_rate"].tolist()[1:] == [2 / 4, 3 / 4]  # of those at the visit
    assert counts(events, ["visit", "buy"]) == [4, 3]
    assert (result.optional, result.bases) == ((1,), [0, 0, 0])
    # Times run from the visit, whether or not the wish came between: 2, 2 and 1 hours.
    assert result.frame["median_hours_to_step"].tolist()[1:] == [1, 2]


def test_a_step_s_own_window_runs_from_the_step_before():
    events = log(a="v0 c1 b3", b="v0 c1 b2.5")
    assert counts(events, ["visit", "cart", "buy; within 2h"]) == [2, 2, 2]
    assert counts(events, ["visit", "cart", Step("buy", window="90m")]) == [2, 2, 1]
    # From the nearest step that is not optional: from the visit here.
    assert counts(events, ["visit", "cart; optional", "buy; within 150m"]) == [2, 2, 1]


def test_the_text_of_a_step_is_read_back():
    for step in (
        Step("cart"),
        Step(any_of=("cart", "wish"), optional=True),
        Step("buy", where=[("price", ">=", 10.5), ("device", "in", ["a", "b"])], window="1h"),
        Step("buy", where=[("device", "!=", "tv")], name="pay"),
    ):
        assert Step.of(str(step)) == step
    for exclusion in (
        Exclusion("logout", after="cart", before=3, then="stop_progress"),
        Exclusion(any_of=("a", "b")),
        Exclusion(),
    ):
        assert Exclusion.of(str(exclusion)) == exclusion
    assert Step.of("a; strange name") == Step("a; strange name")  # no word that says anything


# --- exclusions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "stopped", "dropped"),
    [
        ("v0 c1 b2", [1, 1, 1], [1, 1, 1]),
        ("v0 c1 x1.5 b2", [1, 1, 0], [0, 0, 0]),
        ("v0 x0.5 c1 b2", [1, 1, 1], [1, 1, 1]),  # before the span
        ("v0 c1 b2 x3", [1, 1, 1], [1, 1, 1]),  # after it
        ("v0 c1 x1 b2", [1, 1, 1], [1, 1, 1]),  # of one instant: not between
        ("v0 c1 x3", [1, 1, 0], [0, 0, 0]),  # the buy never came
        ("v0 c1 x10.5", [1, 1, 0], [1, 1, 0]),  # after the window
        ("v0 c1 x2 v20 c21 b22", [1, 1, 1], [1, 1, 1]),  # another attempt is clean
        ("v0 c1 x2 v20", [1, 1, 0], [1, 0, 0]),
    ],
)
def test_an_exclusion_stops_or_voids(words, stopped, dropped):
    events = log(a=words)
    for then, expected in (("stop_progress", stopped), ("drop_unit", dropped)):
        for exclusion in (
            Exclusion("logout", after="cart", before="buy", then=then),
            f"logout; after cart; {then}",
            f"logout; after 2; before 3; {then}",
        ):
            assert counts(events, exclusions=[exclusion]) == expected


def test_dropped_people_are_counted_aloud():
    result = ask(log(a="v0 x1 c2", b="v0 c1"), exclusions=["logout"])
    assert result.frame["n_reached"].tolist() == [1, 1, 0]
    assert "1 people did what is excluded" in result.notes[0]
    assert "1명" in result.notes[0].ko
    assert result.definition["exclusions"] == ("logout; drop_unit",)


def test_any_event_that_is_no_step_can_be_excluded():
    events = log(a="v0 o1 c2 b3", b="v0 v1 c2 c3 b4")
    assert counts(events, exclusions=[Exclusion(then="stop_progress")]) == [2, 1, 1]
    assert counts(events, order="strict") == [2, 1, 0]  # repeats stand between, too


# --- who and which attempt ----------------------------------------------------------------------------


def test_a_session_ends_with_a_pause():
    events = log(a="v0 c0.4 b1.5 v9", b="v0 o0.4 c0.8 b1.2")
    assert counts(events) == [2, 2, 2]
    result = ask(events, session="30m")
    # a: (v c) (b) (v); b: one session, which another event keeps going.
    assert result.frame["n_reached"].tolist() == [3, 2, 1]
    assert result.definition["session"] == "30m"
    assert counts(events.assign(session_id=["1", "1", "2", "3", *"4444", *"56789"]),
                  unit="session_id") == [3, 2, 1]  # fmt: skip


def test_first_or_best_attempt_and_a_note_where_they_differ():
    events = log(a="v0 v20 c21 b22", b="v0 c1 b2", c="v0")
    best, first = ask(events), ask(events, attempts="first")
    assert best.frame["n_reached"].tolist() == [3, 2, 2]
    assert first.frame["n_reached"].tolist() == [3, 1, 1]
    assert (
        "2 people (66.7%) got to the end in their best attempt, 1 (33.3%) in their first"
        in best.notes[-1]
    )
    assert (
        "1 people (33.3%) got to the end in their first attempt, 2 (66.7%) in their best"
        in first.notes[-1]
    )
    assert "첫 시도" in best.notes[-1].ko
    assert not any("attempt" in note for note in ask(log(a="v0 c1 b2")).notes)


@pytest.mark.parametrize(
    ("by_at", "expected"),
    [
        ("first", {"p": [2, 1, 1], "q": [1, 0, 0]}),
        ("cart", {"(not reached)": [2, 0, 0], "q": [1, 1, 1]}),
        (2, {"(not reached)": [2, 0, 0], "q": [1, 1, 1]}),
        ("last", {"p": [1, 0, 0], "q": [1, 0, 0], "r": [1, 1, 1]}),
    ],
)
def test_the_segment_may_be_that_of_the_first_the_last_or_a_named_step(by_at, expected):
    events = log(a="v0 c1 b2", b="v0", c="v0").assign(channel=None)
    events.loc[:4, "channel"] = ["p", "q", "r", "p", "q"]
    frame = ask(events, by="channel", by_at=by_at).frame
    parts = {name: part["n_reached"].tolist() for name, part in frame.groupby("channel")}
    assert parts == expected


def test_l03_beyond_fifty_segments_the_others_are_one_row():  # L03
    n = 2_000
    events = pd.DataFrame({
        "visitor_id": [*range(n)] * 2,
        "at": pd.Timestamp("2026-01-01"),
        "event": ["visit"] * n + ["buy"] * n,
        "campaign": [f"c{i if i < 1_000 else i % 50:04d}" for i in range(n)] * 2,
        "amount": 1.0,
    })  # fmt: skip
    result = funnel(events, ["visit", "buy"], window="1d", by="campaign", value="amount")
    names = list(dict.fromkeys(result.frame["campaign"]))
    assert (len(names), names[-1]) == (51, "others (950)")
    assert result.totals() == [n, n]
    others = result.frame[result.frame["campaign"] == "others (950)"]
    assert others["n_reached"].tolist() == [950, 950]
    assert result.amounts["total_amount"].sum() == n
    assert "950" in result.notes[-1]
    assert "나머지 (950)" in result.display_frame("ko").to_string()


# --- times and amounts --------------------------------------------------------------------------------


def test_times_have_quartiles_and_a_distribution():
    events = log(a="v0 c1 b2", b="v0 c3 b4", c="v0 c5 b9", d="v0 c7")
    result = ask(events)
    cart, buy, whole = result.times.to_dict("records")
    assert (cart["step"], cart["n_reached"], cart["mean_hours"]) == ("cart", 4, 4)
    assert [cart[f"{name}_hours"] for name in ("quartile1", "median", "quartile3")] == [2.5, 4, 5.5]
    assert (buy["n_reached"], buy["median_hours"]) == (3, 1)
    assert (whole["step"], whole["n_reached"], whole["mean_hours"]) == ("(whole)", 3, 5)
    spread = result.distribution.set_index(["step", "from_hours"])["n_reached"]
    assert spread.loc["cart"].to_dict() == {
        0: 0,
        1 / 60: 0,
        1 / 12: 0,
        0.25: 0,
        0.5: 0,
        1: 1,
        3: 2,
        6: 1,
    }
    assert spread.groupby("step").sum().to_dict() == {"cart": 4, "buy": 3, "(whole)": 3}
    spread = ask(events, bins=3).distribution
    assert spread[spread["step"] == "cart"]["from_hours"].tolist() == [1, 3, 5, 7]
    assert spread[spread["step"] == "cart"]["n_reached"].tolist() == [1, 1, 1, 1]


def test_times_and_amounts_of_segments_add_up():
    events = log(a="v0 c1 b2", b="v0 c3 b4", c="v0 c5", d="v0").assign(device="x", amount=0.1)
    events.loc[events["visitor_id"] == "b", "device"] = "y"
    result = ask(events, by="device", value="amount")
    assert result.times.groupby("step", sort=False)["n_reached"].sum().tolist() == [3, 2, 2]
    assert result.distribution.groupby("step", sort=False)["n_reached"].sum().tolist() == [3, 2, 2]
    assert result.amounts["total_amount"].tolist() == [0.1, 0.1]
    assert result.amounts["n_reached"].tolist() == [3, 1]


def test_the_amount_at_the_last_step_in_the_best_attempt():
    events = log(a="v0 c1 b2", b="v0 c1 b2 b3", c="v0 c1", d="v0").assign(amount=7.0)
    events.loc[events["event"] == "buy", "amount"] = [30.0, 50.0, 90.0, 0.0]
    row = ask(events, value="amount").amounts.iloc[0]
    assert (row["n_reached"], row["n_conversions"], row["total_amount"]) == (4, 2, 80)
    assert (row["entrant_amount"], row["conversion_amount"]) == (20, 40)
    lower, upper = Moments.from_values([30, 50, 0, 0]).interval()
    assert (row["entrant_amount_ci_lower"], row["entrant_amount_ci_upper"]) == pytest.approx(
        (lower, upper)
    )
    events.loc[2, "amount"] = np.nan
    result = ask(events, value="amount")
    assert result.amounts["total_amount"].tolist() == [50]
    assert "1 last steps have no amount and count as 0" in result.notes[-1]


def test_nobody_has_no_times_and_no_amounts():
    events = log(a="v0").assign(amount=1.0, device="x")
    for by in (None, "device"):
        result = ask(events, start="2027-01-01", by=by, value="amount")
        assert result.times["n_reached"].sum() == result.distribution["n_reached"].sum() == 0
        assert result.amounts.get("total_amount", pd.Series(dtype=float)).sum() == 0
        assert result.verdict.code == "NO_UNITS"


# --- what does not go together ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"steps": ["visit; optional", "buy"]}, {"steps": ["visit", "buy; optional"]},
        {"steps": ["visit; within 1h", "buy"]}, {"steps": ["visit", 7]}, {"steps": Step("visit")},
        {"steps": ["visit", "cart; within 7"]}, {"steps": ["visit", "cart; where price"]},
        {"steps": ["visit", "cart; optional", "buy"], "order": "any"},
        {"steps": ["visit", "cart; within 1h"], "order": "any"},
        {"steps": ["visit"] * 31}, {"exclusions": [5]}, {"exclusions": "logout"},
        {"exclusions": ["logout; after buy"]}, {"exclusions": ["logout; after cart; before visit"]},
        {"exclusions": ["logout; after cart"], "order": "any"},
        {"steps": ["visit", "cart; optional", "buy"], "exclusions": ["logout; after cart"]},
        {"session": "30"}, {"bins": 0}, {"bins": 2.5}, {"bins": True},
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(options):
    with pytest.raises(UsageError) as raised:
        ask(log(a="v0 c1 b2").assign(price=1), **options)
    assert raised.value.message("ko") != raised.value.message("en")


@pytest.mark.parametrize(
    ("options", "near"),
    [
        ({"attempts": "frist"}, "'first'"), ({"by_at": "cat", "by": "event"}, "'cart'"),
        ({"exclusions": ["logut"]}, "'logout'"), ({"exclusions": ["logout; after cat"]}, "'cart'"),
        ({"steps": ["visit", "cart; or wisch"]}, "'wish'"), ({"value": "evnt"}, "'event'"),
        ({"by_at": 9, "by": "event"}, "visit"),
    ],
)  # fmt: skip
def test_unknown_names_have_a_nearest_one(options, near):
    with pytest.raises(UnknownName, match=near):
        ask(log(a="v0 c1 b2"), **options)


def test_a_step_is_one_name_or_several():
    for wrong in ({"event": "a", "any_of": ["b"]}, {"any_of": "ab"}, {"event": 5}, {"where": "x"}):
        with pytest.raises(UsageError):
            Step(**wrong)
    with pytest.raises(UnknownName, match="'drop_unit'"):
        Exclusion("x", then="drop")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Step("a").event = "b"


def test_counts_typed_in_may_have_an_optional_step():
    result = FunnelResult.from_counts(["a", "b", "c"], [10, 2, 5], optional=[1])
    assert result.frame["step_rate"].tolist()[1:] == [0.2, 0.5]
    for optional in ([0], [2], [5]):
        with pytest.raises(UsageError, match="between the first and the last"):
            FunnelResult.from_counts(["a", "b", "c"], [10, 2, 5], optional=optional)
    with pytest.raises(UsageError, match="never rising"):
        FunnelResult.from_counts(["a", "b", "c"], [10, 2, 5])
