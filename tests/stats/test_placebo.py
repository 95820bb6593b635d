"""Random splits: how often a test finds a difference where there is none."""

import math

import numpy as np
import pytest

from custmeasure.stats import Columns, Joint, compare, compare_rates
from custmeasure.stats.adjusted import shrinking
from custmeasure.stats.placebo import (
    _drawn,
    _significant,
    random_quantile_splits,
    random_splits,
)
from custmeasure.stats.proportion import rates_differ

RNG = np.random.default_rng(11)


def test_many_rates_at_once_say_what_one_says():
    k_t, k_c = RNG.integers(0, 40, 200), RNG.integers(0, 40, 200)
    n_t, n_c = k_t + RNG.integers(0, 200, 200), k_c + RNG.integers(0, 200, 200)
    seen = rates_differ(k_t, n_t, k_c, n_c)
    for i in range(200):
        one = compare_rates(int(k_t[i]), int(n_t[i]), int(k_c[i]), int(n_c[i]))
        assert seen[i] == (one.diff_ci_lower > 0 or one.diff_ci_upper < 0)


def test_classes_of_equal_units_are_the_units():
    """A split of 1,000 units by class has the law of a split one by one."""
    units = RNG.gamma(1, 10, 400).round()
    values, sizes = np.unique(units, return_counts=True)
    one = random_splits(units[:, None], np.ones(400), n_splits=4000)
    grouped = random_splits(values[:, None], sizes, n_splits=4000)
    assert grouped.significant_share == pytest.approx(one.significant_share, abs=0.016)
    assert 0.03 < one.significant_share < 0.07


def test_covariates_and_ratios_are_split_too():
    before = RNG.normal(10, 2, 500)
    rows = np.column_stack([before + RNG.normal(0, 1, 500), RNG.poisson(3, 500) + 1.0, before])
    for columns in (Columns(0, None, 2), Columns(0, 1)):
        assert random_splits(rows, np.ones(500), columns).status == "ok"


def test_one_large_order_and_an_uneven_split_are_found():
    """T02, T03: revenue of 1 to 9 finds differences that are not there, and the splits say so."""
    shops = np.where(RNG.random((10, 5000)) < 0.05, RNG.lognormal(0, 1.5, (10, 5000)), 0.0)
    uneven = [random_splits(paid[:, None], np.ones(5000), share=0.1).status for paid in shops]
    even = [random_splits(paid[:, None], np.ones(5000)).significant_share for paid in shops]
    assert uneven.count("loose") >= 8
    assert max(even) < 0.078
    pooled = [
        random_splits(paid[:, None], np.ones(5000), share=0.1, pooled=True).significant_share
        for paid in shops
    ]
    assert 0.04 < np.mean(pooled) < 0.06


def test_splits_with_one_spread_say_what_one_comparison_says():
    """A split of few units, drawn again by hand."""
    rng = np.random.default_rng(4)
    rows = np.column_stack([rng.gamma(1, 5, 60), rng.gamma(2, 2, 60)])
    columns = Columns(covariate=1)
    drawn = _drawn(np.random.default_rng(9), np.ones(60), 0.2, 300)
    seen = _significant(rows, np.ones(60), drawn, columns, 0.2, pooled=True)
    theta = shrinking(Joint.from_values(*rows.T), Joint.from_values(*rows[:0].T), columns)
    for side, called in zip(drawn > 0, seen, strict=True):
        one, other = (Joint.from_values(*rows[kept].T) for kept in (side, ~side))
        found = compare(one, other, columns, theta=theta, pooled=True)
        assert called == (found.p_value < 0.2)


def test_nothing_to_split():
    """T13, T15, T16."""
    for values, sizes in (([[0.0]], [500]), ([[0.0], [1.0]], [1, 1]), (np.zeros((0, 1)), [])):
        seen = random_splits(values, sizes)
        assert math.isnan(seen.significant_share)
        assert seen.status == "not_enough"
    assert random_quantile_splits([], [], 0.5).status == "not_enough"
    assert random_quantile_splits([3.0] * 9, range(9), 0.5).status == "not_enough"


def test_quantiles_of_people_with_several_values():
    sizes = RNG.integers(1, 12, 300)
    owner = np.repeat(np.arange(300), sizes)
    values = np.repeat(RNG.normal(0, 1, 300), sizes) + RNG.normal(0, 0.5, sizes.sum())
    clustered = random_quantile_splits(values, owner, 0.5, n_splits=500)
    assert 0.02 <= clustered.significant_share <= 0.09


def test_the_same_seed_gives_the_same_splits():
    """T32."""
    rows, sizes = RNG.gamma(1, 1, (50, 1)), RNG.integers(1, 30, 50)
    assert random_splits(rows, sizes) == random_splits(rows, sizes)
    assert random_splits(rows, sizes, seed=2) != random_splits(rows, sizes)
