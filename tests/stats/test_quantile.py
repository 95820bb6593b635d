"""Quantiles, caps and the textbook's tests of two rates."""

import math

import numpy as np
import pytest
from scipy import stats as sps

from custmeasure.errors import UsageError
from custmeasure.stats.contingency import chi_square_test, likelihood_ratio_test, normal_test
from custmeasure.stats.joint import Joint
from custmeasure.stats.quantile import design_effect, from_limits, places
from custmeasure.stats.winsor import winsorise

RNG = np.random.default_rng(7)


def test_places_in_the_head():
    # The median of 100: 0.5 +- 1.96 * 0.05 = 0.402 and 0.598: ranks 50, 41 and 60 + 1.
    assert places(100, 0.5) == (50, 41, 61)
    assert places(400, 0.5, design=4.0) == (200, 161, 241)


@pytest.mark.parametrize(("n", "share"), [(1, 0.5), (3, 0.5), (30, 0.9), (30, 0.1)])
def test_too_few_values(n, share):
    """T16: the interval would need values beyond the largest."""
    assert places(n, share) is None


def test_standard_error_in_the_head():
    # 95 % limits 2 * 1.959964 apart: a standard error of 1.
    seen = from_limits(101, 7.0, 7 - 1.959963985, 7 + 1.959963985)
    assert (seen.mean, seen.se) == (7.0, pytest.approx(math.sqrt(100 / 101)))
    with pytest.raises(UsageError):
        from_limits(100, 7.0, 8.0, 6.0)


def test_independent_values_have_no_design_effect():
    below = Joint.from_values([1, 0, 1, 0] * 100, np.ones(400))
    assert design_effect(below, 0.5) == pytest.approx(400 / 399)


def _clustered(n_units):
    sizes = RNG.integers(1, 12, n_units)
    level = RNG.normal(0, 1, n_units)
    return np.repeat(np.arange(n_units), sizes), np.repeat(level, sizes) + RNG.normal(
        0, 0.5, sizes.sum()
    )


def test_clustered_medians_keep_their_level():
    """A/A of medians where a unit has many alike values; ignoring that errs several times as often."""
    wrong = naive = 0
    for _ in range(600):
        arms, plain = [], []
        for _ in range(2):
            unit, value = _clustered(150)
            ordered = np.sort(value)
            middle = ordered[places(len(value), 0.5)[0] - 1]
            below = Joint.from_values(np.bincount(unit, value <= middle), np.bincount(unit))
            for design, kept in ((design_effect(below, 0.5), arms), (1.0, plain)):
                at, low, high = (ordered[rank - 1] for rank in places(len(value), 0.5, design))
                kept.append(from_limits(len(value), at, low, high))
        wrong += _apart(arms)
        naive += _apart(plain)
    assert 0.025 <= wrong / 600 <= 0.08
    assert naive / 600 > 0.2


def _apart(arms):
    return abs(arms[0].mean - arms[1].mean) > 1.96 * math.hypot(arms[0].se, arms[1].se)


def test_winsorising_in_the_head():
    cut, seen = winsorise([0, 0, 10, 20, 70], 0.5)
    assert cut.tolist() == [0, 0, 10, 20, 20]
    assert (seen.cap, seen.n_capped, seen.cut_share) == (20, 1, 0.5)
    assert winsorise([0, 0], 0.99)[1].cap == math.inf
    for cap in (0, -1, math.inf, math.nan, True, "x"):
        with pytest.raises(UsageError, match="cap"):
            winsorise([1], cap)


@pytest.mark.parametrize("correction", [True, False])
@pytest.mark.parametrize("counts", [(13, 47, 19, 53), (3, 40, 11, 35), (20, 20, 1, 20)])
def test_chi_square_and_likelihood_ratio_as_scipy(counts, correction):
    k_t, n_t, k_c, n_c = counts
    table = [[k_t, k_c], [n_t - k_t, n_c - k_c]]
    for ours, name in ((chi_square_test, "pearson"), (likelihood_ratio_test, "log-likelihood")):
        theirs = sps.chi2_contingency(table, correction=correction, lambda_=name).pvalue
        assert ours(*counts, correction=correction) == pytest.approx(theirs, rel=1e-9)


def test_the_score_test_is_the_chi_square_test():
    counts = (13, 47, 19, 53)
    assert normal_test(*counts).p_value == pytest.approx(chi_square_test(*counts), rel=1e-12)


def test_nothing_to_test():
    """T13, T16."""
    assert math.isnan(chi_square_test(0, 10, 0, 10))
    assert math.isnan(normal_test(0, 0, 0, 10).p_value)
    assert math.isnan(normal_test(0, 10, 0, 10).p_value)
    with pytest.raises(UsageError):
        chi_square_test(11, 10, 0, 10)
