"""Plans by the day: honest power, placebo dates, and a plan that anybody can draw again."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_days import (
    PlanDaysResult,
    copy_days_from_counts,
    plan_by_day,
    plan_days,
    plan_days_from_counts,
)
from custmeasure.improve.copy_days.history import (
    from_visits,
    placebo_rate,
    read_visits,
    week_on_week,
)
from custmeasure.improve.copy_days.plan import _power
from custmeasure.shop import open_shop
from custmeasure.stats.randomisation import power_of_pairs

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
MONDAY = dt.date(2026, 11, 2)


@pytest.fixture(scope="module")
def sample():
    return open_shop(SAMPLE)


def test_weeks_by_hand():
    """Luck alone: the pair's difference has the variance 2 p (1 - p) / n."""
    result = plan_days_from_counts(200, 0.04, min_effect=0.3)
    assert list(result.frame.columns) == list(PlanDaysResult.COLUMNS)
    assert result.frame["n_weeks"].tolist() == [*range(2, 27, 2)]
    sd, grown = math.sqrt(2 * 0.04 * 0.96 / 200), math.sqrt((1 + 1.3**2) / 2)
    assert result.frame["power_rate"][3] == pytest.approx(power_of_pairs(0.012, sd * grown, 28))
    assert result.frame["mde_diff"][3] == pytest.approx(0.04 * result.frame["mde_rel_diff"][3])
    assert (result.verdict, result.verdict.code) == ("cannot_tell", "PLAN")
    assert (np.diff(result.frame["mde_rel_diff"]) < 0).all()


def test_restless_days_need_four_times_as_long_for_twice_the_noise():
    quiet = plan_days_from_counts(200, 0.04, min_effect=0.3, max_weeks=104)
    restless = plan_days_from_counts(200, 0.04, min_effect=0.3, restless=2, max_weeks=104)
    assert restless.weeks == pytest.approx(4 * quiet.weeks, rel=0.2)


def test_too_few_visitors_is_said_with_what_works():
    result = plan_days_from_counts(30, 0.02, min_effect=0.1)
    assert (result.weeks, result.verdict.code) == (None, "TOO_LITTLE_TRAFFIC")
    assert "bolder" in result.reason
    with pytest.raises(UsageError, match="--weeks"):
        plan_by_day(result, "tea", start=MONDAY)


def test_power_is_kept_with_weekdays_and_restless_days():
    """4 weeks of a page whose days are restless: the share found is the power that was promised."""
    rng = np.random.default_rng(6)
    weekday = np.tile([1.3, 1.1, 1.0, 1.0, 0.9, 0.6, 0.8], 4)
    spread, rate, lift = 0.25, 0.05, 0.35

    def year(n_days):
        wave = np.exp(spread * rng.standard_normal(n_days) - spread**2 / 2)
        n = rng.poisson(250 * np.resize(weekday, n_days))
        return n, rate * wave

    n, chance = year(182)
    past = pd.DataFrame({"day": pd.date_range("2026-01-05", periods=182), "experiment": "",
                         "variant": "", "n_visitors": n, "n_conversions": rng.binomial(n, chance),
                         "revenue_amount": np.nan})  # fmt: skip
    seen = from_visits(past, "conversion", 0)
    promised = _power(seen, lift, 14, 0.05)
    found = 0
    for k in range(300):
        plan = plan_by_day(
            plan_days_from_counts(250, rate), f"t{k}", start=dt.date(2026, 1, 5), weeks=4
        )
        names = np.array(list(plan.days.values()))
        n, chance = year(28)
        sold = rng.binomial(n, chance * np.where(names == "B", 1 + lift, 1))
        rows = pd.DataFrame({"day": list(plan.days), "variant": names, "n_visitors": n,
                             "n_conversions": sold})  # fmt: skip
        found += copy_days_from_counts(rows).verdict == "better"
    assert found / 300 == pytest.approx(promised, abs=0.1)


def test_a_plan_by_day_is_a_plan():
    result = plan_days_from_counts(200, 0.04, min_effect=0.3)
    plan = plan_by_day(result, "title", start=MONDAY, control="old", treatment="new")
    assert (plan.kind, plan.control, plan.method) == ("by_day", "old", "one_look")
    assert len(plan.days) == 7 * result.weeks
    assert (plan.start, plan.end) == (MONDAY, MONDAY + dt.timedelta(days=69))
    assert plan == plan_by_day(result, "title", start=MONDAY, control="old", treatment="new")
    other = plan_by_day(result, "title 2", start=MONDAY, control="old", treatment="new")
    assert other.days != plan.days
    days = pd.Series(plan.days)
    weekday = pd.DatetimeIndex(days.index).day_of_week
    assert (days.groupby([weekday, days.to_numpy()]).size() == 5).all()
    with pytest.raises(UsageError, match="steps of 2"):
        plan_by_day(result, "title", start=MONDAY, weeks=5)


def test_no_drawn_plan_is_this_week_against_last_week():
    result = plan_days_from_counts(200, 0.04)
    for k in range(300):
        names = list(plan_by_day(result, f"t{k}", start=MONDAY, weeks=2).days.values())
        assert sum(a != b for a, b in zip(names, names[1:], strict=False)) > 1


@pytest.mark.parametrize(
    "wrong", [{"n_visitors_a_day": 0}, {"conversion_rate": 1}, {"restless": 0.5}, {"min_effect": 0},
              {"max_weeks": 0}, {"carry_over": 9}, {"alpha": 0}]
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(wrong):
    with pytest.raises(UsageError):
        plan_days_from_counts(**({"n_visitors_a_day": 200, "conversion_rate": 0.04} | wrong))


# --- the sample shop --------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["conversion", "revenue", "visitors"])
def test_the_samples_page_has_a_plan(sample, metric):
    result = plan_days(sample, metric=metric, min_effect=0.4)
    assert result.weeks is not None
    assert result.definition["table"] == "copy_days"
    for lang in ("ko", "en"):
        assert len(result.headline(lang)) > 20


def test_a_page_of_the_shop_itself(sample):
    result = plan_days(sample, page="/product/0103", min_effect=0.4)
    assert result.definition["table"] == "events"
    with pytest.raises(UnknownName, match="/product/0103"):
        plan_days(sample, page="/product/103")
    with pytest.raises(UnknownName):
        plan_days(sample, metric="visits")


def test_carried_over_days_cost_time(sample):
    plain = plan_days(sample, min_effect=0.4)
    carried = plan_days(sample, min_effect=0.4, carry_over=1)
    assert carried.frame["n_weeks"].tolist() == [*range(4, 27, 4)]
    assert carried.weeks > plain.weeks


def test_placebo_dates(sample):
    """T30: 200 made-up plans on the shop's own days; at most 10 % may come out significant."""
    days = read_visits(sample, sample.events, "purchase", None)
    assert len(days) == 182
    assert placebo_rate(days, 4) <= 0.10
    assert placebo_rate(days, 8, seed=2) <= 0.10


def test_week_on_week_of_a_restless_shop_is_wrong_far_too_often():
    """What "this week against last week" would have said where whole weeks differ by a fifth."""
    rng = np.random.default_rng(3)
    good = np.repeat(np.exp(0.2 * rng.standard_normal(52)), 7)
    n = np.full(364, 800)
    days = pd.DataFrame({"day": pd.date_range("2025-01-06", periods=364), "experiment": "",
                         "n_visitors": n, "n_conversions": rng.binomial(n, 0.04 * good)})  # fmt: skip
    tested, apart = week_on_week(days)
    assert tested == 51
    assert apart > 0.3 * tested
    assert placebo_rate(days.assign(variant=""), 4) <= 0.10
