"""What is usual: worked by hand, beside statsmodels and scipy, and at the promised error rate."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from custmeasure.stats.proportion import wilson
from custmeasure.stats.usual import beside_others, rate_against, usual_total

WEEKDAYS, PERIOD = np.arange(56) % 7, np.arange(28) % 7


def test_two_weekdays_by_hand():
    # Means 10 and 20; Pearson: (0+4+4)/10 + (0+4+4)/20 = 1.2 over 6 - 2 = 4 days: below 1, so 1.
    # Variance 30 + (10 + 20)/3 = 40; t = (12 - 30) / sqrt(40) = -2.846 with 4 degrees of freedom.
    seen = usual_total([10, 20, 12, 22, 8, 18], [0, 1, 0, 1, 0, 1], [4, 8], [0, 1], 0.05)
    assert float(seen.expected) == 30
    assert float(seen.spread) == 1
    assert float(seen.p_value) == pytest.approx(2 * stats.t.cdf(-18 / np.sqrt(40), 4))
    half = stats.t.ppf(0.975, 4) * np.sqrt(40)
    assert [float(seen.lower), float(seen.upper)] == pytest.approx([30 - half, 30 + half])


def test_days_are_those_of_a_poisson_regression():
    """The mean, Pearson's spread and the mean's variance are those of statsmodels' GLM."""
    rng = np.random.default_rng(1)
    mean = np.array([30, 20, 22, 25, 40, 60, 55])
    history = rng.negative_binomial(mean[WEEKDAYS] / 3, 0.25)
    now = rng.negative_binomial(mean[PERIOD] / 3, 0.25)
    design = np.eye(7)[WEEKDAYS]
    fit = sm.GLM(history, design, family=sm.families.Poisson()).fit(scale="X2")
    seen = usual_total(history, WEEKDAYS, now, PERIOD, 0.05)
    assert float(seen.spread) == pytest.approx(fit.scale)
    assert float(seen.spread) > 2
    expected = fit.predict(np.eye(7)[PERIOD])
    assert float(seen.expected) == pytest.approx(expected.sum())
    slope = np.eye(7)[PERIOD].T @ expected  # of the sum, in the log means
    variance = fit.scale * expected.sum() + slope @ fit.cov_params() @ slope
    t = (now.sum() - expected.sum()) / np.sqrt(variance)
    assert float(seen.p_value) == pytest.approx(2 * stats.t.sf(abs(t), 49))


def test_what_has_no_weekday_before_or_no_visit_is_blank():
    assert np.isnan(usual_total([1, 2, 3], [0, 0, 0], [1], [1], 0.05).expected)
    assert np.isnan(usual_total([0, 0, 0], [0, 0, 0], [1], [0], 0.05).p_value)
    assert np.isnan(usual_total([5], [0], [1], [0], 0.05).p_value)


@pytest.mark.parametrize("spread", [1, 3, 8])
@pytest.mark.parametrize("mean", [3, 30])
def test_days_fall_below_their_limit_no_more_often_than_promised(spread, mean):
    rng = np.random.default_rng(2)
    level = mean * (1 + 0.4 * np.sin(np.arange(7)))

    def draw(weekday):
        size = (5000, len(weekday))
        if spread == 1:
            return rng.poisson(level[weekday], size)
        return rng.negative_binomial(level[weekday] / (spread - 1), 1 / spread, size)

    now = draw(PERIOD)
    seen = usual_total(draw(WEEKDAYS), WEEKDAYS, now, PERIOD, 0.05)
    low = (seen.p_value < 0.05) & (now.sum(axis=1) < seen.expected)
    assert low.mean() < 0.025 + 3 * np.sqrt(0.025 * 0.975 / 5000)
    inside = (now.sum(axis=1) >= seen.lower) & (now.sum(axis=1) <= seen.upper)
    assert inside.mean() > (0.94 if mean > 3 else 0.88)  # what is missing lies above


def test_other_rates_are_dersimonian_s_and_laird_s():
    """Mean, spread and its error of the other seven are those of statsmodels' meta-analysis."""
    k, n = np.array([30, 12, 50, 80, 9, 41, 66, 5]), np.array([90, 60, 100, 170, 40, 99, 120, 80])
    y = np.log((k + 0.5) / (n - k + 0.5))
    v = 1 / (k + 0.5) + 1 / (n - k + 0.5)
    seen = beside_others(k, n, 0.05)
    for i in range(len(k)):
        rest = np.arange(len(k)) != i
        meta = combine_effects(y[rest], v[rest], method_re="dl")
        frame = meta.summary_frame().loc["random effect"]
        assert seen.spread[i] ** 2 == pytest.approx(max(meta.tau2, 0))
        error = np.sqrt(v[i] + max(meta.tau2, 0) + frame["sd_eff"] ** 2)
        t = abs(y[i] - frame["eff"]) / error
        assert seen.p_value[i] == pytest.approx(2 * stats.t.sf(t, 5))
        assert seen.expected[i] == pytest.approx(1 / (1 + np.exp(-frame["eff"])))


def test_too_few_others_and_empty_groups_say_nothing():
    assert np.isnan(beside_others([3, 4, 5, 6], [9, 9, 9, 9], 0.05).p_value).all()
    seen = beside_others([3, 4, 5, 6, 7, 0], [9, 9, 9, 9, 9, 0], 0.05)
    assert np.isnan(seen.p_value).tolist() == [False] * 5 + [True]


@pytest.mark.parametrize("spread", [0, 0.2, 0.5])
@pytest.mark.parametrize("n_groups", [6, 20])
def test_other_rates_name_one_of_themselves_no_more_often_than_promised(spread, n_groups):
    rng = np.random.default_rng(3)
    chance = 1 / (1 + np.exp(1 - spread * rng.standard_normal((2500, n_groups))))
    n = rng.integers(100, 600, (2500, n_groups))
    k = rng.binomial(n, chance)
    seen = beside_others(k, n, 0.05)
    low = np.where(k / n < seen.expected, seen.p_value, 1)
    assert (low < 0.05).mean() < 0.035
    assert (low.min(axis=1) < 0.05 / n_groups).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2500)


def test_a_target_is_missed_where_wilson_s_interval_leaves_it_out():
    for k, n, target in ((17, 238, 0.1), (3, 50, 0.2), (40, 100, 0.3), (0, 30, 0.05)):
        p = float(rate_against(k, n, target))
        (lower, upper) = wilson(k, n, p)
        assert min(abs(lower - target), abs(upper - target)) < 1e-9
    assert np.isnan(rate_against([1], [0], 0.1)[0])
    assert np.isnan(rate_against([1], [2], 0)[0])
