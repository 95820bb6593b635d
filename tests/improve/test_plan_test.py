"""The plan: traffic that grows ever more slowly, counted by hand; units as S1's formulas say; honesty."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.plan_test import plan_of, plan_test, plan_test_from_counts
from custmeasure.improve.plan_test.result import PlanTestResult
from custmeasure.improve.plan_test.traffic import Entry, grown, read_traffic
from custmeasure.shop import open_shop
from custmeasure.stats.planning import Baseline, Design, plan_units

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


# --- from counts ------------------------------------------------------------------------------------


def test_columns_and_weeks():
    result = plan_test_from_counts(0.05, units_a_day=300, min_effect=0.2, method="one_look")
    assert list(result.frame.columns) == list(PlanTestResult.COLUMNS)
    needed = plan_units(Baseline.of_rate(0.05), 0.2)  # 16,326 of both, 2,100 a week
    assert result.weeks == math.ceil(needed / 2100) == 8
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "PLAN")
    assert len(result.frame) == 26
    row = result.frame.iloc[7]
    assert row["power_rate"] >= 0.8 > result.frame.iloc[6]["power_rate"]
    assert row["mde_rel_diff"] <= 0.2 < result.frame.iloc[6]["mde_rel_diff"]
    assert row["mde_diff"] == pytest.approx(0.05 * row["mde_rel_diff"])


@pytest.mark.parametrize("method", ["one_look", "planned_end", "open_end"])
def test_more_weeks_see_more_and_looking_costs(method):  # T24
    result = plan_test_from_counts(0.05, units_a_day=300, method=method, max_weeks=8)
    assert (np.diff(result.frame["mde_rel_diff"]) < 0).all()
    assert (np.diff(result.frame["power_rate"]) > 0).all()
    once = plan_test_from_counts(0.05, units_a_day=300, method="one_look", max_weeks=8)
    assert (result.frame["mde_rel_diff"] >= once.frame["mde_rel_diff"]).all()
    planned_end_costs_little = result.frame["mde_rel_diff"] <= 1.05 * once.frame["mde_rel_diff"]
    assert planned_end_costs_little.all() == (method != "open_end")


def test_a_covariate_of_correlation_0_7_needs_about_half():
    """Issue 5: at most 0.55 times the units."""
    plain = plan_test_from_counts(0.05, units_a_day=300, method="one_look", max_weeks=104)
    helped = plan_test_from_counts(
        0.05, units_a_day=300, method="one_look", max_weeks=104, correlation=0.7
    )
    assert helped.weeks <= 0.55 * plain.weeks
    assert any("correlation" in note for note in helped.notes)


def test_when_nothing_realistic_is_enough_it_says_what_would_be():
    result = plan_test_from_counts(0.03, units_a_day=20, min_effect=0.05, max_weeks=26)
    assert result.weeks is None
    assert result.verdict.code == "TOO_LITTLE_TRAFFIC"
    assert "times as many" in result.reason
    assert "bold" in result.reason
    assert "배 필요" in result.reason.ko
    with pytest.raises(UsageError, match="--weeks"):
        plan_of(result, "tea", start=dt.date(2026, 3, 2))
    assert plan_of(result, "tea", start=dt.date(2026, 3, 2), weeks=4).end == dt.date(2026, 3, 29)


def test_several_variants_need_more():
    two = plan_test_from_counts(0.05, units_a_day=300, min_effect=0.2, method="one_look")
    three = plan_test_from_counts(
        0.05, units_a_day=300, min_effect=0.2, method="one_look", shares={"A": 1, "B": 1, "C": 1}
    )
    assert three.weeks > 1.5 * two.weeks
    assert any("stricter" in note for note in three.notes)


def test_amounts_and_ratios():
    amount = Baseline(1000.0, 9e6)
    result = plan_test_from_counts(amount, units_a_day=1000, method="one_look", metric="revenue")
    needed = plan_units(amount, 0.1)
    assert result.weeks == math.ceil(needed / 7000)
    assert "₩1,000 → ₩1,100" in result.reason
    ratio = Baseline.of_ratio(1, 2, 1, 1, 0.5)
    assert plan_test_from_counts(ratio, units_a_day=1000, method="one_look").weeks is not None


def test_nothing_to_measure():  # T13, T15
    result = plan_test_from_counts(0.0, units_a_day=300)
    assert result.verdict.code == "ZERO_VARIANCE"
    assert result.frame["mde_rel_diff"].isna().all()


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"units_a_day": 9, "units_by_day": [1] * 7}, {"units_by_day": [3, 2, 1, 4, 5, 6, 7]},
        {"units_by_day": [1, 2]}, {"units_a_day": -1}, {"units_a_day": 9, "min_effect": 0},
        {"units_a_day": 9, "max_weeks": 0}, {"units_a_day": 9, "shares": {"A": 1}},
        {"units_a_day": 9, "alpha": 5}, {"units_a_day": 9, "window": "7"},
        {"units_a_day": math.nan},
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(wrong):
    with pytest.raises(UsageError):
        plan_test_from_counts(0.05, **wrong)
    with pytest.raises(UnknownName, match="planned_end"):
        plan_test_from_counts(0.05, units_a_day=9, method="planned")


def test_a_plan_is_made_of_the_answer():
    result = plan_test_from_counts(
        0.05, units_a_day=300, min_effect=0.2, shares={"old": 3, "new": 1}
    )
    plan = plan_of(result, "tea", start=dt.date(2026, 3, 2), rule="better: new")
    assert (plan.control, plan.shares) == ("old", {"old": 0.75, "new": 0.25})
    assert plan.end == plan.start + dt.timedelta(weeks=result.weeks) - dt.timedelta(days=1)
    assert (plan.method, plan.alpha, plan.power, plan.min_effect) == ("planned_end", 0.05, 0.8, 0.2)
    assert plan.n_units == result.frame["n_units"][result.weeks - 1]


# --- traffic ----------------------------------------------------------------------------------------


def test_growth_in_the_head():
    """Two starts; 10 new on the first day, 2 a day after: 22 in week one, level of the latest weeks."""
    new = np.array([[10.0] + [2] * 6 + [1] * 7, [10.0] + [2] * 6 + [math.nan] * 7])
    traffic = grown(new, 21)
    assert traffic.by_day[[0, 6, 13]].tolist() == pytest.approx([10, 22, 29])
    assert traffic.by_day[20] == pytest.approx(36)  # beyond the past the last week goes on
    assert (traffic.n_seen_days, traffic.weeks) == (14, (22, 22))


def test_the_level_is_that_of_now_the_shape_of_all():
    """A shop that doubled: shapes are alike, so the next weeks bring twice as many."""
    old = [[10.0] + [2] * 6 + [1] * 7] * 9
    now = [[20.0] + [4] * 6 + [math.nan] * 7] * 8
    traffic = grown(np.array([*old, *now]), 14)
    assert traffic.by_day[[6, 13]].tolist() == pytest.approx([44, 58])


@pytest.fixture
def shop(tmp_path):
    """Ten people come every day, five new ones each day; each fifth of the new ones buys."""
    (tmp_path / "shop.toml").write_text(
        'name = "t"\n[funnel]\nsteps = ["visit", "cart", "purchase"]\n'
        '[metrics.conversion]\nevent = "purchase"\nwindow = "7d"\n', "utf-8"
    )  # fmt: skip
    rows = []
    for day in range(84):
        at = f"{dt.date(2026, 1, 5) + dt.timedelta(days=day)}T03:00:00Z"
        rows += [(f"always{k}", at, "visit", "/a") for k in range(10)]
        rows += [(f"new{day}-{k}", at, "visit", "/b") for k in range(5)]
        rows += [
            (f"new{day}-0", at.replace("03:", "04:"), name, "/b") for name in ("cart", "purchase")
        ]
    pd.DataFrame(rows, columns=["visitor_id", "at", "event", "page"]).to_csv(
        tmp_path / "events.csv", index=False
    )
    return open_shop(tmp_path)


def test_the_same_people_are_counted_once(shop):
    """15 on the first day, then 5 new a day: 45 in a week, 80 in two, 115 in three."""
    traffic = read_traffic(
        shop.events, Entry("visitor_id", "visit", None), shop.timezone, shop.as_of, 28
    )
    assert traffic.by_day[[0, 6, 13, 20]].tolist() == pytest.approx([15, 45, 80, 115])
    assert set(traffic.weeks) == {45}


def test_a_shop_in_the_head(shop):
    """The latest 8 weeks whose windows are over: 10 + 56 x 5 people, 56 of them bought."""
    result = plan_test(shop, min_effect=0.5, max_weeks=20, method="one_look")
    assert result.definition["n_measured"] == 290
    assert result.definition["baseline"] == pytest.approx(56 / 290)
    assert result.frame["n_units"].head(3).tolist() == [45, 80, 115]
    needed = plan_units(Baseline.of_rate(56 / 290), 0.5)
    assert result.weeks == next(w for w in range(1, 99) if 10 + 35 * w >= needed)


def test_one_page_only(shop):
    result = plan_test(shop, page="/b", max_weeks=4)
    assert result.frame["n_units"].tolist() == [35, 70, 105, 140]
    with pytest.raises(UnknownName, match="/b"):
        plan_test(shop, page="/bb")


def test_a_ratio_in_the_head(shop, tmp_path):
    """Purchases ÷ visits: the ten come on each of their 8 days, the new ones once."""
    toml = (tmp_path / "shop.toml").read_text("utf-8")
    more = '[metrics.per_visit]\nkind = "ratio"\nevent = "purchase"\nper = "visit"\nwindow = "7d"\n'
    odd = '[metrics.median]\nkind = "quantile"\ntable = "orders"\ncolumn = "amount"\n'
    (tmp_path / "shop.toml").write_text(toml + more + odd, "utf-8")
    result = plan_test(open_shop(tmp_path), metric="per_visit", max_weeks=2)
    assert result.definition["baseline"] == pytest.approx(56 / (10 * 8 + 280))
    with pytest.raises(UsageError, match="from_counts"):
        plan_test(open_shop(tmp_path), metric="median")


@pytest.mark.parametrize(
    "wrong", [{"metric": "conversions"}, {"entry": "visits"}, {"unit": "person"}]
)
def test_unknown_names(shop, wrong):
    with pytest.raises(UnknownName):
        plan_test(shop, **wrong)


def test_missing_tables(shop, tmp_path):
    assert plan_test(shop, metric="revenue").verdict.code == "MISSING_TABLE"
    young = plan_test(shop.until("2026-01-08"))
    assert young.verdict.code == "NO_UNITS"
    with pytest.raises(UsageError, match="less than a week"):
        plan_of(young, "tea", start=dt.date(2026, 3, 2), weeks=4)


def test_an_earlier_step_is_offered_when_the_goal_takes_too_long(tmp_path):
    (tmp_path / "shop.toml").write_text(
        'name = "t"\n[funnel]\nsteps = ["visit", "cart", "purchase"]\n', "utf-8"
    )
    rng = np.random.default_rng(1)
    rows = []
    for day in range(70):
        at = f"{dt.date(2026, 1, 5) + dt.timedelta(days=day)}T03:00:00Z"
        for k in range(60):
            rows.append((f"{day}-{k}", at, "visit"))
            rows += [(f"{day}-{k}", at, "cart")] * (rng.random() < 0.5)
            rows += [(f"{day}-{k}", at, "purchase")] * (rng.random() < 0.02)
    pd.DataFrame(rows, columns=["visitor_id", "at", "event"]).to_csv(
        tmp_path / "events.csv", index=False
    )
    result = plan_test(open_shop(tmp_path), min_effect=0.15)
    assert result.verdict.code == "TOO_LITTLE_TRAFFIC"
    assert "Measured by 'cart'" in result.reason


# --- the sample shop --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample():
    return open_shop(SAMPLE)


def test_traffic_of_the_sample_against_pandas(sample):
    """T26: the weeks that end the data, counted another way."""
    events = sample.events.frame("visitor_id", "at", "event", limit=10**7)
    visits = events[events["event"] == "visit"]
    day = visits["at"].dt.tz_convert("Asia/Seoul").dt.date
    traffic = read_traffic(
        sample.events, Entry("visitor_id", "visit", None), sample.timezone, sample.as_of, 56
    )
    last = dt.date(2026, 10, 31)
    weeks = [
        visits.loc[(day > last - dt.timedelta(weeks=k + 1)) & (day <= last - dt.timedelta(weeks=k)),
                   "visitor_id"].nunique()
        for k in range(8)
    ]  # fmt: skip
    assert traffic.weeks == tuple(weeks[::-1])
    whole = visits.loc[day > last - dt.timedelta(weeks=8), "visitor_id"].nunique()
    assert traffic.by_day[55] == pytest.approx(whole, rel=0.05)
    assert traffic.by_day[55] < 8 * np.mean(weeks)


def test_baseline_of_the_sample_against_pandas(sample):
    """T26: revenue a visitor of the same eight weeks, by another way of joining."""
    result = plan_test(sample, metric="revenue", max_weeks=2)
    start, end = result.definition["start"], result.definition["end"]
    assert (start, end) == (dt.date(2026, 8, 30), dt.date(2026, 10, 24))
    events = sample.events.frame("visitor_id", "at", "event", "customer_id", limit=10**7)
    visits = events[events["event"] == "visit"]
    day = visits["at"].dt.tz_convert("Asia/Seoul").dt.date
    first = visits[(day >= start) & (day <= end)].groupby("visitor_id")["at"].min()
    bought = events[events["event"] == "purchase"].merge(first.rename("first"), on="visitor_id")
    late = bought["at"] - bought["first"]
    inside = bought[(late >= pd.Timedelta(0)) & (late <= pd.Timedelta(days=7))]
    assert result.definition["n_measured"] == len(first)
    conversion = plan_test(sample, max_weeks=2).definition["baseline"]
    assert conversion == pytest.approx(inside["visitor_id"].nunique() / len(first))
    orders = sample.orders.frame("customer_id", "at", "amount", "discount_amount", "refund_amount",
                                 limit=10**6)  # fmt: skip
    paid = inside.merge(orders, on=["customer_id", "at"])
    net = paid["amount"] - paid["discount_amount"].fillna(0) - paid["refund_amount"].fillna(0)
    assert result.definition["baseline"] == pytest.approx(net.sum() / len(first), rel=0.01)


@pytest.mark.parametrize("metric", ["conversion", "revenue", "add_to_cart"])
def test_every_metric_of_the_sample_has_a_plan(sample, metric):
    result = plan_test(sample, metric=metric, min_effect=0.3, max_weeks=12)
    assert result.verdict.code in {"PLAN", "TOO_LITTLE_TRAFFIC"}
    for lang in ("ko", "en"):
        assert len(result.headline(lang)) > 20
    assert "nan" not in repr(result)


def test_a_plan_keeps_its_promise_on_random_splits():
    """The power that is promised for one look, against 4,000 tests of that size."""
    result = plan_test_from_counts(0.10, units_a_day=200, min_effect=0.25, method="one_look")
    row = result.frame[result.frame["n_weeks"] == result.weeks].iloc[0]
    n = int(row["n_units"] / 2)
    rng = np.random.default_rng(4)
    a, b = rng.binomial(n, 0.10, 4000) / n, rng.binomial(n, 0.125, 4000) / n
    pooled = (a + b) / 2
    z = (b - a) / np.sqrt(2 * pooled * (1 - pooled) / n)
    assert (np.abs(z) > 1.96).mean() == pytest.approx(row["power_rate"], abs=0.02)
    assert Design(method="one_look").power == 0.8
