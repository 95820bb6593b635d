"""Alpha spending against published bounds, simulation and its own promises."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from custmeasure.errors import UnknownName, UsageError
from custmeasure.stats.sequential import alpha_spending, crossing_chances, repeated_p_value

SOME = settings(max_examples=40, deadline=None, derandomize=True)
FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]
DAYS = [day / 28 for day in range(1, 29)]
SCHEDULES = st.lists(st.floats(0.02, 1), min_size=1, max_size=8).map(sorted)


def test_one_look_is_the_classical_test():
    looks = alpha_spending([917], [1])
    assert looks.critical[0] == pytest.approx(norm.isf(0.025), abs=1e-12)
    assert looks.level == pytest.approx(0.05, abs=1e-13)
    assert looks.widening == pytest.approx(1, abs=1e-12)
    assert repeated_p_value(0.0123, [917], [1]) == pytest.approx(0.0123, rel=1e-9)


def test_two_looks_in_the_head():
    # Each side spends 2 (1 - Phi(z / sqrt(1/2))) with z the 1 % / 8 quantile: 0.0030507 in all.
    looks = alpha_spending([0.5, 1])
    assert looks.critical[0] == pytest.approx(norm.isf(2 * norm.sf(norm.isf(0.0125) * 2**0.5)))
    # No claim at either look: a square of the normal plane, correlation sqrt(1/2).
    plane = multivariate_normal([0, 0], [[1, 0.5**0.5], [0.5**0.5, 1]])
    z_1, z_2 = looks.critical
    inside = (
        plane.cdf([z_1, z_2]) - plane.cdf([-z_1, z_2]) - plane.cdf([z_1, -z_2])
        + plane.cdf([-z_1, -z_2])
    )  # fmt: skip
    assert inside == pytest.approx(0.95, abs=1e-6)


def test_published_bounds():
    """DeMets and Lan (1994), Statistics in Medicine 13, 1341-1352; R ldbounds gives the same."""
    looks = alpha_spending(FIVE)
    assert looks.critical == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)
    two_halves = alpha_spending([0.5, 1]).critical
    assert two_halves == pytest.approx([2.9626, 1.9686], abs=1e-4)


def test_ldbounds_peer(peer_cases):
    case = next(c for c in peer_cases("experiments_misc") if c["id"] == "ldbounds-power-family")
    looks = alpha_spending(case["input"]["information_fraction"], spend="squared")
    assert looks.critical == pytest.approx(case["expected"]["z_bounds"], abs=case["tolerance"])


def test_daily_looks_cost_nine_percent():
    """T05: at most 1.15 times the classical width, from 2 looks to a year of daily ones."""
    for n_looks in (2, 14, 28, 90, 365):
        looks = alpha_spending(np.arange(1, n_looks + 1) / n_looks)
        assert looks.spent[-1] == pytest.approx(0.05, abs=1e-9)
        assert 1 < looks.widening <= 1.15
    assert alpha_spending(DAYS).widening == pytest.approx(1.0916, abs=1e-4)


@SOME
@given(SCHEDULES, st.sampled_from([0.01, 0.05, 0.2]))
def test_all_that_may_be_spent_is_spent(fractions, alpha):
    """T04: whatever the looks, the chance of a claim without any difference is what was planned."""
    fractions = [*fractions, 1.0]
    looks = alpha_spending(fractions, alpha=alpha)
    assert looks.spent[-1] == pytest.approx(alpha, rel=1e-9)
    again = crossing_chances(looks.information, looks.critical)
    assert again == pytest.approx(list(looks.spent), abs=1e-12)


@SOME
@given(SCHEDULES, st.floats(1e-8, 0.999), st.sampled_from([0.01, 0.05, 0.2]))
def test_p_value_and_level_agree(fractions, p_value, alpha):
    """T23: below alpha exactly when the plain p-value is below the look's level."""
    overall = repeated_p_value(p_value, fractions)
    level = alpha_spending(fractions, alpha=alpha).level
    if abs(p_value / level - 1) > 1e-6 if level else True:
        assert (overall < alpha) == (p_value < level)
    assert overall >= p_value


def test_p_value_rises_with_the_plain_one():
    """T24."""
    overall = [repeated_p_value(p, DAYS) for p in (0, 1e-12, 1e-4, 0.01, 0.05, 0.3, 0.9, 1)]
    assert overall == sorted(overall)
    assert overall[0] > 0
    assert overall[-1] == pytest.approx(1)
    assert math.isnan(repeated_p_value(math.nan, DAYS))


@pytest.mark.parametrize("n_looks", [14, 28])
def test_false_alarms_of_daily_looks(n_looks):
    """T04: 5,000 random walks; 4 sigma of 0.05 is 0.0123."""
    walk = np.random.default_rng(4).standard_normal((5000, n_looks)).cumsum(axis=1)
    z = walk / np.sqrt(np.arange(1, n_looks + 1))
    critical = np.array(alpha_spending(np.arange(1, n_looks + 1) / n_looks).critical)
    assert 0.038 <= (np.abs(z) > critical).any(axis=1).mean() <= 0.062
    assert (np.abs(z) > 1.96).any(axis=1).mean() > 0.18  # what the plain test does


def test_interval_of_every_look_covers():
    """Repeated intervals: the truth is inside at all looks together in 95 %, whatever it is."""
    rng, n_looks = np.random.default_rng(9), 14
    times = np.arange(1, n_looks + 1) / n_looks
    steps = rng.normal(3 / n_looks, n_looks**-0.5, (5000, n_looks))
    estimate, se = steps.cumsum(axis=1) / times, times**-0.5
    critical = np.array(alpha_spending(times).critical)
    covered = (np.abs(estimate - 3) <= critical * se).all(axis=1).mean()
    assert 0.938 <= covered <= 0.962


def test_power_against_simulation():
    times = np.arange(1, 8) / 7
    critical = alpha_spending(times).critical
    steps = np.random.default_rng(7).normal(2.8 / 7, 7**-0.5, (40_000, 7))
    z = steps.cumsum(axis=1) / np.sqrt(times)
    seen = np.maximum.accumulate(np.abs(z) > critical, axis=1).mean(axis=0)
    assert crossing_chances(times, critical, 2.8) == pytest.approx(seen, abs=0.01)


def test_looking_costs_little_power():
    looks = alpha_spending(DAYS)
    drift = norm.isf(0.025) + norm.isf(0.2)
    assert crossing_chances(DAYS, looks.critical, drift)[-1] == pytest.approx(0.781, abs=0.001)


def test_under_running_takes_all_that_is_left():
    short = alpha_spending([100, 200, 240], [0.25, 0.5, 1])
    assert short.spent[-1] == pytest.approx(0.05)
    assert short.critical[-1] < alpha_spending([100, 200, 240], [0.25, 0.5, 0.6]).critical[-1]


def test_over_running_claims_once_and_no_more():
    looks = alpha_spending([0.5, 0.96, 1.1, 1.2])
    assert looks.spent[2] == pytest.approx(0.05)
    assert looks.critical[3] == math.inf
    assert looks.level == 0
    assert looks.spent[3] == looks.spent[2]


def test_the_same_data_seen_twice_is_one_look():
    looks = alpha_spending([80, 80, 100, 100], [0.8, 0.8, 1, 1])
    once = alpha_spending([80, 100], [0.8, 1])
    assert looks.critical == pytest.approx([c for c in once.critical for _ in range(2)])


def test_the_end_without_news_spends_the_rest():
    looks = alpha_spending([80, 80, 80], [0.8, 1, 1])
    assert looks.spent[-1] == pytest.approx(0.05, abs=1e-6)
    assert looks.critical[2] == looks.critical[1] < looks.critical[0]
    # The bar is what z at this look alone may pass in 5 % of tests: nothing else was looked at.
    assert looks.critical[1] == pytest.approx(1.96, abs=0.02)


def test_a_trickle_of_units_adds_up_to_a_look():
    """Looks that grow by too little are the look before, until together they have grown enough."""
    information = [1000 * (1 + 4e-5) ** i for i in range(11)]
    critical = alpha_spending([*information, 2000], [0.5] * 11 + [1]).critical
    assert critical[0] == critical[2] != critical[4]


def test_spending_by_the_calendar():
    """The plan's days may be half over when most units are there: what is spent follows the days."""
    looks = alpha_spending([700, 1000], [0.5, 1])
    assert looks.spent[0] == alpha_spending([1, 2], [0.5, 1]).spent[0]
    assert looks.spent[-1] == pytest.approx(0.05)


def test_looks_close_together_change_little():
    coarse = alpha_spending([0.5, 1]).critical
    fine = alpha_spending([0.5, 0.50002, 0.5001, 1]).critical
    assert fine[-1] == pytest.approx(coarse[-1], abs=1e-3)


@pytest.mark.parametrize("wrong", [[], [0, 1], [0.5, 0.4], [math.nan], ["a"], [-1], [math.inf]])
def test_information_that_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError):
        alpha_spending(wrong)
    with pytest.raises(UsageError):
        alpha_spending([1] * max(len(wrong), 1), wrong)


def test_wrong_arguments_are_refused():
    with pytest.raises(UsageError, match="fractions too"):
        alpha_spending([500, 1000])
    with pytest.raises(UsageError, match="one for each look"):
        alpha_spending([1, 2], [1])
    with pytest.raises(UnknownName, match="obrien_fleming"):
        alpha_spending([1], spend="obrien_flemming")
    with pytest.raises(UsageError, match="p-value"):
        repeated_p_value(1.5, [1])
    with pytest.raises(UsageError, match="alpha"):
        alpha_spending([1], alpha=5)
