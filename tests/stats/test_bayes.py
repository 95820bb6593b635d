"""Posteriors against closed forms, simulation and each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import norm

from custmeasure.errors import UsageError
from custmeasure.stats.bayes import (
    BetaPrior,
    NormalPrior,
    chance_above,
    effect_posterior,
    rates_posterior,
)

MANY = settings(max_examples=150, deadline=None, derandomize=True)
DRAWS = 400_000


@st.composite
def arms(draw, most=3000):
    n_t, n_c = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n_t)), n_t, draw(st.integers(0, n_c)), n_c


def miller(first, second):
    """Return P(second > first) for whole numbers: Miller (2015), "Formulas for Bayesian A/B"."""
    (a_1, b_1), (a_2, b_2) = first, second
    i = np.arange(int(a_2))
    ways = betaln(a_1 + i, b_1 + b_2) - np.log(b_2 + i) - betaln(1 + i, b_2) - betaln(a_1, b_1)
    return float(np.exp(ways).sum())


def test_normal_in_the_head():
    # Prior and data equally sure: half way, variance halved; 2 of 1 sd above 0.
    seen = effect_posterior(4.0, 2.0, NormalPrior(0.0, 2.0))
    assert (seen.mean, seen.sd) == (2, pytest.approx(2**0.5))
    assert seen.chance_to_beat == pytest.approx(norm.cdf(2**0.5))
    assert seen.loss_if_kept - seen.loss_if_chosen == pytest.approx(seen.mean)


def test_flat_normal_is_the_classical_interval():
    seen = effect_posterior(1.0, 0.5)
    assert (seen.ci_lower, seen.ci_upper) == pytest.approx(norm.interval(0.95, 1.0, 0.5))
    assert seen.chance_to_beat == pytest.approx(1 - norm.sf(2))


def test_beta_in_the_head():
    # Flat priors, 1 of 1 against nothing seen: P(X > Y), X ~ Beta(2, 1), Y uniform: E[X] = 2/3.
    assert chance_above((2, 1), (1, 1)) == pytest.approx(2 / 3, abs=1e-13)
    # 1 of 1 against 0 of 1: densities 2x and 2 (1 - y), P(X > Y) = 5/6.
    seen = rates_posterior(1, 1, 0, 1)
    assert seen.chance_to_beat == pytest.approx(5 / 6)
    assert seen.mean == pytest.approx(1 / 3)


@MANY
@given(arms())
def test_chance_agrees_with_the_sum_of_miller(counts):
    k_t, n_t, k_c, n_c = counts
    expected = miller((k_c + 1, n_c - k_c + 1), (k_t + 1, n_t - k_t + 1))
    assert rates_posterior(*counts).chance_to_beat == pytest.approx(expected, abs=1e-9)


@MANY
@given(arms())
def test_swapped_arms_say_the_opposite(counts):
    """T20."""
    seen, turned = rates_posterior(*counts), rates_posterior(*counts[2:], *counts[:2])
    assert seen.chance_to_beat + turned.chance_to_beat == pytest.approx(1, abs=1e-9)
    assert seen.loss_if_chosen == pytest.approx(turned.loss_if_kept, rel=1e-6, abs=1e-12)
    assert seen.loss_if_kept - seen.loss_if_chosen == pytest.approx(seen.mean, abs=1e-9)
    assert (seen.ci_lower, seen.ci_upper) == pytest.approx(
        (-turned.ci_upper, -turned.ci_lower), abs=2e-3
    )


@pytest.mark.parametrize("counts", [(45, 238, 17, 238), (3, 1000, 9, 1000), (0, 60, 2, 40)])
def test_rates_against_simulation(counts):
    rng, (k_t, n_t, k_c, n_c) = np.random.default_rng(1), counts
    prior = BetaPrior(0.5, 0.5)
    diff = rng.beta(k_t + 0.5, n_t - k_t + 0.5, DRAWS) - rng.beta(k_c + 0.5, n_c - k_c + 0.5, DRAWS)
    seen = rates_posterior(*counts, prior)
    spread = diff.std()
    assert seen.chance_to_beat == pytest.approx((diff > 0).mean(), abs=0.004)
    assert seen.loss_if_chosen == pytest.approx(np.maximum(-diff, 0).mean(), abs=0.01 * spread)
    assert seen.loss_if_kept == pytest.approx(np.maximum(diff, 0).mean(), abs=0.01 * spread)
    ends = np.quantile(diff, [0.025, 0.975])
    assert (seen.ci_lower, seen.ci_upper) == pytest.approx(tuple(ends), abs=0.03 * spread)
    assert seen.sd == pytest.approx(spread, rel=0.01)


def test_many_units_are_the_normal_view():
    beta = rates_posterior(30_500, 1_000_000, 30_000, 1_000_000)
    se = math.sqrt(0.0305 * 0.9695 / 1e6 + 0.03 * 0.97 / 1e6)
    normal = effect_posterior(0.0005, se)
    assert beta.chance_to_beat == pytest.approx(normal.chance_to_beat, abs=1e-3)
    assert beta.loss_if_chosen == pytest.approx(normal.loss_if_chosen, rel=0.02)
    assert beta.ci_lower == pytest.approx(normal.ci_lower, rel=0.01)


def test_lower_is_better_turns_chance_and_losses():
    for view in (
        lambda **how: effect_posterior(-0.02, 0.01, **how),
        lambda **how: rates_posterior(17, 238, 45, 238, **how),
    ):
        up, down = view(), view(lower_is_better=True)
        assert down.chance_to_beat == pytest.approx(1 - up.chance_to_beat, abs=1e-9)
        assert (down.loss_if_chosen, down.loss_if_kept) == (up.loss_if_kept, up.loss_if_chosen)
        assert (down.mean, down.ci_lower) == (up.mean, up.ci_lower)
        assert down.chance_to_beat > 0.97


def test_a_loss_far_in_the_tail_keeps_its_digits():
    # E[max(Z - 13, 0)] = φ(13) / 13² (1 - 3/13² + 15/13⁴ - …).
    series = 1 - 3 / 13**2 + 15 / 13**4 - 105 / 13**6 + 945 / 13**8
    seen = effect_posterior(13.0, 1.0).loss_if_chosen
    assert seen == pytest.approx(norm.pdf(13) / 169 * series, rel=1e-5)
    near = [effect_posterior(z, 1.0).loss_if_chosen for z in (4.999999, 5.000001)]
    assert near[0] == pytest.approx(near[1], rel=1e-4)


def test_where_nothing_can_be_said_there_is_no_number():
    """T15, T16: no chance of 0.5 and no interval of width 0 without data."""
    for seen in (
        effect_posterior(0.1, 0.0),
        effect_posterior(math.nan, 1.0),
        effect_posterior(0.1, math.inf),
        rates_posterior(0, 0, 1, 5),
    ):
        assert seen.code in ("ZERO_VARIANCE", "NO_UNITS")
        assert math.isnan(seen.chance_to_beat)


def test_zero_conversions_in_both_arms():
    """T13: no difference is known, and the interval says how large it may be."""
    seen = rates_posterior(0, 200, 0, 200)
    assert seen.chance_to_beat == pytest.approx(0.5)
    assert seen.ci_upper == pytest.approx(-seen.ci_lower, rel=3e-3)
    assert 0.005 < seen.ci_upper < 0.025


def test_credible_intervals_cover_what_the_prior_draws():
    """Rates drawn from the prior: 95 % of the intervals hold the true difference."""
    rng, inside = np.random.default_rng(3), 0
    for p_t, p_c in rng.beta(2, 60, (600, 2)):
        k_t, k_c = rng.binomial(400, [p_t, p_c])
        seen = rates_posterior(int(k_t), 400, int(k_c), 400, BetaPrior(2, 60))
        inside += seen.ci_lower <= p_t - p_c <= seen.ci_upper
    assert inside / 600 == pytest.approx(0.95, abs=0.036)


@pytest.mark.parametrize("wrong", [(0, 0), (1, -1), (math.nan, 1), (1, math.inf)])
def test_priors_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError):
        BetaPrior(*wrong)


def test_wrong_arguments_are_refused():
    with pytest.raises(UsageError, match="standard deviation"):
        NormalPrior(0, 0)
    with pytest.raises(UsageError, match="more conversions"):
        rates_posterior(6, 5, 0, 5)
    with pytest.raises(UsageError, match="alpha"):
        effect_posterior(1, 1, alpha=2)
