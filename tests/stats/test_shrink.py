"""Pooling and shrinking against hand counts, statsmodels, simulation and their own promises."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.stats.meta_analysis import combine_effects

from custmeasure.errors import DataError
from custmeasure.stats.shrinkage import pool, shrink, spread_dersimonian_laird, tag_effects

MANY = settings(max_examples=100, deadline=None, derandomize=True)
TESTS = st.lists(
    st.tuples(st.floats(-0.5, 0.5), st.floats(0.01, 0.2)), min_size=3, max_size=25
).map(lambda pairs: tuple(np.array(column) for column in zip(*pairs, strict=True)))


# --- what tests have in common --------------------------------------------------------------------


def test_pool_in_the_head():
    # Equal errors of 1, effects 0, 3, 6: the mean 3; Q = 18 = 2 (1 + tau²)^-1 … tau² = 9 - 1 = 8.
    seen = pool([0, 3, 6], [1, 1, 1])
    assert (seen.mean, seen.tau) == (pytest.approx(3), pytest.approx(8**0.5))
    assert seen.ci_upper - 3 == pytest.approx(student.isf(0.025, 2) * 3 / 3**0.5)
    assert seen.i_squared == pytest.approx(1 - 2 / 18)
    assert seen.p_alike == pytest.approx(math.exp(-9))


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 5, 6, 7])
def test_pool_agrees_with_statsmodels(seed):
    """Where it converges; for 0, 0, 0.5 ± 0.125 it gives no spread."""
    rng = np.random.default_rng(seed)
    ses = rng.uniform(0.02, 0.1, 12)
    effects = rng.normal(0, 0.2, 12)
    theirs = combine_effects(effects, ses**2, method_re="iterated", atol=1e-12)
    ours = pool(effects, ses)
    assert ours.tau**2 == pytest.approx(theirs.tau2, rel=1e-6)
    assert ours.mean == pytest.approx(theirs.mean_effect_re, rel=1e-6)
    half = max(theirs.sd_eff_w_re_hksj, theirs.sd_eff_w_re) * student.isf(0.025, 11)
    assert ours.ci_upper - ours.mean == pytest.approx(half, rel=1e-6)
    moments = combine_effects(effects, ses**2, method_re="chi2")
    assert spread_dersimonian_laird(effects, ses) ** 2 == pytest.approx(moments.tau2)


def test_pool_covers():
    """Ten tests a shop: the interval of the mean and that of the next test keep 95 %."""
    rng, inside, ahead = np.random.default_rng(1), 0, 0
    for _ in range(600):
        ses = 0.06 * rng.uniform(0.5, 1.5, 10)
        seen = pool(rng.normal(0.02, 0.05, 10) + rng.normal(0, ses), ses)
        inside += seen.ci_lower <= 0.02 <= seen.ci_upper
        ahead += seen.next_lower <= rng.normal(0.02, 0.05) <= seen.next_upper
    assert inside / 600 >= 0.95 - 0.036
    assert ahead / 600 >= 0.95 - 0.036


def test_too_few_tests_say_nothing_about_the_spread():
    assert math.isnan(pool([0.1], [0.1]).mean)
    assert pool([], []).n_tests == 0
    two = pool([0.1, 0.2], [0.1, 0.1])
    assert two.mean == pytest.approx(0.15)
    assert math.isnan(two.next_lower)


# --- what each effect was -------------------------------------------------------------------------


def test_shrink_in_the_head():
    # Many tests with a true spread of 1 and errors of 1: each goes half way to the mean.
    rng = np.random.default_rng(2)
    effects = rng.normal(0, 2**0.5, 20_000)
    few = np.concatenate([effects[:2000], [3.0]])
    seen = shrink(few, np.ones(2001))
    assert seen.effect[-1] == pytest.approx(1.5, abs=0.12)
    assert seen.own_weight[-1] == pytest.approx(0.5, abs=0.04)
    assert seen.ci_upper[-1] - seen.effect[-1] == pytest.approx(1.96 * 0.5**0.5, abs=0.05)


@MANY
@given(TESTS)
def test_every_effect_moves_towards_the_mean(tests):
    effects, ses = tests
    seen = shrink(effects, ses)
    low, high = min(effects.min(), seen.mean), max(effects.max(), seen.mean)
    assert (seen.effect >= low - 1e-9).all()
    assert (seen.effect <= high + 1e-9).all()
    assert ((seen.own_weight > 0) & (seen.own_weight < 1)).all()
    assert (seen.ci_lower < seen.effect).all()
    assert (seen.effect < seen.ci_upper).all()


def test_a_small_test_borrows_more():
    seen = shrink([0.2, 0.2, 0.0, 0.02, -0.02], [0.02, 0.10, 0.03, 0.03, 0.03])
    assert seen.own_weight[1] < seen.own_weight[0]
    assert seen.effect[1] < seen.effect[0] < 0.2


@pytest.mark.parametrize(("n_tests", "left"), [(10, 0.3), (30, 0.1)])
def test_the_winners_curse_is_corrected(n_tests, left):
    """Tests that came out significantly better: what was seen is too large, what is said is not."""
    rng, seen_too_large, said_too_large, inside = np.random.default_rng(3), [], [], []
    for _ in range(300):
        ses = 0.06 * rng.uniform(0.5, 1.5, n_tests)
        truth = rng.normal(0.02, 0.05, n_tests)
        effects = truth + rng.normal(0, ses)
        won = effects > 1.96 * ses
        said = shrink(effects, ses, usual_spread=0.1)
        seen_too_large += list((effects - truth)[won])
        said_too_large += list((said.effect - truth)[won])
        inside += list(((said.ci_lower <= truth) & (truth <= said.ci_upper))[won])
    assert np.mean(seen_too_large) > 0.05
    assert abs(np.mean(said_too_large)) < left * np.mean(seen_too_large)
    assert np.mean(inside) > 0.92


@pytest.mark.parametrize(("n_tests", "tau"), [(5, 0.05), (10, 0.05), (30, 0.02), (10, 0.2)])
def test_shrunk_intervals_cover(n_tests, tau):
    rng, inside = np.random.default_rng(4), []
    for _ in range(250):
        ses = 0.06 * rng.uniform(0.5, 1.5, n_tests)
        truth = rng.normal(0.02, tau, n_tests)
        said = shrink(truth + rng.normal(0, ses), ses)
        inside += list((said.ci_lower <= truth) & (truth <= said.ci_upper))
    assert np.mean(inside) >= 0.93


def test_under_three_tests_each_stands_alone():
    seen = shrink([0.1, 0.3], [0.05, 0.05])
    assert seen.code == "TOO_FEW_TESTS"
    assert seen.effect.tolist() == [0.1, 0.3]
    assert seen.ci_upper[0] == pytest.approx(0.1 + 1.96 * 0.05, abs=1e-4)
    assert shrink([0.1, 0.3], [0.05, 0.05], usual_spread=0.1).code is None
    assert len(shrink([], []).effect) == 0


def test_what_is_usual_decides_when_tests_are_few():
    effects, ses = [0.2, 0.0, 0.02], [0.08, 0.05, 0.05]
    free, narrow = shrink(effects, ses), shrink(effects, ses, usual_spread=0.02)
    assert narrow.effect[0] < free.effect[0]
    with pytest.raises(DataError, match="usual_spread"):
        shrink(effects, ses, usual_spread=0)


# --- which kinds of copy worked -------------------------------------------------------------------


def test_tags_in_the_head():
    # Two kinds, never together: each is the mean of its own tests.
    kinds = [{"proof": 1}, {"proof": 1}, {"price": 1}, {"price": 1}]
    seen = tag_effects([0.1, 0.2, -0.1, 0.0], [0.1] * 4, kinds)
    assert seen["proof"].mean == pytest.approx(0.15)
    assert seen["price"].mean == pytest.approx(-0.05)
    assert (seen["proof"].n_tests, seen["price"].n_tests) == (2, 2)


def test_one_tag_is_the_pooled_mean():
    effects, ses = [0.10, 0.02, 0.06], [0.02, 0.03, 0.04]
    seen, pooled = tag_effects(effects, ses, [{"proof": 1}] * 3)["proof"], pool(effects, ses)
    assert (seen.mean, seen.ci_lower) == pytest.approx((pooled.mean, pooled.ci_lower))


def test_the_other_way_round_is_the_same_evidence():
    """T20: proof in the control instead of the treatment, and the effect turned."""
    there = tag_effects([0.1, 0.2, 0.15], [0.1, 0.1, 0.2], [{"a": 1}] * 3)["a"]
    back = tag_effects([0.1, -0.2, 0.15], [0.1, 0.1, 0.2], [{"a": 1}, {"a": -1}, {"a": 1}])["a"]
    assert there == back


def test_two_kinds_in_one_test_are_told_apart():
    rng, n = np.random.default_rng(5), 60
    has = rng.integers(0, 2, (n, 2))
    ses = np.full(n, 0.03)
    effects = 0.08 * has[:, 0] - 0.03 * has[:, 1] + rng.normal(0, 0.03, n) + rng.normal(0, ses)
    kinds = [{"proof": int(p), "price": int(q)} for p, q in has]
    seen = tag_effects(effects, ses, kinds)
    assert seen["proof"].ci_lower < 0.08 < seen["proof"].ci_upper
    assert seen["price"].ci_lower < -0.03 < seen["price"].ci_upper
    assert seen["proof"].p_value < 0.001


def test_tag_intervals_cover():
    """Three kinds, twelve tests: 95 % of the intervals hold the truth, none too narrow."""
    rng, truth, inside = np.random.default_rng(6), np.array([0.05, 0.0, -0.02]), []
    for _ in range(300):
        has = rng.integers(-1, 2, (12, 3))
        ses = 0.04 * rng.uniform(0.5, 1.5, 12)
        effects = has @ truth + rng.normal(0, 0.03, 12) + rng.normal(0, ses)
        kinds = [dict(zip("abc", map(int, row), strict=True)) for row in has]
        seen = tag_effects(effects, ses, kinds)
        for tag, beta in zip("abc", truth, strict=True):
            if tag in seen and seen[tag].code is None:
                inside.append(seen[tag].ci_lower <= beta <= seen[tag].ci_upper)
    assert len(inside) > 850
    assert np.mean(inside) >= 0.93


def test_kinds_that_always_come_together_cannot_be_told_apart():
    kinds = [{"a": 1, "b": 1}, {"a": 1, "b": 1}, {"c": 1}, {"c": 1}]
    seen = tag_effects([0.1, 0.2, 0.0, 0.1], [0.1] * 4, kinds)
    assert seen["a"].code == seen["b"].code == "CONFOUNDED"
    assert seen["c"].mean == pytest.approx(0.05)
    assert math.isnan(seen["a"].mean)


def test_as_many_kinds_as_tests_say_nothing():
    seen = tag_effects([0.1, 0.2], [0.1, 0.1], [{"a": 1}, {"b": 1}])
    assert [seen[tag].code for tag in "ab"] == ["TOO_FEW_TESTS"] * 2
    assert tag_effects([0.1], [0.1], [{}]) == {}


@pytest.mark.parametrize(
    ("effects", "ses"),
    [
        ([1, math.nan], [1, 1]),
        ([1, 2], [1, 0]),
        ([1], [1, 2]),
        (["a"], [1]),
        ([1, 2], [1, math.inf]),
    ],
)
def test_what_cannot_be_is_refused(effects, ses):
    """T17."""
    for function in (pool, shrink):
        with pytest.raises(DataError):
            function(effects, ses)
    with pytest.raises(DataError):
        tag_effects(effects, ses, [{"a": 1}] * len(effects))


def test_every_test_has_its_tags():
    with pytest.raises(DataError, match="one set a test"):
        tag_effects([1, 2], [1, 1], [{"a": 1}])
