"""The test by the coins: by hand, against brute force, and at the promised error rate."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.errors import UsageError
from custmeasure.stats.randomisation import (
    coins,
    compare_pairs,
    pairs_needed,
    power_of_pairs,
)

SIX = [1, 1, 1, 1, 1, 1]


def brute(gap, weight, x=0.0):
    """Return the p-value of 'the treatment adds x to every day', outcome by outcome."""
    share = np.asarray(weight) / np.sum(weight)
    left = (np.asarray(gap) - x) * share
    sums = [abs(sum(s * d for s, d in zip(signs, left, strict=True)))
            for signs in itertools.product((1, -1), repeat=len(left))]  # fmt: skip
    return np.mean([each >= abs(sum(left)) - 1e-12 for each in sums])


def test_all_six_pairs_one_way_by_hand():
    """2 of 64 outcomes are as far from 0: all heads, all tails."""
    seen = compare_pairs([2, 3, 4, 5, 6, 7], SIX, SIX, SIX)
    assert seen.p_value == 2 / 64
    assert seen.diff == pytest.approx(3.5)
    assert seen.rel_diff == pytest.approx(3.5)
    assert (seen.n_pairs, seen.n_assignments, seen.code) == (6, 64, None)


def test_the_weights_are_those_of_mantel_and_haenszel():
    """Weights 1·3/4, 1·1/2 …: by hand."""
    seen = compare_pairs([1, 2, 0, 0, 0, 0], [0] * 6, [1, 1, 1, 1, 1, 1], [3, 1, 1, 1, 1, 1])
    assert seen.diff == pytest.approx((0.75 * 1 + 0.5 * 2) / (0.75 + 5 * 0.5))


def test_fewer_than_six_pairs_can_never_be_significant():
    assert [pairs_needed(a) for a in (0.05, 0.1, 0.01)] == [6, 5, 8]
    seen = compare_pairs([2] * 5, [1] * 5, [1] * 5, [1] * 5)
    assert seen.code == "TOO_FEW_PAIRS"
    assert math.isnan(seen.p_value)
    assert math.isnan(seen.diff_ci_lower)


def test_pairs_without_any_difference():  # T15
    seen = compare_pairs(SIX, SIX, SIX, SIX)
    assert (seen.code, seen.diff) == ("ZERO_VARIANCE", 0)
    assert math.isnan(seen.p_value)
    assert compare_pairs([2] * 6, SIX, SIX, SIX).code == "ZERO_VARIANCE"


def test_a_control_of_zero_has_no_relative_difference():  # T18
    seen = compare_pairs([1, 2, 3, 4, 5, 6], [0] * 6, SIX, SIX)
    assert seen.code == "ZERO_BASELINE"
    assert math.isnan(seen.rel_diff)
    assert seen.p_value == 2 / 64


@pytest.mark.parametrize("wrong", [
    ([1, 2], [1], [1, 1], [1, 1]), ([math.nan] * 6, SIX, SIX, SIX), (SIX, SIX, [0] * 6, SIX),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(wrong):  # T17
    with pytest.raises(UsageError):
        compare_pairs(*wrong)


values = st.lists(st.integers(0, 40), min_size=6, max_size=9)


@settings(max_examples=60, deadline=None)
@given(values, st.data())
def test_p_value_and_interval_equal_brute_force(treatment, data):
    """T23, T26: listing every outcome; just inside the interval an effect is kept, outside refused."""
    n = len(treatment)
    control = data.draw(st.lists(st.integers(1, 40), min_size=n, max_size=n))
    n_t = data.draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    seen = compare_pairs(treatment, control, n_t, [5] * n)
    if seen.code == "ZERO_VARIANCE":
        return
    weight = np.asarray(n_t) * 5 / (np.asarray(n_t) + 5)
    gap = np.subtract(treatment, control)
    assert seen.p_value == pytest.approx(brute(gap, weight))
    step = 1e-6 * (1 + np.abs(gap).max())
    for limit, outwards in ((seen.diff_ci_lower, -step), (seen.diff_ci_upper, step)):
        if math.isfinite(limit):
            assert brute(gap, weight, limit - outwards) >= 0.05
            assert brute(gap, weight, limit + outwards) < 0.05
    assert (seen.p_value < 0.05) == (seen.diff_ci_lower > 0 or seen.diff_ci_upper < 0)
    if math.isfinite(seen.rel_diff_ci_lower) and math.isfinite(seen.rel_diff_ci_upper):
        outside = seen.rel_diff_ci_lower > 0 or seen.rel_diff_ci_upper < 0
        assert outside == (seen.p_value < 0.05)


@settings(max_examples=40, deadline=None)
@given(values, st.integers(1, 1000))
def test_swapping_and_scaling(treatment, factor):  # T20, T21
    control = [7] * len(treatment)
    ones = [1] * len(treatment)
    one = compare_pairs(treatment, control, ones, ones)
    swapped = compare_pairs(control, treatment, ones, ones)
    scaled = compare_pairs([factor * v for v in treatment], [7 * factor] * len(ones), ones, ones)
    if one.code == "ZERO_VARIANCE":
        return
    assert swapped.diff == pytest.approx(-one.diff)
    assert swapped.p_value == one.p_value == scaled.p_value
    assert (swapped.diff_ci_lower, swapped.diff_ci_upper) == pytest.approx(
        (-one.diff_ci_upper, -one.diff_ci_lower)
    )
    assert scaled.diff_ci_upper == pytest.approx(factor * one.diff_ci_upper)


def test_many_pairs_are_drawn_and_other_draws_say_the_same():
    """T32: another seed moves the ends by less than a tenth of the width."""
    rng = np.random.default_rng(5)
    t, c, ones = rng.normal(1.2, 1, 30) + 5, rng.normal(0, 1, 30) + 5, np.ones(30)
    one, again = compare_pairs(t, c, ones, ones), compare_pairs(t, c, ones, ones)
    assert one == again
    assert one.n_assignments == 20_000
    gap = (t - c) / 30
    for seed in range(5):
        signs = coins(30, seed=seed)
        assert np.mean(np.abs(signs @ gap) >= gap.sum() - 1e-12) == pytest.approx(
            one.p_value, abs=0.01
        )
    half = 2.045 * one.se  # the t interval of 30 differences
    assert one.diff_ci_upper - one.diff == pytest.approx(half, rel=0.1)


def days(rng, n_weeks, repeats, lasting):
    """Noise of days: weekdays differ, and a good day is followed by good days (AR 1)."""
    weekday = np.array([1.3, 1.1, 1.0, 1.0, 0.9, 0.6, 0.8])
    noise = np.empty((repeats, 7 * n_weeks))
    noise[:, 0] = rng.standard_normal(repeats)
    for day in range(1, 7 * n_weeks):
        fresh = math.sqrt(1 - lasting**2) * rng.standard_normal(repeats)
        noise[:, day] = lasting * noise[:, day - 1] + fresh
    return 0.03 * np.tile(weekday, n_weeks) * np.exp(0.25 * noise)


def share_found(n_weeks, lasting, effect=0.0, repeats=5000, seed=3):
    """How often the coins' test finds something, the days drawn in pairs anew each time."""
    rng = np.random.default_rng(seed)
    value = days(rng, n_weeks, repeats, lasting).reshape(repeats, n_weeks // 2, 2, 7)
    gap = (value[:, :, 0] - value[:, :, 1]).reshape(repeats, -1)
    gap = gap * (rng.integers(0, 2, gap.shape) * 2.0 - 1) + effect
    signs = coins(gap.shape[1], drawn=2000)
    far = np.abs(gap @ signs.T) >= np.abs(gap.sum(axis=1))[:, None] - 1e-12
    return (far.mean(axis=1) < 0.05).mean()


@pytest.mark.parametrize(
    ("n_weeks", "lasting"), [(2, 0.6), (4, 0.0), (4, 0.6), (8, 0.9), (8, -0.5)]
)
def test_false_alarms_with_weekdays_and_days_that_hang_together(n_weeks, lasting):
    """T04 for days: 0.04 to 0.06 whatever the days do; 14 days allow 6 of 128 outcomes, 0.047."""
    assert 0.04 <= share_found(n_weeks, lasting) <= 0.06


def test_power_is_what_was_promised():
    """The chance that `power_of_pairs` says, against 4,000 tests of 28 pairs."""
    rng = np.random.default_rng(8)
    gap = rng.normal(0.5, 1, (4000, 28))
    signs = coins(28, drawn=2000)
    far = np.abs(gap @ signs.T) >= np.abs(gap.sum(axis=1))[:, None] - 1e-12
    found = (far.mean(axis=1) < 0.05).mean()
    assert power_of_pairs(0.5, 1, 28) == pytest.approx(found, abs=0.025)


def test_power_at_its_edges():
    assert power_of_pairs(1, 1, 5) == 0
    assert power_of_pairs(1, 0, 7) == 1
    assert power_of_pairs(0, 1, 28) == pytest.approx(0.05)
