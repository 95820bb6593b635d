"""Guardrails and directions, in the head and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from custmeasure.errors import UsageError
from custmeasure.stats import Moments, compare_means, compare_rates
from custmeasure.stats.non_inferiority import gain, guardrail, not_worse_p_value

MANY = settings(max_examples=200, deadline=None, derandomize=True)


def test_turned_round():
    """T20: less is better: every limit changes its sign and its side, the p-value stays."""
    seen = compare_rates(12, 400, 20, 400)
    turned = gain(seen, lower_is_better=True)
    assert (turned.diff, turned.diff_ci_lower, turned.diff_ci_upper) == (
        -seen.diff, -seen.diff_ci_upper, -seen.diff_ci_lower,
    )  # fmt: skip
    assert (turned.rel_diff, turned.rel_diff_ci_lower) == (-seen.rel_diff, -seen.rel_diff_ci_upper)
    assert turned.p_value == seen.p_value
    assert gain(turned, lower_is_better=True) == seen
    assert gain(seen) is seen
    means = compare_means(Moments(50, 3.0, 4.0), Moments(50, 2.0, 4.0))
    assert gain(means, lower_is_better=True).diff == -1


@pytest.mark.parametrize(
    ("lower", "upper", "kept"),
    [
        (-0.01, 0.02, "safe"), (0.01, 0.02, "safe"),
        (-0.019, -0.001, "safe"),  # surely a little worse, but bearable
        (-0.03, -0.001, "worse"), (-0.09, -0.05, "worse"),
        (-0.03, 0.01, "cannot_tell"), (math.nan, math.nan, "cannot_tell"),
    ],
)  # fmt: skip
def test_guardrail(lower, upper, kept):
    assert guardrail(lower, upper, 0.02) == kept


@MANY
@given(st.floats(-1, 1), st.floats(0.01, 1), st.floats(0.01, 1), st.sampled_from([5.0, math.inf]))
def test_p_value_and_interval_agree(diff, se, margin, df):
    """T23."""
    half = (norm.isf(0.025) if math.isinf(df) else student.isf(0.025, df)) * se
    p_value = not_worse_p_value(diff, se, margin, df)
    if abs(p_value - 0.025) > 1e-9:
        assert (p_value < 0.025) == (guardrail(diff - half, diff + half, margin) == "safe")


def test_a_metric_worse_by_the_margin_is_rarely_called_safe():
    """5,000 tests in which the harm is just the margin: at most 2.5 % are called safe."""
    rng = np.random.default_rng(7)
    treatment, control = rng.exponential(0.98, (5000, 400)), rng.exponential(1.0, (5000, 400))
    diff = treatment.mean(axis=1) - control.mean(axis=1)
    se = np.sqrt((treatment.var(axis=1, ddof=1) + control.var(axis=1, ddof=1)) / 400)
    safe = diff - 1.96 * se > -0.02
    assert safe.mean() <= 0.025 + 0.009


def test_what_cannot_be():
    for margin in (0, -0.1, math.nan):
        with pytest.raises(UsageError, match="margin"):
            guardrail(-0.1, 0.1, margin)
    assert math.isnan(not_worse_p_value(0.1, 0.0, 0.02))
    assert math.isnan(not_worse_p_value(math.nan, 1.0, 0.02))
