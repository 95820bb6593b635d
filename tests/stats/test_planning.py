"""Plans against the plain formulas, statsmodels, simulation and each other."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.power import NormalIndPower, zt_ind_solve_power
from statsmodels.stats.proportion import power_proportions_2indep

from custmeasure.errors import UnknownName, UsageError
from custmeasure.stats import units_for_means, units_for_rates
from custmeasure.stats.planning import (
    Baseline,
    Design,
    days_needed,
    mde_by_day,
    plan_mde,
    plan_power,
    plan_units,
)
from custmeasure.stats.sequential import alpha_spending

RATE = Baseline.of_rate(0.03)
REVENUE = Baseline(1500.0, 12_000.0**2)
DAILY = Design(method="planned_end", looks=28)
OPEN = Design(method="open_end", looks=28)
DESIGNS = [
    Design(),
    DAILY,
    OPEN,
    Design(shares=(2, 1, 1), method="planned_end", looks=7, n_metrics=2),
    Design(shares=(0.8, 0.2), power=0.9, correlation=0.6),
]


def test_one_look_at_two_halves_is_the_plain_formula():
    assert plan_units(RATE, 0.2) == pytest.approx(2 * units_for_rates(0.03, 0.036))
    expected = 2 * units_for_means(REVENUE.var, REVENUE.var, 150)
    assert plan_units(REVENUE, 0.1) == pytest.approx(expected)


def test_statsmodels_agrees():
    n = plan_units(RATE, 0.2)
    got = power_proportions_2indep(0.006, 0.03, nobs1=n / 2, return_results=False)
    assert got == pytest.approx(0.8, abs=1e-4)
    size = 150 / 12_000
    expected = zt_ind_solve_power(size, alpha=0.05, power=0.9, ratio=0.25)
    plan = Design(shares=(0.8, 0.2), power=0.9)
    assert plan_units(REVENUE, 0.1, plan) == pytest.approx(expected * 1.25, rel=1e-6)
    power = NormalIndPower().power(size, expected / 2, 0.05, 0.25)
    assert plan_power(REVENUE, 0.1, expected * 1.25 / 2, plan) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("baseline", [RATE, REVENUE], ids=["rate", "revenue"])
def test_units_smallest_difference_and_power_agree(design, baseline):
    n = plan_units(baseline, 0.15, design)
    assert plan_power(baseline, 0.15, n, design) == pytest.approx(design.power, abs=1e-5)
    assert plan_mde(baseline, n, design) == pytest.approx(0.15, rel=1e-5)


def test_a_covariate_at_0_7_halves_the_sample():
    for plan in (Design(), DAILY):
        with_one = plan_units(REVENUE, 0.1, replace(plan, correlation=0.7))
        assert with_one / plan_units(REVENUE, 0.1, plan) == pytest.approx(0.51)
    assert with_one <= 0.55 * plan_units(REVENUE, 0.1, DAILY)


def test_what_looking_costs():
    """Some 5 % more units with a planned end; open-ended some 75 %, were it to run to the end."""
    once = plan_units(RATE, 0.2)
    assert plan_units(RATE, 0.2, DAILY) / once == pytest.approx(1.05, abs=0.01)
    assert 1.5 < plan_units(RATE, 0.2, OPEN) / once < 2.1


def test_several_variants_and_metrics_share_the_level():
    plan = Design(shares=(1, 1, 1), n_metrics=2)
    expected = 3 * units_for_rates(0.03, 0.036, alpha=0.05 / 4)
    assert plan_units(RATE, 0.2, plan) == pytest.approx(expected)


def test_the_least_supplied_treatment_counts():
    wide = plan_units(RATE, 0.2, Design(shares=(5, 4, 1)))
    assert wide == pytest.approx(2 * units_for_rates(0.03, 0.036, alpha=0.025, ratio=0.2))


@pytest.mark.parametrize("design", [DAILY, OPEN], ids=["planned_end", "open_end"])
def test_planned_power_holds_in_simulation(design):
    """Revenue-like units, daily looks, the bounds that will be used: power 0.8 as planned."""
    rng, days = np.random.default_rng(28), 28
    plan = replace(design, looks=days, tuned_for=2000)
    n = plan_units(REVENUE, 0.8, plan) / days / 2
    # The mean of a day's units is near normal: two arms, 28 days, 4,000 tests.
    means = rng.normal([[[0.8 * 1500]], [[0.0]]], 12_000 / math.sqrt(n), (2, 4000, days))
    day = np.arange(1, days + 1)
    gap = (means[0] - means[1]).cumsum(axis=1) / day
    z = gap / (12_000 * np.sqrt(2 / (n * day)))
    if plan.method == "planned_end":
        critical = np.array(alpha_spending(day / days).critical)
    else:
        spread = 2 * n * day * (-2 * math.log(0.05) + math.log(1 - 2 * math.log(0.05))) / 2000
        critical = np.sqrt((spread + 1) / spread * np.log((spread + 1) / 0.05**2))
    assert (z > critical).any(axis=1).mean() == pytest.approx(0.8, abs=0.026)


def test_ratio_by_the_delta_method():
    # 2 sessions and 1 order a unit, variances 4 and 1, covariance 1: (1 - 1 + 0.25 x 4) / 4.
    assert Baseline.of_ratio(1, 2, 1, 4, 1) == Baseline(0.5, 0.25)
    with pytest.raises(UsageError, match="denominator"):
        Baseline.of_ratio(1, 0, 1, 1, 0)


def test_days():
    """Unique visitors grow sub-linearly: twice the days are less than twice the units."""
    units = [300 * day**0.85 for day in range(1, 57)]
    for plan in (Design(), DAILY, OPEN):
        seen = mde_by_day(Baseline.of_rate(0.05), units[:28], plan)
        shown = [mde for mde in seen if not math.isnan(mde)]
        assert shown == sorted(shown, reverse=True)
    day = days_needed(Baseline.of_rate(0.05), 0.4, units)
    assert units[day - 2] < plan_units(Baseline.of_rate(0.05), 0.4) <= units[day - 1]
    assert days_needed(Baseline.of_rate(0.05), 0.4, units, DAILY) >= day
    assert days_needed(Baseline.of_rate(0.05), 0.01, units) is None


@pytest.mark.parametrize(
    ("baseline", "rel_diff"),
    [(RATE, 0), (RATE, math.nan), (RATE, 40), (RATE, -1.1), (Baseline(0, 1), 0.1),
     (Baseline(5, 0), 0.1), (Baseline.of_rate(0), 0.1), (Baseline.of_rate(1), -0.1)],
)  # fmt: skip
def test_what_cannot_be_planned_has_no_number(baseline, rel_diff):
    assert math.isnan(plan_units(baseline, rel_diff))
    assert math.isnan(plan_power(baseline, rel_diff, 1000))


def test_too_few_units_show_nothing():
    assert math.isnan(plan_mde(Baseline.of_rate(0.5), 10))
    assert math.isnan(plan_mde(RATE, 0))
    assert math.isnan(plan_power(RATE, 0.1, 1))


def test_a_fall_is_planned_like_a_rise():
    assert plan_units(REVENUE, -0.1) == pytest.approx(plan_units(REVENUE, 0.1))
    loss = Baseline(-1500.0, 12_000.0**2)
    assert plan_units(loss, 0.1) == pytest.approx(plan_units(REVENUE, 0.1))


def test_power_of_no_difference_is_the_level():
    tiny = plan_power(REVENUE, 1e-9, 1000, DAILY)
    assert tiny == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [{"shares": (1,)}, {"shares": (1, 0)}, {"looks": 0}, {"correlation": 1}, {"n_metrics": 0},
     {"alpha": 0}, {"power": 80}],
)  # fmt: skip
def test_designs_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError):
        Design(**wrong)


def test_names_are_checked():
    with pytest.raises(UnknownName, match="planned_end"):
        Design(method="planed_end")
    for wrong in (-0.1, 3, math.nan):
        with pytest.raises(UsageError, match="between 0 and 1"):
            Baseline.of_rate(wrong)
    with pytest.raises(UsageError, match="planned with"):
        Baseline(math.inf, 1)


def test_level_of_one_comparison():
    assert Design(shares=(1, 1, 1)).level == pytest.approx(0.025)
    assert norm.isf(Design().level / 2) == pytest.approx(1.96, abs=1e-3)
