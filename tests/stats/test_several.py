"""Several rates at once, in the head and against scipy."""

import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from custmeasure.errors import UsageError
from custmeasure.stats.several import rates_alike, rates_on_target


def test_in_the_head():
    # 10 of 20 where a quarter was expected: (10 - 5)² / (20 x 1/4 x 3/4) = 25 / 3.75.
    assert rates_on_target(10, 20, 0.25).statistic == pytest.approx(25 / 3.75)
    # 6 and 4 of 10: (1² + 1²) / (10 x 1/4) = 0.8.
    assert rates_alike([6, 4], [10, 10]).statistic == pytest.approx(0.8)


def test_scipy_agrees():
    k, n = np.array([73, 90, 114, 75]), np.array([86, 93, 136, 82])
    theirs = chi2_contingency([k, n - k], correction=False)
    ours = rates_alike(k, n)
    assert (ours.statistic, ours.df) == (pytest.approx(theirs.statistic), theirs.dof)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_nothing_to_test():
    """T13, T16."""
    for k, n in (([0, 0], [5, 5]), ([5, 5], [5, 5]), ([1], [5]), ([1, 0], [5, 0]), ([], [])):
        assert math.isnan(rates_alike(k, n).p_value)
    assert math.isnan(rates_on_target(0, 0, 0.5).p_value)


def test_what_cannot_be():
    with pytest.raises(UsageError, match="more conversions"):
        rates_alike([6], [5])
    with pytest.raises(UsageError, match="target"):
        rates_on_target(1, 5, 1.0)
