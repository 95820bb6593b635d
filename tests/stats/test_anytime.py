"""Always-valid levels against hand counts, simulation and their own promises."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from custmeasure.errors import UsageError
from custmeasure.stats.anytime import (
    anytime_critical,
    anytime_level,
    anytime_one_sided_p_value,
    anytime_p_value,
)

MANY = settings(max_examples=200, deadline=None, derandomize=True)
UNITS = st.integers(2, 10_000_000)


def test_in_the_head():
    # alpha = e^-2: -2 ln alpha = 4, so n rho² = 4 + ln 5 at the n it is tuned for.
    spread = 4 + math.log(5)
    expected = math.sqrt((spread + 1) / spread * (math.log(spread + 1) + 4))
    assert anytime_critical(300, math.exp(-2), 300) == pytest.approx(expected, rel=1e-14)


def test_narrowest_where_it_is_tuned():
    widths = [anytime_critical(n) / math.sqrt(n / 5000) for n in range(4000, 6001, 10)]
    beside_classical = [anytime_critical(n) for n in (1000, 2500, 5000, 20_000, 50_000)]
    assert widths == sorted(widths, reverse=True)
    assert min(beside_classical) == beside_classical[2]


@pytest.mark.parametrize("times", [0.3, 0.5, 1, 2, 5, 9])
def test_width_beside_the_classical(times):
    """T05: at most 1.65 times the classical interval."""
    assert 1.5 < anytime_critical(5000 * times) / norm.isf(0.025) <= 1.65


@MANY
@given(st.floats(1e-12, 1), UNITS, st.sampled_from([0.2, 0.05, 0.01]))
def test_p_value_and_level_agree(p_value, n, alpha):
    """T23."""
    level = anytime_level(n, alpha)
    if level == 0 or abs(p_value / level - 1) > 1e-9:
        assert (anytime_p_value(p_value, n, alpha) < alpha) == (p_value < level)


@MANY
@given(st.floats(0.01, 30), UNITS, st.sampled_from([0.2, 0.05, 0.01]))
def test_one_sided_p_value_and_critical_value_agree(z, n, alpha):
    critical = anytime_critical(n, alpha, one_sided=True)
    if abs(z / critical - 1) > 1e-9:
        assert (anytime_one_sided_p_value(z, n, alpha) < alpha) == (z > critical)
    assert n < 5000 or critical < anytime_critical(n, alpha)


def test_false_alarms_however_long_it_runs():
    """T04: 5,000 walks of 20,000 units in 200 looks; the promise holds for endless ones."""
    steps = np.random.default_rng(5).standard_normal((5000, 200))
    n = 100 * np.arange(1, 201)
    z = steps.cumsum(axis=1) / np.sqrt(np.arange(1, 201))
    critical = np.array([anytime_critical(k) for k in n])
    assert (np.abs(z) > critical).any(axis=1).mean() <= 0.05
    one_sided = np.array([anytime_critical(k, one_sided=True) for k in n])
    assert (z > one_sided).any(axis=1).mean() <= 0.05


def test_ends_of_the_scale():
    assert anytime_p_value(1.0, 100) == 1
    assert 0 < anytime_p_value(0.0, 100) < 1e-20
    assert math.isnan(anytime_p_value(math.nan, 100))
    assert anytime_one_sided_p_value(-3, 100) == 1
    assert math.isnan(anytime_one_sided_p_value(math.nan, 100))


@pytest.mark.parametrize(
    ("n", "alpha", "tuned_for"),
    [(0, 0.05, 5000), (10, 0, 5000), (10, 0.05, 0), (math.nan, 0.05, 1)],
)
def test_what_cannot_be_is_refused(n, alpha, tuned_for):
    with pytest.raises(UsageError):
        anytime_critical(n, alpha, tuned_for)
    with pytest.raises(UsageError):
        anytime_p_value(0.5, n, alpha, tuned_for)
