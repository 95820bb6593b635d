"""Ratios, covariates and strata: by hand, against least squares, and at the promised error rates."""

import functools
import math
import operator

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps

from custmeasure.errors import UsageError
from custmeasure.stats.adjusted import Columns, adjusted, compare, ratio, shrinking, variance_left
from custmeasure.stats.contrast import Contrast, conclude
from custmeasure.stats.joint import Joint, add, running
from custmeasure.stats.mean import Moments, compare_means
from custmeasure.stats.strata import compare_strata

RNG = np.random.default_rng(20261122)


def test_joint_in_the_head():
    # Means 2 and 4; away -1 0 1 and -2 0 2.
    seen = Joint.from_values([1, 2, 3], [2, 4, 6])
    assert seen.mean.tolist() == [2, 4]
    assert seen.cov.tolist() == [[1, 2], [2, 4]]
    assert seen.column(1) == Moments(3, 4.0, 4.0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3)), min_size=3, max_size=60),
       st.randoms(use_true_random=False))  # fmt: skip
def test_cuts_do_not_matter(rows, random):
    """T19: cut in 7 and merged."""
    values = np.array(rows).T
    cuts = [0, *sorted(random.randint(0, len(rows)) for _ in range(6)), len(rows)]
    parts = [Joint.from_values(*values[:, a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    merged, whole = functools.reduce(operator.add, parts), Joint.from_values(*values)
    assert merged.n == whole.n
    assert merged.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-7)
    assert merged.cov == pytest.approx(whole.cov, rel=1e-7, abs=1e-4)
    assert add(parts, 2).cov == pytest.approx(merged.cov, rel=1e-12, abs=1e-12)
    assert running(parts, 2)[-1].n == whole.n


@pytest.mark.parametrize(
    ("n", "mean", "cov"),
    [
        (2, [math.nan], [[1.0]]), (2, [1.0], [[-1.0]]), (2, [1.0], [1.0]), (-1, [1.0], [[1.0]]),
        (1.5, [1.0], [[1.0]]), (2, [math.inf], [[1.0]]), (2, [1.0, 2.0], [[1.0]]),
    ],
)  # fmt: skip
def test_samples_that_cannot_be(n, mean, cov):
    """T17: what is not a number stops, it does not travel."""
    with pytest.raises(UsageError):
        Joint(n, np.array(mean), np.array(cov))


def test_ratio_in_the_head():
    # Orders 1 of 2 visits in mean; var y = 2/3, var d = 2/3, cov = 2/3; R = 1/2:
    # (2/3 - 2/3 + 1/4 * 2/3) / 4 = 1/24.
    seen = ratio(Joint.from_values([0, 1, 1, 2], [1, 2, 2, 3]), 0, 1)
    assert (seen.n, seen.mean) == (4, 0.5)
    assert seen.var == pytest.approx(1 / 24)


def test_ratio_of_nothing():
    assert ratio(Joint.from_values([1, 2], [0, 0]), 0, 1).n == 0
    empty = Joint(0, np.zeros(2), np.zeros((2, 2)))
    some = Joint.from_values([1, 2, 4], [2, 2, 3])
    none = Joint.from_values([1, 2], [0, 0])
    assert compare(some, empty, Columns(0, 1)).code == "NO_UNITS"
    assert compare(some, none, Columns(0, 1)).code == "ZERO_DENOMINATOR"
    assert compare(some, Joint.from_values([1], [2]), Columns(0, 1)).code == "TOO_FEW_UNITS"


def test_the_same_ratio_everywhere_has_no_variance():
    """T15."""
    alike = Joint.from_values([1, 2, 3], [2, 4, 6])
    seen = compare(alike, Joint.from_values([1, 2, 4], [2, 3, 3]), Columns(0, 1))
    assert seen.code == "ZERO_VARIANCE"
    assert math.isnan(seen.p_value)


def test_a_plain_mean_is_welch():
    one, other = RNG.gamma(2, 3, 40), RNG.gamma(2, 4, 55)
    seen = compare(Joint.from_values(one), Joint.from_values(other))
    welch = compare_means(Moments.from_values(one), Moments.from_values(other))
    for name in (
        "diff",
        "diff_ci_lower",
        "rel_diff_ci_lower",
        "rel_diff_ci_upper",
        "p_value",
        "df",
    ):
        assert getattr(seen, name) == pytest.approx(getattr(welch, name), rel=1e-9)


def test_adjusting_is_least_squares_with_equal_slopes():
    """Theta over all units is the slope of y on x; the difference is that of y - theta x."""
    before = RNG.normal(10, 3, 400)
    after = 0.8 * before + RNG.normal(0, 2, 400)
    arm = np.arange(400) < 190
    treatment = Joint.from_values(after[arm], before[arm])
    control = Joint.from_values(after[~arm], before[~arm])
    columns = Columns(covariate=1)
    slope = sm.OLS(after, sm.add_constant(before)).fit().params[1]
    assert shrinking(treatment, control, columns) == pytest.approx(slope)
    seen = compare(treatment, control, columns)
    rest = after - slope * before
    welch = compare_means(Moments.from_values(rest[arm]), Moments.from_values(rest[~arm]))
    assert (seen.diff, seen.se, seen.p_value) == pytest.approx(
        (welch.diff, welch.se, welch.p_value)
    )
    values = adjusted(treatment, control, columns)
    assert values[0].mean - values[1].mean == pytest.approx(seen.diff)


def test_relative_difference_with_a_covariate_excludes_0_with_the_difference():
    """T23, for adjusted means."""
    for shift in (0.0, 0.3, 0.6, 0.9):
        before = RNG.normal(10, 3, 300)
        after = before + RNG.normal(0, 1, 300) + np.where(np.arange(300) < 150, shift, 0)
        seen = compare(Joint.from_values(after[:150], before[:150]),
                       Joint.from_values(after[150:], before[150:]), Columns(covariate=1))  # fmt: skip
        outside = seen.diff_ci_lower > 0 or seen.diff_ci_upper < 0
        assert (seen.rel_diff_ci_lower > 0 or seen.rel_diff_ci_upper < 0) == outside
        assert (seen.p_value < 0.05) == outside


def test_a_covariate_that_is_constant_changes_nothing():
    y, other = RNG.normal(0, 1, 30), RNG.normal(0, 1, 30)
    plain = compare(Joint.from_values(y), Joint.from_values(other))
    flat = compare(
        Joint.from_values(y, np.ones(30)),
        Joint.from_values(other, np.ones(30)),
        Columns(0, None, 1),
    )
    assert flat.p_value == pytest.approx(plain.p_value)


def _rejected(treatment, control, columns):
    return np.mean([
        compare(t, c, columns).p_value < 0.05 for t, c in zip(treatment, control, strict=True)
    ])  # fmt: skip


def _ratio_world(n_units, n_worlds):
    """Return visits and orders of units whose own rates differ widely: visits are not independent."""
    visits = 1 + RNG.poisson(RNG.gamma(0.7, 8, (n_worlds, n_units)))
    rate = RNG.beta(0.3, 2, (n_worlds, n_units))
    return visits, RNG.binomial(visits, rate)


def test_ratio_keeps_its_level():
    """T08: 400 users in an A/A test; counting visits as independent would be wrong 1 time in 7."""
    visits, orders = _ratio_world(400, 3000)
    arms = [
        [Joint.from_values(o[side], v[side]) for o, v in zip(orders, visits, strict=True)]
        for side in (slice(0, 200), slice(200, 400))
    ]
    wrong = _rejected(*arms, Columns(0, 1))
    assert 0.035 <= wrong <= 0.07
    p = orders[:, :200].sum(1) / visits[:, :200].sum(1)
    q = orders[:, 200:].sum(1) / visits[:, 200:].sum(1)
    naive = p * (1 - p) / visits[:, :200].sum(1) + q * (1 - q) / visits[:, 200:].sum(1)
    assert np.mean(np.abs(p - q) > 1.96 * np.sqrt(naive)) > 0.12


def test_cuped_keeps_its_level_and_halves_the_sample():
    """T27: A/A within T01's band, and at correlation 0.7 at most 0.55 of the units are needed."""
    before = RNG.normal(0, 1, (3000, 400))
    after = 0.7 * before + math.sqrt(1 - 0.49) * RNG.normal(0, 1, before.shape)
    arms = [
        [Joint.from_values(y[side], x[side]) for y, x in zip(after, before, strict=True)]
        for side in (slice(0, 200), slice(200, 400))
    ]
    assert 0.04 <= _rejected(*arms, Columns(covariate=1)) <= 0.062
    plain = np.mean([compare(t, c).se for t, c in zip(*arms, strict=True)])
    sharper = np.mean([compare(t, c, Columns(covariate=1)).se for t, c in zip(*arms, strict=True)])
    assert (sharper / plain) ** 2 <= 0.55
    whole = Joint.from_values(after.ravel(), before.ravel())
    assert variance_left(whole, Columns(covariate=1)) == pytest.approx(0.51, abs=0.005)


def _strata_world(n_units):
    stratum = RNG.integers(0, 3, n_units)
    return stratum, 5.0 * stratum + RNG.normal(0, 1, n_units)


def _pairs(stratum, y, arm):
    return [
        tuple(Joint.from_values(y[(stratum == s) & side]) for side in (arm, ~arm)) for s in range(3)
    ]


def test_strata_in_the_head():
    # Two equal strata with effects 2 and 4: 3 in all.
    pairs = [
        (Joint.from_values([3.0, 5.0]), Joint.from_values([1.0, 3.0])),
        (Joint.from_values([13.0, 15.0]), Joint.from_values([9.0, 11.0])),
    ]
    assert compare_strata(pairs).diff == 3


def test_strata_keep_their_level_and_narrow_the_interval():
    wrong, plain, inside = 0, [], []
    for _ in range(1500):
        stratum, y = _strata_world(300)
        arm = RNG.random(300) < 0.5
        seen = compare_strata(_pairs(stratum, y, arm))
        wrong += seen.p_value < 0.05
        inside.append(seen.se)
        plain.append(compare(Joint.from_values(y[arm]), Joint.from_values(y[~arm])).se)
    assert 0.03 <= wrong / 1500 <= 0.07
    assert np.mean(inside) < 0.3 * np.mean(plain)


def test_a_stratum_that_says_nothing_joins_the_largest():
    """T16: one arm of it has a single unit."""
    big = (Joint.from_values([1.0, 2.0, 4.0]), Joint.from_values([1.0, 1.5, 3.0]))
    small = (Joint.from_values([9.0]), Joint.from_values([2.0, 3.0]))
    whole = (big[0] + small[0], big[1] + small[1])
    assert compare_strata([big, small]).diff == compare(*whole).diff


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.01, 1000), st.floats(-100, 100))
def test_labels_units_and_constants(seed, scale, shift):
    """T20, T21: swapped labels, another currency, the same amount added to everybody."""
    rng = np.random.default_rng(seed)
    arms = [(rng.gamma(2, 5, 30), rng.gamma(2, 2, 30)) for _ in range(2)]
    columns = Columns(covariate=1)

    def seen(change, first=0):
        one, other = (Joint.from_values(change(y), x) for y, x in (arms[first], arms[1 - first]))
        return compare(one, other, columns)

    plain, swapped = seen(lambda y: y), seen(lambda y: y, 1)
    assert swapped.diff == pytest.approx(-plain.diff, rel=1e-9, abs=1e-12)
    assert swapped.p_value == pytest.approx(plain.p_value, rel=1e-9)
    scaled, moved = seen(lambda y: y * scale), seen(lambda y: y + shift)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-6)
    assert scaled.diff == pytest.approx(plain.diff * scale, rel=1e-6, abs=1e-9)
    assert moved.diff == pytest.approx(plain.diff, rel=1e-6, abs=1e-9)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-6)


def test_one_sided():
    treatment, control = Moments(50, 5.4, 4.0), Moments(50, 5.0, 4.0)
    above = compare_means(treatment, control, alternative="greater")
    below = compare_means(treatment, control, alternative="less")
    both = compare_means(treatment, control, 0.1)
    assert above.p_value + below.p_value == pytest.approx(1)
    assert (above.diff_ci_lower, above.diff_ci_upper) == (
        pytest.approx(both.diff_ci_lower),
        math.inf,
    )
    assert below.diff_ci_lower == -math.inf
    with pytest.raises(UsageError):
        compare_means(treatment, control, alternative="more")


def test_delta_relative_in_the_head():
    # D/B = 0.5; (0.04 - 2 * 0.5 * -0.02 + 0.25 * 0.02) / 16 = 0.065 / 16.
    found = compare_means(Moments(100, 6.0, 2.0), Moments(100, 4.0, 2.0))
    assert found.rel_diff == 0.5
    relative = Contrast(2.0, 0.04, 4.0, 0.02, -0.02).relative()
    assert (relative.diff, relative.var_diff) == (0.5, pytest.approx(0.065 / 16))
    assert conclude(relative).p_value < 0.001


# --- one spread for both variants -----------------------------------------------------------------


def test_one_spread_in_the_head():
    # Squares 2 + 6 over 3 + 4 - 2 = 5: 1.6 in both; se² = 1.6 (1/3 + 1/4) = 2.8 / 3.
    treatment, control = Joint.from_values([1, 2, 3]), Joint.from_values([0, 1, 1, 4])
    control = Joint(4, control.mean, np.array([[2.0]]))
    seen = compare(treatment, control, pooled=True)
    assert (seen.diff, seen.df) == (0.5, 5)
    assert seen.se**2 == pytest.approx(2.8 / 3)
    assert compare_strata([(treatment, control)], pooled=True).se == pytest.approx(seen.se)


def test_one_spread_is_scipy_s_and_least_squares():
    """T02: the mean is Student's test; a covariate's is close to least squares on both variants."""
    rng = np.random.default_rng(8)
    x = rng.normal(0, 1, 500)
    y = 0.8 * x + rng.gamma(1, 2, 500)
    arm = rng.random(500) < 0.2
    one, other = (Joint.from_values(y[side], x[side]) for side in (arm, ~arm))
    plain = compare(one, other, pooled=True)
    assert plain.p_value == pytest.approx(sps.ttest_ind(y[arm], y[~arm]).pvalue, rel=1e-9)
    assert plain == compare_means(one.column(0), other.column(0), pooled=True)
    fit = sm.OLS(y, sm.add_constant(np.column_stack([arm, x]))).fit()
    sharper = compare(one, other, Columns(covariate=1), pooled=True)
    assert sharper.diff == pytest.approx(fit.params[1], abs=0.02 * sharper.se)
    assert sharper.se == pytest.approx(fit.bse[1], rel=0.02)


def test_strata_with_one_spread_keep_their_level_in_an_uneven_split():
    """T02: skewed amounts, 1 to 9: three strata, each with one spread."""
    rng, wrong, apart = np.random.default_rng(12), 0, 0
    for _ in range(1500):
        stratum = rng.integers(0, 3, 2000)
        y = np.where(rng.random(2000) < 0.1, (1 + stratum) * rng.lognormal(0, 1.2, 2000), 0.0)
        pairs = _pairs(stratum, y, rng.random(2000) < 0.1)
        wrong += compare_strata(pairs, pooled=True).p_value < 0.05
        apart += compare_strata(pairs).p_value < 0.05
    assert 0.035 <= wrong / 1500 <= 0.065
    assert apart / 1500 > 0.08
