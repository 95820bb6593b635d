"""Exact tests against hand counts, scipy, published numbers and full enumeration."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom
from statsmodels.stats.proportion import proportion_confint

from custmeasure.errors import UsageError
from custmeasure.stats.exact import clopper_pearson, fisher, needs_exact

MANY = settings(max_examples=80, deadline=None, derandomize=True)


@st.composite
def arms(draw, most=60):
    n_t, n_c = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n_t)), n_t, draw(st.integers(0, n_c)), n_c


def test_fisher_in_the_head():
    # 2 of 2 against 0 of 2: of 6 ways to place 2 conversions, one is as far up; counted half, twice.
    seen = fisher(2, 2, 0, 2)
    assert seen.p_value == pytest.approx(2 * (1 / 6) / 2)
    assert (seen.odds_ratio, seen.ci_upper) == (math.inf, math.inf)


@MANY
@given(arms())
def test_fisher_mid_p_agrees_with_the_hypergeometric(counts):
    k_t, n_t, k_c, n_c = counts
    if k_t + k_c in (0, n_t + n_c):
        assert math.isnan(fisher(*counts).p_value)
        return
    law = hypergeom(n_t + n_c, k_t + k_c, n_t)
    above, below = law.sf(k_t) + law.pmf(k_t) / 2, law.cdf(k_t) - law.pmf(k_t) / 2
    assert fisher(*counts).p_value == pytest.approx(min(2 * min(above, below), 1), rel=1e-8)


@MANY
@given(arms(), st.sampled_from([0.2, 0.05, 0.01]))
def test_interval_and_p_value_say_the_same(counts, alpha):
    """T23."""
    seen = fisher(*counts, alpha)
    if not math.isnan(seen.p_value) and abs(seen.p_value - alpha) > 1e-9:
        assert (seen.p_value < alpha) == (seen.ci_lower > 1 or seen.ci_upper < 1)
        assert seen.ci_lower <= seen.odds_ratio <= seen.ci_upper


@MANY
@given(arms())
def test_swapped_arms(counts):
    """T20."""
    turned = (*counts[2:], *counts[:2])
    seen, back = fisher(*counts), fisher(*turned)
    if not math.isnan(seen.p_value):
        assert seen.p_value == pytest.approx(back.p_value, rel=1e-9)
        if 0 < seen.ci_lower < math.inf:
            assert 1 / seen.ci_lower == pytest.approx(back.ci_upper, rel=1e-6)


@pytest.mark.parametrize(("n_t", "n_c"), [(20, 20), (40, 15)])
def test_false_alarms_over_every_outcome(n_t, n_c):
    k_t, k_c = np.arange(n_t + 1), np.arange(n_c + 1)
    mid = np.array([[fisher(i, n_t, j, n_c).p_value for j in k_c] for i in k_t])
    for rate in np.linspace(0.01, 0.99, 50):
        chance = binom.pmf(k_t, n_t, rate)[:, None] * binom.pmf(k_c, n_c, rate)[None, :]
        assert chance[mid < 0.05].sum() <= 0.056


def test_odds_ratio_interval_covers():
    """20 against 20, every outcome: the true odds ratio is inside in 94 % and more."""
    k = np.arange(21)
    ends = np.array(
        [[(s.ci_lower, s.ci_upper) for j in k for s in [fisher(i, 20, j, 20)]] for i in k]
    )
    for p_t, p_c in [(0.1, 0.1), (0.3, 0.1), (0.2, 0.4)]:
        chance = binom.pmf(k, 20, p_t)[:, None] * binom.pmf(k, 20, p_c)[None, :]
        odds = p_t / (1 - p_t) / (p_c / (1 - p_c))
        missed = (ends[..., 0] > odds) | (ends[..., 1] < odds)
        assert chance[missed].sum() <= 0.06


def test_clopper_pearson_peers(peer_cases):
    checked = 0
    for case in peer_cases("experiments_misc"):
        intervals = case["expected"].get("ci")
        if not isinstance(intervals, dict) or "clopper-pearson" not in intervals:
            continue
        ends = clopper_pearson(case["input"]["count"], case["input"]["n"])
        expected = intervals["clopper-pearson"]
        assert [float(end) for end in ends] == pytest.approx(expected, abs=case["tolerance"])
        checked += 1
    assert checked == 6


@MANY
@given(st.integers(1, 5000), st.floats(0, 1), st.sampled_from([0.2, 0.05, 0.001]))
def test_clopper_pearson_agrees_with_statsmodels(n, share, alpha):
    k = round(n * share)
    expected = proportion_confint(k, n, alpha, method="beta")
    ours = [float(end) for end in clopper_pearson(k, n, alpha)]
    assert ours == pytest.approx(np.nan_to_num(expected, nan=float(k > 0)), abs=1e-10)


def test_nothing_to_compare():
    """T13, T16: no units, no conversion at all, everybody."""
    for counts in ((0, 0, 1, 5), (0, 5, 0, 5), (5, 5, 3, 3)):
        assert math.isnan(fisher(*counts).p_value)
    assert np.isnan(clopper_pearson(0, 0)[0])


def test_zero_conversions_in_one_arm():
    """T13: one side is open, the other says how much is possible at least."""
    seen = fisher(0, 200, 6, 200)
    assert (seen.odds_ratio, seen.ci_lower) == (0, 0)
    assert 0 < seen.ci_upper < 1
    assert seen.p_value == pytest.approx(0.0150, abs=1e-4)


def test_when_counts_are_small():
    assert needs_exact(5, 100, 4, 100)
    assert not needs_exact(5, 100, 5, 100)
    assert needs_exact(98, 100, 97, 100)
    assert needs_exact(0, 0, 0, 0)


@pytest.mark.parametrize("wrong", [(6, 5, 0, 5), (-1, 5, 0, 5), (0.5, 5, 0, 5)])
def test_what_is_not_a_count_is_refused(wrong):
    with pytest.raises(UsageError):
        fisher(*wrong)
