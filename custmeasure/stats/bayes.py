"""The Bayesian view: how likely is the treatment better, and what is lost if it is chosen and is not.

The same data, another question. `rates_posterior` puts a beta prior on each rate and is exact up to
quadrature; `effect_posterior` puts a normal prior, or none, on a difference (absolute or relative) with
its standard error. Neither simulates. These are views beside the test, not a way around its looks:
a chance to beat of 95 % at some moment of a watched test is reached far more often than in 5 % of
tests without any difference.

References
----------
Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.4 (beta) and 2.5 (normal, known
variance). Stucchi (2015), "Bayesian A/B testing at VWO" (the expected loss E[max(0, -D)]). GrowthBook
shows the same figures as chance to win and risk.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincc, betaincinv, ndtr, ndtri

from custmeasure.errors import UsageError
from custmeasure.stats.quadrature import gauss_legendre
from custmeasure.stats.roots import falling_root
from custmeasure.stats.tails import Floats, check_counts, check_level

# Nodes of the quadrature over one rate; the beta density is smooth between its own quantiles.
_N_NODES = 120
# Beyond these quantiles a rate does not go.
_FARTHEST = 1e-15


@dataclass(frozen=True)
class NormalPrior:
    """What is believed of an effect before the test: a normal law.

    Attributes
    ----------
    mean, sd
        In the effect's unit: for a relative difference 0 and 0.1 say "most changes move it by less
        than 10 %".
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.sd) and self.sd > 0):
            raise UsageError(
                ko=f"사전 분포 {self.mean}, {self.sd}: 평균은 수, 표준편차는 0보다 큰 수여야 합니다.",
                en=f"Prior {self.mean}, {self.sd}: give a mean and a standard deviation above 0.",
            )


@dataclass(frozen=True)
class BetaPrior:
    """What is believed of a rate before the test; ``BetaPrior(1, 1)``, all rates alike, is flat.

    Attributes
    ----------
    successes, failures
        As if so many had been seen before; both above 0.
    """

    successes: float = 1.0
    failures: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.successes < math.inf and 0 < self.failures < math.inf):
            raise UsageError(
                ko=f"사전 분포 {self.successes}, {self.failures}: 0보다 큰 수여야 합니다.",
                en=f"Prior {self.successes}, {self.failures}: both must be above 0.",
            )


@dataclass(frozen=True)
class Posterior:
    """What is believed of an effect after the test; NaN where nothing can be said.

    Attributes
    ----------
    mean, sd
        Of the effect: treatment - control, absolute or relative as it was given.
    ci_lower, ci_upper
        Credible interval with equal tails.
    chance_to_beat
        How likely the treatment is better than the control.
    loss_if_chosen
        What one loses on average by choosing the treatment, in the effect's unit.
    loss_if_kept
        What one loses on average by keeping the control.
    code
        None, or ``ZERO_VARIANCE`` (no usable standard error), ``NO_UNITS``.
    """

    mean: float = math.nan
    sd: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    chance_to_beat: float = math.nan
    loss_if_chosen: float = math.nan
    loss_if_kept: float = math.nan
    code: str | None = None


def effect_posterior(
    effect: float,
    se: float,
    prior: NormalPrior | None = None,
    *,
    alpha: float = 0.05,
    lower_is_better: bool = False,
) -> Posterior:
    """Return what is believed of an effect that was estimated with a standard error.

    Parameters
    ----------
    effect, se
        The difference, absolute or relative, and its standard error.
    prior
        What was believed before, in the same unit; nothing (flat) when not given.
    alpha
        1 - the credibility of the interval.
    lower_is_better
        Whether a fall is the better outcome; turns chance and losses round, not the effect.

    Examples
    --------
    >>> seen = effect_posterior(0.05, 0.03)
    >>> round(seen.chance_to_beat, 3), round(seen.loss_if_chosen, 4)
    (0.952, 0.0006)
    """
    check_level(alpha)
    if not (math.isfinite(effect) and math.isfinite(se) and se > 0):
        return Posterior(code="ZERO_VARIANCE")
    mean, sd = _updated(effect, se, prior)
    half = -float(ndtri(alpha / 2)) * sd
    above, below = float(ndtr(mean / sd)), float(ndtr(-mean / sd))
    gain, loss = _mean_above_zero(mean, sd), _mean_above_zero(-mean, sd)
    if lower_is_better:
        above, gain, loss = below, loss, gain
    return Posterior(mean, sd, mean - half, mean + half, above, loss, gain)


def rates_posterior(
    k_t: int,
    n_t: int,
    k_c: int,
    n_c: int,
    prior: BetaPrior | None = None,
    *,
    alpha: float = 0.05,
    lower_is_better: bool = False,
) -> Posterior:
    """Return what is believed of the difference of two rates, ``k_t / n_t`` minus ``k_c / n_c``.

    Parameters
    ----------
    k_t, n_t, k_c, n_c
        Conversions and units of treatment and control.
    prior
        The belief about each rate before; flat when not given.
    alpha, lower_is_better
        As `effect_posterior`.

    Raises
    ------
    UsageError
        For counts that are no counts, or more conversions than units.

    Examples
    --------
    >>> seen = rates_posterior(45, 238, 17, 238)
    >>> round(seen.chance_to_beat, 4), round(seen.ci_lower, 3), round(seen.ci_upper, 3)
    (0.9999, 0.057, 0.177)
    """
    check_level(alpha)
    treatment, control = _beta(k_t, n_t, prior), _beta(k_c, n_c, prior)
    if not n_t or not n_c:
        return Posterior(code="NO_UNITS")
    mean = _mean(treatment) - _mean(control)
    sd = math.hypot(_sd(treatment), _sd(control))
    above = chance_above(treatment, control)
    gain = _mean_gain(treatment, control)
    loss = _mean_gain(control, treatment)
    if lower_is_better:
        above, gain, loss = chance_above(control, treatment), loss, gain
    lower, upper = _interval(treatment, control, alpha)
    return Posterior(mean, sd, lower, upper, above, loss, gain)


def chance_above(first: tuple[float, float], second: tuple[float, float], by: float = 0.0) -> float:
    """Return the chance that a rate with law Beta(*first) exceeds one of Beta(*second) by ``by``.

    The sum runs over the narrower law, beside which the other one is smooth.

    Examples
    --------
    >>> round(chance_above((2, 1), (1, 1)), 12)
    0.666666666667
    """
    if _sd(first) > _sd(second):
        at, weight = _quadrature(second)
        return float(weight @ betaincc(*first, np.clip(at + by, 0, 1)))
    at, weight = _quadrature(first)
    return float(weight @ betainc(*second, np.clip(at - by, 0, 1)))


def _updated(effect: float, se: float, prior: NormalPrior | None) -> tuple[float, float]:
    """Return mean and sd after the data: Gelman et al. (2013), section 2.5, precisions add up."""
    if prior is None:
        return effect, se
    weight = prior.sd**2 / (prior.sd**2 + se**2)
    return weight * effect + (1 - weight) * prior.mean, math.sqrt(weight) * se


def _mean_above_zero(mean: float, sd: float) -> float:
    """Return E[max(D, 0)] of a normal D: a truncated mean."""
    z = mean / sd
    if z < -5:
        return sd * _tail_mean(-z)
    return mean * float(ndtr(z)) + sd * math.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)


def _tail_mean(z: float) -> float:
    """Return E[max(Z - z, 0)] for a large z as the area of the tail: no difference of near equals."""
    nodes, weights = gauss_legendre(_N_NODES)
    return float(10 / z * weights @ ndtr(-z - 10 / z * (nodes + 1)))


def _beta(k: int, n: int, prior: BetaPrior | None) -> tuple[float, float]:
    believed = prior or BetaPrior()
    conversions, units = float(check_counts(k, "k")), float(check_counts(n, "n"))
    if conversions > units:
        raise UsageError(
            ko="전환 수가 인원보다 많습니다. 한 사람의 전환은 한 번만 세어 주십시오.",
            en="There are more conversions than units. Count each unit's conversion once.",
        )
    return believed.successes + conversions, believed.failures + units - conversions


def _mean(law: tuple[float, float]) -> float:
    return law[0] / (law[0] + law[1])


def _sd(law: tuple[float, float]) -> float:
    a, b = law
    return math.sqrt(a * b / (a + b + 1)) / (a + b)


def _quadrature(law: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return rates and the chance that each stands for, between the law's farthest quantiles.

    In the angle asin(sqrt(rate)) the density has no pole from Beta(1/2, 1/2) upwards.
    """
    a, b = law
    low = math.asin(math.sqrt(float(betaincinv(a, b, _FARTHEST))))
    high = math.acos(math.sqrt(float(betaincinv(b, a, _FARTHEST))))
    nodes, weights = gauss_legendre(_N_NODES)
    angle = low + (high - low) * (nodes + 1) / 2
    log_density = (2 * a - 1) * np.log(np.sin(angle)) + (2 * b - 1) * np.log(np.cos(angle))
    weight = weights * np.exp(log_density - log_density.max())
    return np.sin(angle) ** 2, np.asarray(weight / weight.sum(), dtype=np.float64)


def _mean_gain(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return E[max(P1 - P2, 0)] as one integral without cancellation.

    E[(x - P2)+] = x F(x) - m G(x), with G the distribution of Beta(a + 1, b) and m the mean.
    """
    if _sd(first) > _sd(second):
        at, weight = _quadrature(second)
        a, b = first
        inner = _mean(first) * betaincc(a + 1, b, at) - at * betaincc(a, b, at)
    else:
        at, weight = _quadrature(first)
        a, b = second
        inner = at * betainc(a, b, at) - _mean(second) * betainc(a + 1, b, at)
    return float(weight @ np.maximum(inner, 0.0))


def _interval(
    treatment: tuple[float, float], control: tuple[float, float], alpha: float
) -> tuple[float, float]:
    def quantile(share: float) -> float:
        return falling_root(
            lambda by: chance_above(treatment, control, by) - share, -1.0, 1.0, 1e-10
        )

    return quantile(1 - alpha / 2), quantile(alpha / 2)
