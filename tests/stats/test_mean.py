"""Means against hand counts, scipy, published figures and their own promises."""

import functools
import math
import operator
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from custmeasure.errors import DataError, UsageError
from custmeasure.stats import Moments, compare_means

MANY = settings(max_examples=300, deadline=None, derandomize=True)
MONEY = st.lists(st.integers(-50_000, 900_000).map(lambda won: won / 100), min_size=3, max_size=60)


def test_moments_in_the_head():
    # 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, over 3.
    seen = Moments.from_values([1, 2, 3, 6])
    assert (seen.n, seen.mean, seen.var) == (4, 3, pytest.approx(14 / 3))


def test_welch_in_the_head():
    # Means 3 and 1, squared standard errors 2 and 2, equal n: df = 2 (n - 1) = 6.
    seen = compare_means(Moments(4, 3.0, 8.0), Moments(4, 1.0, 8.0))
    assert (seen.diff, seen.se, seen.df) == (2, 2, pytest.approx(6))
    assert seen.p_value == pytest.approx(2 * sps.t.sf(1, 6))
    assert seen.diff_ci_upper == pytest.approx(2 + 2 * sps.t.isf(0.025, 6))


def test_fieller_in_the_head():
    # Means 8 and 4, standard errors 0.5 and 0.5; the limits solve (8 - 4R)^2 = t^2 (1 + R^2) / 4.
    seen = compare_means(Moments(16, 8.0, 4.0), Moments(16, 4.0, 4.0))
    t = sps.t.isf(0.025, 30)
    for ratio in (1 + seen.rel_diff_ci_lower, 1 + seen.rel_diff_ci_upper):
        assert (8 - 4 * ratio) ** 2 == pytest.approx(t**2 * (1 + ratio**2) / 4)
    assert seen.rel_diff == 1


@MANY
@given(MONEY, MONEY)
def test_welch_agrees_with_scipy_and_statsmodels(treatment, control):
    ours = compare_means(Moments.from_values(treatment), Moments.from_values(control))
    if ours.code == "ZERO_VARIANCE":
        return
    theirs = sps.ttest_ind(treatment, control, equal_var=False)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    pair = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    limits = pair.tconfint_diff(usevar="unequal")
    assert (ours.diff_ci_lower, ours.diff_ci_upper) == pytest.approx(limits, rel=1e-9, abs=1e-7)


@MANY
@given(MONEY, MONEY, st.sampled_from([0.2, 0.05, 0.01, 0.001]))
def test_p_value_and_intervals_say_the_same(treatment, control, alpha):
    """T23."""
    seen = compare_means(Moments.from_values(treatment), Moments.from_values(control), alpha)
    excluded = seen.diff_ci_lower > 0 or seen.diff_ci_upper < 0
    assert (seen.p_value < alpha) == excluded
    if not math.isnan(seen.rel_diff):
        assert (seen.rel_diff_ci_lower > 0 or seen.rel_diff_ci_upper < 0) == excluded


@MANY
@given(st.lists(st.floats(0, 1e7), min_size=8, max_size=200), st.randoms(use_true_random=False))
def test_row_order_and_cuts_do_not_matter(values, random):
    """T19: shuffled to the last bit; cut in 7 and merged within 1e-12."""
    whole = Moments.from_values(values)
    shuffled = list(values)
    random.shuffle(shuffled)
    assert Moments.from_values(shuffled) == whole
    cuts = [0, *sorted(random.randint(0, len(values)) for _ in range(6)), len(values)]
    parts = [Moments.from_values(shuffled[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    merged = functools.reduce(operator.add, parts)
    assert merged.n == whole.n
    assert merged.mean == pytest.approx(whole.mean, rel=1e-12)
    assert merged.var == pytest.approx(whole.var, rel=1e-12, abs=1e-24 * whole.mean**2)


def test_sums_are_exact():
    """T19: a plain sum of 100,000 x 0.1 is off by 1.9e-8."""
    values = [0.1] * 99_999 + [0.3]
    assert Moments.from_values(values).mean == math.fsum(values) / 100_000


def test_merging_with_nothing_changes_nothing():
    one = Moments(3, 2.0, 1.0)
    assert one + Moments(0) == one
    assert Moments(0) + one == one
    assert Moments(1, 2.0) + Moments(1, 4.0) == Moments(2, 3.0, 2.0)


@pytest.mark.parametrize(
    ("treatment", "control", "code"),
    [
        (Moments(0), Moments(5, 1.0, 1.0), "NO_UNITS"),
        (Moments(0), Moments(1, 1.0), "NO_UNITS"),
        (Moments(1, 2.0), Moments(5, 1.0, 1.0), "TOO_FEW_UNITS"),
        (Moments(5, 2.0, 1.0), Moments(1, 2.0), "TOO_FEW_UNITS"),
        (Moments(5, 2.0, 0.0), Moments(5, 2.0, 0.0), "ZERO_VARIANCE"),
        (Moments(5, 2.0, 0.0), Moments(5, 3.0, 1.0), "ZERO_VARIANCE"),
        (Moments(5, 3.0, 1.0), Moments(5, 0.0, 0.0), "ZERO_VARIANCE"),
    ],
)
def test_degenerate_samples_have_a_code(treatment, control, code):
    """T15, T16: no p = 0, no p = 1, no interval of width 0."""
    seen = compare_means(treatment, control)
    assert seen.code == code
    assert math.isnan(seen.p_value)
    assert math.isnan(seen.diff_ci_lower)
    assert math.isnan(seen.rel_diff)
    assert math.isnan(seen.diff) == (min(treatment.n, control.n) < 2)


def test_identical_values_have_no_variance_however_they_are_summed():
    """T15: 0.1 is no exact float; seven days of it merge to exactly no variance."""
    parts = [Moments.from_values([0.1] * n) for n in (3, 1, 4, 1, 5, 9, 2)]
    merged = functools.reduce(operator.add, parts)
    assert merged == Moments(25, 0.1, 0.0)
    assert compare_means(merged, Moments(25, 0.1, 1e-35)).code == "ZERO_VARIANCE"


def test_two_units_are_marked():
    """T16."""
    assert compare_means(Moments(2, 2.0, 1.0), Moments(9, 1.0, 1.0)).two_units is True
    assert compare_means(Moments(3, 2.0, 1.0), Moments(9, 1.0, 1.0)).two_units is False


@pytest.mark.parametrize(
    ("mean", "defined"), [(-10.0, False), (0.0, False), (2.9, False), (3.1, True), (10.0, True)]
)
def test_relative_difference_needs_a_baseline_above_zero(mean, defined):
    """T18: refunds can make a control's mean small or negative; the difference always stands."""
    control = Moments(100, mean, 100.0)  # standard error 1
    seen = compare_means(Moments(100, 5.0, 100.0), control)
    assert seen.diff == 5 - mean
    assert 0 < seen.p_value <= 1
    assert (seen.code is None) == defined
    assert math.isnan(seen.rel_diff) != defined


def test_relative_difference_needs_a_bounded_interval():
    """T18: with two units t is 12.7, and 3 standard errors above 0 are not enough."""
    seen = compare_means(Moments(2, 5.0, 0.002), Moments(2, 5.0, 2.0))
    assert seen.code == "BASELINE_NEAR_ZERO"


@MANY
@given(MONEY, MONEY)
def test_swapping_the_arms_changes_only_the_sign(treatment, control):
    """T20."""
    a, b = Moments.from_values(treatment), Moments.from_values(control)
    one, other = compare_means(a, b), compare_means(b, a)
    if one.code == "ZERO_VARIANCE":
        return
    assert one.diff == -other.diff
    assert one.p_value == pytest.approx(other.p_value, rel=1e-12)
    assert one.diff_ci_lower == pytest.approx(-other.diff_ci_upper, rel=1e-12, abs=1e-9)


@MANY
@given(MONEY, MONEY, st.sampled_from([0.5, 1024.0, 1350.25]), st.integers(-1000, 1000))
def test_currency_and_shift(treatment, control, rate, shift):
    """T21: another currency scales the effect; a constant on both arms changes no difference."""
    base = compare_means(Moments.from_values(treatment), Moments.from_values(control))
    if base.code == "ZERO_VARIANCE":
        return
    scaled = compare_means(
        Moments.from_values([rate * x for x in treatment]),
        Moments.from_values([rate * x for x in control]),
    )
    shifted = compare_means(
        Moments.from_values([x + shift for x in treatment]),
        Moments.from_values([x + shift for x in control]),
    )
    assert scaled.p_value == pytest.approx(base.p_value, rel=1e-9)
    assert scaled.diff == pytest.approx(rate * base.diff, rel=1e-9, abs=1e-9)
    assert scaled.rel_diff == pytest.approx(base.rel_diff, rel=1e-9, abs=1e-12, nan_ok=True)
    assert shifted.p_value == pytest.approx(base.p_value, rel=1e-9)
    assert shifted.diff == pytest.approx(base.diff, rel=1e-9, abs=1e-9)


@MANY
@given(st.floats(0.1, 5), st.floats(0.1, 5), st.integers(3, 200), st.integers(2, 9))
def test_more_data_and_larger_effects_are_monotone(gap, more, n, times):
    """T24."""
    control, near = Moments(n, 10.0, 4.0), Moments(n, 10 + gap, 4.0)
    one = compare_means(near, control)
    many = compare_means(Moments(times * n, 10 + gap, 4.0), Moments(times * n, 10.0, 4.0))
    assert many.diff_ci_upper - many.diff_ci_lower < one.diff_ci_upper - one.diff_ci_lower
    assert compare_means(Moments(n, 10 + gap + more, 4.0), control).p_value < one.p_value


@pytest.mark.parametrize(
    "wrong", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN"), None, "a lot", 1e200]
)
def test_what_is_not_a_number_is_refused(wrong):
    """T17."""
    with pytest.raises(DataError):
        Moments.from_values([1.0, wrong, 2.0])


@pytest.mark.parametrize(
    ("n", "mean", "var"),
    [(-1, 1.0, 1.0), (2.5, 1.0, 1.0), (3, math.nan, 1.0), (3, 1.0, math.inf), (3, 1.0, -1.0),
     (3, 1.0, math.nan), (3, math.inf, 1.0)],
)  # fmt: skip
def test_moments_that_cannot_be_are_refused(n, mean, var):
    """T17."""
    with pytest.raises(UsageError):
        Moments(n, mean, var)


@settings(max_examples=3000, deadline=None, derandomize=True)
@given(*[st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=4)] * 2)
def test_never_a_silent_nan(treatment, control):
    """T17: whatever arrives, the answer is a number, a coded reason, or an error."""
    try:
        seen = compare_means(Moments.from_values(treatment), Moments.from_values(control))
    except DataError:
        return
    assert math.isfinite(seen.p_value) or seen.code is not None
    assert math.isfinite(seen.rel_diff_ci_upper) or seen.code is not None
    assert seen.p_value != 0


def test_a_a_on_revenue():
    """T02, T01: 5 % buy, log-normal amounts; false alarms stay at or below their level."""
    rng = np.random.default_rng(2)
    for n, least in ((200, 0.0), (2000, 0.030)):
        shape = (2, 3000, n)
        values = (rng.random(shape) < 0.05) * rng.lognormal(3, 1.5, shape)
        mean, var = values.mean(axis=2), values.var(axis=2, ddof=1)
        rejected = np.mean(
            [
                compare_means(Moments(n, mean[0, i], var[0, i]), Moments(n, mean[1, i], var[1, i]))
                .p_value
                < 0.05
                for i in range(3000)
            ]
        )  # fmt: skip
        assert least <= rejected <= 0.056


def test_normal_data_cover():
    """T06 for means: Welch and Fieller at unequal sizes and spreads."""
    rng = np.random.default_rng(6)
    runs, covered = 4000, np.zeros(2)
    a, b = rng.normal(12, 6, (runs, 30)), rng.normal(10, 3, (runs, 60))
    for i in range(runs):
        seen = compare_means(
            Moments(30, a[i].mean(), a[i].var(ddof=1)), Moments(60, b[i].mean(), b[i].var(ddof=1))
        )
        covered += (
            seen.diff_ci_lower <= 2 <= seen.diff_ci_upper,
            seen.rel_diff_ci_lower <= 0.2 <= seen.rel_diff_ci_upper,
        )
    assert (covered / runs >= 0.94).all()
    assert (covered / runs <= 0.96).all()


def test_growthbook_peers(peer_cases):
    """Absolute differences as GrowthBook's two-sided t test; a code where it answers (0, 0)."""
    compared = []
    for case in peer_cases("growthbook_gbstats"):
        pairs, relative = case["input"].get("stats", []), case["input"].get("relative")
        plain = len(pairs) == 1 and all(s["_type"] == "SampleMeanStatistic" for s in pairs[0])
        if case["semantics"]["class"] != "TwoSidedTTest" or not plain or relative:
            continue
        control, treatment = (_from_sums(**sums) for sums in pairs[0])
        seen = compare_means(treatment, control, case["input"]["alpha"])
        compared.append(seen.code)
        if seen.code in {"NO_UNITS", "ZERO_VARIANCE"}:
            assert case["expected"]["ci"] == [0, 0]
            continue
        limits = [seen.diff_ci_lower, seen.diff_ci_upper]
        assert limits == pytest.approx(case["expected"]["ci"], rel=1e-6)
        assert seen.p_value == pytest.approx(case["expected"]["pValue"], rel=1e-6)
    assert len(compared) == 6
    assert compared.count(None) == 3


def _from_sums(_type, n, sum, sum_squares):  # noqa: A002
    if n < 2:
        return Moments(n, sum)
    return Moments(n, sum / n, max(sum_squares - sum**2 / n, 0) / (n - 1))
