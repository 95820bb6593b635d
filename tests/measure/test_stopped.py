"""What those who stopped did next, and what goes with stopping: by hand, by oracle, by promise."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

import custmeasure as cm
from custmeasure.engine import MissingTable
from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.funnel.stops import StoppedResult, stopped
from custmeasure.measure.funnel.traits import StoppingResult, stopping

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
STEPS = ["visit", "cart", "buy"]
NAMES = {"v": "visit", "c": "cart", "b": "buy", "x": "search", "h": "help"}


def log(**people):
    """Return a log from ``a="v0/home c1/shoe"``: the event, its hour, its page."""
    rows = []
    for who, words in people.items():
        for word in words.split():
            what, _, page = word.partition("/")
            at = pd.Timestamp("2026-01-01") + pd.Timedelta(hours=float(what[1:]))
            rows.append((who, at, NAMES[what[0]], f"/{page}" if page else None))
    return pd.DataFrame(rows, columns=["visitor_id", "at", "event", "page"])


def nexts(events, **options):
    asked = {"window": "10h", "min_cell": 1, **options}
    frame = stopped(events, STEPS, **asked).frame
    return {
        step: dict(zip(rows["next_event"], rows["n_next"], strict=True))
        for step, rows in frame.groupby("step", sort=False)
    }


def pages(events, **options):
    frame = stopped(events, STEPS, **{"window": "10h", "min_cell": 1, **options}).pages.frame
    return {
        step: dict(zip(rows["last_page"], rows["n_last"], strict=True))
        for step, rows in frame.groupby("step", sort=False)
    }


EVENTS = log(
    a="v0/home",  # left
    b="v0/home x1/find h2/help",  # searched, then asked for help
    c="v0/home h2/help",
    d="v0/home c1/shoe x2/find x20/find",  # stopped at the cart, searched; hour 20 is too late
    e="v0/home c1/shoe b2/done x3/find",  # bought: nobody who stopped
    f="v0/home x10/find",  # the window's last instant
    g="v0/home x10.1/find",
)


def test_what_they_did_next_within_the_window():
    assert nexts(EVENTS) == {
        "visit": {"(left)": 2, "search": 2, "help": 1},
        "cart": {"search": 1},
    }


def test_rows_of_a_step_add_up_and_have_wilson_s_interval():
    frame = stopped(EVENTS, STEPS, window="10h", min_cell=1).frame
    assert tuple(frame.columns) == StoppedResult.COLUMNS
    sums = frame.groupby("step")["n_next"].sum()
    assert sums.to_dict() == frame.groupby("step")["n_stopped"].first().to_dict()
    assert sums.to_dict() == {"visit": 5, "cart": 1}
    row = frame.iloc[0]
    lower, upper = proportion_confint(row["n_next"], 5, method="wilson")
    assert row["next_rate"] == 0.4
    assert [row["next_rate_ci_lower"], row["next_rate_ci_upper"]] == pytest.approx([lower, upper])


def test_the_last_page_is_that_of_the_last_thing_within_the_window():
    assert pages(EVENTS) == {
        "visit": {"/help": 2, "/home": 2, "/find": 1},
        "cart": {"/find": 1},
    }
    assert stopped(EVENTS.drop(columns="page"), STEPS, window="10h").pages.frame.empty


def test_small_values_are_folded_and_the_sums_stay():
    many = {f"p{i}": "v0/home x1/find" for i in range(12)}
    few = {"q": "v0/home h1/help", "r": "v0/home c1/shoe b2/done"}
    seen = stopped(log(**many, **few), STEPS, window="10h", min_cell=10)
    assert seen.frame["next_event"].tolist() == ["search", "(others)"]
    assert seen.frame["n_next"].tolist() == [12, 1]
    assert "2 small groups" in seen.notes[0]  # help, and the page /help


def test_who_is_pending_or_outside_the_dates_did_not_stop():
    day = pd.Timedelta("1D")
    later = EVENTS[EVENTS["visitor_id"] == "a"].assign(visitor_id="z", at=EVENTS["at"][0] + day)
    both = pd.concat([EVENTS, later])
    assert nexts(both)["visit"]["(left)"] == 3
    assert nexts(both, end="2026-01-01")["visit"]["(left)"] == 2
    assert nexts(both, as_of="2026-01-01")["visit"]["(left)"] == 2


def test_words_in_both_languages():
    seen = stopped(EVENTS, STEPS, window="10h", min_cell=1)
    assert "Of 5 who stopped at visit, 40.0% did nothing more" in seen.headline("en")
    assert "방문에서 멈춘 5명 가운데 40.0%" in seen.headline("ko")
    assert "were last on /find" in seen.pages.headline("en")
    assert "<table" in seen._repr_html_()
    assert "nan" not in repr(seen.pages)


def test_from_counts():
    seen = StoppedResult.from_counts({"cart": {"(left)": 60, "visit": 40}})
    assert seen.frame["next_rate"].tolist() == [0.6, 0.4]
    assert seen.pages.frame.empty
    assert StoppedResult.from_counts({}).headline("en") == "Nobody stopped."
    with pytest.raises(UsageError, match="not a count"):
        StoppedResult.from_counts({"cart": {"(left)": -1}})


def test_repeated_steps_keep_their_own_names():
    events = log(a="v0 v1", b="v0", c="v0 v1 b2")
    frame = stopped(events, ["visit", "visit", "buy"], window="10h", min_cell=1).frame
    assert frame["step"].tolist() == ["visit", "visit (2)"]


def test_steps_of_several_names_sessions_and_optional_steps():
    events = log(a="v0/home x1/find c2/shoe", b="v0/home h1/help", c="v0/home b3/done x9/find")
    steps = ["visit", "search; or help", "cart; or buy"]
    frame = stopped(events, steps, window="10h", min_cell=1).frame
    assert frame[["step", "n_stopped"]].to_numpy().tolist() == [["search / help", 2]]
    optional = ["visit", "search; or help; optional", "cart; or buy"]
    frame = stopped(events, optional, window="10h", min_cell=1).frame
    assert frame[["step", "n_stopped", "next_event"]].to_numpy().tolist() == [["visit", 1, "help"]]
    # One person, two sessions: both stop, and both are counted.
    twice = log(a="v0/home x1/find v100/home", b="v0/home c1/shoe b2/done")
    frame = stopped(twice, STEPS, window="10h", session="20h", min_cell=1).frame
    assert frame["n_stopped"].tolist() == [2, 2]
    assert sorted(frame["next_event"]) == ["(left)", "search"]


def test_traits_are_those_of_the_event_that_took_the_step():
    at = pd.Timestamp("2026-01-01")
    rows = [
        ("a", at, "visit", "web"),
        ("a", at, "noise", "app"),  # the same instant, no step
        ("b", at, "visit", "app"),
        ("b", at + pd.Timedelta("1min"), "buy", "app"),
    ]
    events = pd.DataFrame(rows, columns=["visitor_id", "at", "event", "device"])
    asked = {"window": "1h", "traits": ["device"], "min_cell": 1}
    frame = stopping(events, ["visit", "buy"], **asked).frame.set_index("value")
    assert frame["rate_with"].to_dict() == {"web": 1, "app": 0}


def test_what_is_wrong_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'visit'"):
        stopped(EVENTS, ["visti", "buy"], window="1h")
    with pytest.raises(UnknownName):
        stopped(EVENTS, STEPS, window="1h", order="any")
    with pytest.raises(UsageError, match="list of events"):
        stopped(EVENTS, "visit", window="1h")
    with pytest.raises(UsageError, match="min_cell"):
        stopped(EVENTS, STEPS, window="1h", min_cell=0)
    for answer in (stopped, stopping):
        missing = answer(MissingTable("events"), STEPS, window="1h")
        assert missing.verdict.code == "MISSING_TABLE"


# --- what goes with stopping ------------------------------------------------------------------------


def people(n=400, **leaks):
    """Return a log in which of ``n`` people a value each share ``leaks`` stop at the cart."""
    rows = []
    for value, leak in leaks.items():
        for i in range(n):
            who, at = f"{value}{i}", pd.Timestamp("2026-01-01")
            rows.append((who, at, "visit", value, i / n))
            rows.append((who, at + pd.Timedelta("1min"), "cart", value, i / n))
            if i >= leak * n:
                rows.append((who, at + pd.Timedelta("2min"), "buy", value, i / n))
    return pd.DataFrame(rows, columns=["visitor_id", "at", "event", "device", "load_seconds"])


def test_a_value_is_compared_with_all_others():
    seen = stopping(people(phone=0.6, desk=0.2, tab=0.2), STEPS, window="1h", traits=["device"])
    row = seen.frame.iloc[0]
    assert tuple(seen.frame.columns) == StoppingResult.COLUMNS
    assert (row["step"], row["trait"], row["value"]) == ("cart", "device", "phone")
    assert (row["n_with"], row["n_without"]) == (400, 800)
    assert (row["rate_with"], row["rate_without"]) == (0.6, 0.2)
    assert row["base_rate"] == pytest.approx(1 / 3)
    assert row["n_more"] == pytest.approx(160)
    limits = confint_proportions_2indep(240, 400, 160, 800, method="newcomb", compare="diff")
    assert [row["diff_ci_lower"], row["diff_ci_upper"]] == pytest.approx(limits, abs=1e-9)
    assert seen.verdict == "worse"
    assert "Stopping at cart is most associated with device phone: 60.0% of 400" in seen.headline()
    assert "원인이라는 뜻은 아닙니다" in seen.notes[0].ko
    assert not {"effect", "impact"} & set(repr(seen).lower().split())


def test_p_values_are_adjusted_over_all_rows():
    rng = np.random.default_rng(1)
    counts = pd.DataFrame(
        [("cart", "page", f"/p{i}", 300, int(rng.binomial(300, 0.3 + 0.02 * i))) for i in range(9)]
        + [("visit", "page", f"/p{i}", 300, int(rng.binomial(300, 0.3))) for i in range(9)],
        columns=["step", "trait", "value", "n_with", "n_stopped"],
    )
    seen = StoppingResult.from_counts(counts).frame
    adjusted = multipletests(seen["p_value"], method="fdr_bh")[1]
    assert seen["p_value_adj"].tolist() == pytest.approx(adjusted.tolist())


def test_a_number_is_cut_into_quarters():
    """The slowest quarter stops more: load times 0 to 1, those above 0.75 stop."""
    at = pd.Timestamp("2026-01-01")
    rows = []
    for i in range(400):
        rows.append((f"p{i}", at, "visit", i / 400))
        if i < 300:
            rows.append((f"p{i}", at + pd.Timedelta("1min"), "buy", None))
    rows.append(("none", at, "visit", None))
    events = pd.DataFrame(rows, columns=["visitor_id", "at", "event", "load_seconds"])
    asked = {"window": "1h", "traits": [], "min_cell": 1}
    seen = stopping(events, ["visit", "buy"], numbers=["load_seconds"], **asked)
    frame = seen.frame.set_index("value")
    assert frame["n_with"].to_dict() == {
        "> 0.748": 100, "≤ 0.249": 100, "0.249 – 0.499": 100, "0.499 – 0.748": 100, "(none)": 1,
    }  # fmt: skip
    assert frame["rate_with"]["> 0.748"] == 1
    assert frame["rate_with"]["≤ 0.249"] == 0
    assert seen.verdict == "worse"


def test_a_number_with_few_values_makes_fewer_quarters():
    events = people(phone=0.5).assign(load_seconds=1.0)
    seen = stopping(events, STEPS, window="1h", traits=[], numbers=["load_seconds"])
    assert seen.frame.groupby("step")["n_with"].apply(list).to_dict() == {
        "visit": [400], "cart": [400],
    }  # fmt: skip
    assert seen.verdict.code == "NO_GAP"


def test_small_values_of_a_trait_are_folded():
    events = pd.concat([people(phone=0.5), people(n=3, watch=0.5), people(n=4, tv=0.5)])
    seen = stopping(events, STEPS, window="1h", traits=["device"], min_cell=10)
    sizes = seen.frame[seen.frame["step"] == "cart"].set_index("value")["n_with"].to_dict()
    assert sizes == {"phone": 400, "(others)": 7}
    assert "4 small groups" in seen.notes[1]


def test_traits_that_are_not_there():
    events = people(phone=0.5)
    assert stopping(events, STEPS, window="1h").definition["traits"] == ["device"]
    with pytest.raises(UnknownName, match="Did you mean 'device'"):
        stopping(events, STEPS, window="1h", traits=["devise"])
    with pytest.raises(UsageError, match="lists of columns"):
        stopping(events, STEPS, window="1h", traits="device")
    bare = stopping(events.drop(columns="device"), STEPS, window="1h")
    assert bare.frame.empty
    assert bare.verdict.code == "NO_GAP"


def test_no_alarm_without_a_cause_in_most_shops():
    """All values alike: any row called associated in at most 5 % of 300 draws."""
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(300):
        n = rng.integers(50, 900, 8)
        counts = pd.DataFrame({
            "step": "cart", "trait": "page", "value": [f"/p{i}" for i in range(8)],
            "n_with": n, "n_stopped": rng.binomial(n, 0.4),
        })  # fmt: skip
        alarms += StoppingResult.from_counts(counts).verdict == "worse"
    assert alarms / 300 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


# --- the sample shop --------------------------------------------------------------------------------


def test_the_sample_shop_s_leak_poor_page_and_weak_channel_are_found():
    shop = cm.open_shop(SAMPLE)
    seen = stopping(shop.events, shop.steps, window="7d")
    worst = seen.frame.iloc[0]
    assert (worst["step"], worst["value"]) == ("begin_checkout", "mobile")
    assert "Stopping at checkout is most associated with device mobile" in seen.headline("en")
    cart = seen.frame[(seen.frame["step"] == "view_product") & (seen.frame["p_value_adj"] < 0.001)]
    more = cart[cart["diff"] > 0]["value"].tolist()
    assert more[:2] == ["/product/0109", "instagram"]


def test_the_sample_shop_s_people_add_up():
    shop = cm.open_shop(SAMPLE)
    result = cm.funnel(shop.events, shop.steps, window="7d")
    reached = result.frame["n_reached"].tolist()
    seen = stopped(shop.events, shop.steps, window="7d")
    by_step = seen.frame.groupby("step", sort=False)["n_stopped"].first().tolist()
    assert by_step == [a - b for a, b in zip(reached, reached[1:], strict=False)]
    assert seen.pages.frame.groupby("step", sort=False)["n_last"].sum().tolist() == by_step
