"""Two rates by the textbook's tests: normal, chi-square, likelihood ratio, Fisher, Barnard, Boschloo.

`compare_rates` answers a copy test; it rests on Wilson's interval and holds with few conversions. These
are what other tools print, kept so that their numbers can be checked here.

References
----------
Barnard (1947), Biometrika 34, 123-138. Boschloo (1970), Statistica Neerlandica 24, 1-9. Fisher (1935),
J. R. Statist. Soc. 98, 39-82.
Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., ch. 3 (eq. 3.5 and
3.9, the continuity correction). Wilks (1938), Annals of Mathematical Statistics 9, 60-62.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtrc, gammaln, logsumexp, ndtr, ndtri, xlog1py, xlogy

from custmeasure.errors import UsageError, check_choice
from custmeasure.stats.contrast import ALTERNATIVES, Alternative
from custmeasure.stats.tails import Floats, above_zero, check_counts, check_level

Order = Literal["boschloo", "barnard", "barnard_unpooled"]
ORDERS = ("boschloo", "barnard", "barnard_unpooled")
# Outcomes whose statistics differ by less are tied: rounding must not part them.
_TIE = 1e-9


@dataclass(frozen=True)
class NormalTest:
    """Two rates by the normal law; NaN where a rate of 0 leaves nothing to divide by."""

    diff: float
    diff_ci_lower: float
    diff_ci_upper: float
    rel_diff: float
    rel_diff_ci_lower: float
    rel_diff_ci_upper: float
    p_value: float


def normal_test(
    k_t: int,
    n_t: int,
    k_c: int,
    n_c: int,
    alpha: float = 0.05,
    *,
    alternative: Alternative = "two-sided",
    pooled: bool = True,
    correction: bool = False,
) -> NormalTest:
    """Compare two rates by z, the ratio on the scale of its logarithm.

    Parameters
    ----------
    k_t, n_t, k_c, n_c
        Conversions and units of treatment and control.
    alpha
        1 - the confidence of the intervals.
    alternative
        ``"two-sided"``, ``"greater"`` or ``"less"``.
    pooled
        Take one variance for both, as when the rates are equal (the score test).
    correction
        Move the difference by half a unit of each arm towards 0, the limits away from it.
    """
    check_choice("mode", alternative, ALTERNATIVES)
    counts = _table(k_t, n_t, k_c, n_c)
    n_t, n_c = int(counts[:, 0].sum()), int(counts[:, 1].sum())
    if not n_t or not n_c:
        return NormalTest(*(math.nan,) * 7)
    rate_t, rate_c = k_t / n_t, k_c / n_c
    se, se_log = _errors(rate_t, n_t, rate_c, n_c, pooled=pooled)
    step = 0.5 / n_t + 0.5 / n_c if correction else 0.0
    diff, level = rate_t - rate_c, check_level(alpha)
    reach = float(-ndtri(level / 2 if alternative == "two-sided" else level))
    lower, upper = diff - reach * se - step, diff + reach * se + step
    ratio, far = (rate_t / rate_c, reach * se_log + step / rate_c) if k_c else (math.nan, math.nan)
    rel_lower, rel_upper = ratio * math.exp(-far) - 1, ratio * math.exp(far) - 1
    if alternative == "greater":
        upper, rel_upper = 1.0, math.inf
    if alternative == "less":
        lower, rel_lower = -1.0, -1.0
    p_value = _p_value(diff, se, step, alternative)
    return NormalTest(
        diff, max(lower, -1.0), min(upper, 1.0), ratio - 1, rel_lower, rel_upper, p_value
    )


def chi_square_test(k_t: int, n_t: int, k_c: int, n_c: int, *, correction: bool = False) -> float:
    """Return Pearson's two-sided p-value; NaN where a row or a column of the table is empty.

    With ``correction`` every count moves towards its expectation by up to a half (Yates).
    """
    found = _expected(k_t, n_t, k_c, n_c, correction=correction)
    if found is None:
        return math.nan
    seen, expected = found
    return above_zero(float(chdtrc(1, ((seen - expected) ** 2 / expected).sum())))


def likelihood_ratio_test(
    k_t: int, n_t: int, k_c: int, n_c: int, *, correction: bool = False
) -> float:
    """Return the two-sided p-value of G = 2 sum O ln(O / E), Wilks (1938); as `chi_square_test`."""
    found = _expected(k_t, n_t, k_c, n_c, correction=correction)
    if found is None:
        return math.nan
    seen, expected = found
    return above_zero(float(chdtrc(1, 2 * xlogy(seen, seen / expected).sum())))


def fisher_test(
    k_t: int, n_t: int, k_c: int, n_c: int, *, alternative: Alternative = "two-sided"
) -> float:
    """Return Fisher's exact p-value: given how many converted in all, Fisher (1935).

    Two-sided it adds up every outcome no likelier than the one seen.
    """
    check_choice("mode", alternative, ALTERNATIVES)
    _table(k_t, n_t, k_c, n_c)
    at, log_chance = _hypergeometric(n_t, n_c, k_t + k_c)
    if alternative == "two-sided":
        kept = log_chance <= log_chance[at == k_t][0] + _TIE
    else:
        kept = at >= k_t if alternative == "greater" else at <= k_t
    return above_zero(float(np.exp(log_chance[kept]).sum()))


def unconditional_test(
    k_t: int,
    n_t: int,
    k_c: int,
    n_c: int,
    *,
    order: Order = "boschloo",
    alternative: Alternative = "two-sided",
) -> float:
    """Return the exact p-value whatever the common rate is: the largest chance over all rates.

    Parameters
    ----------
    k_t, n_t, k_c, n_c
        Conversions and units of treatment and control.
    order
        Which outcomes are further from equal rates: by Fisher's one-sided p-value
        (``"boschloo"``, whose two-sided p-value is twice the smaller), or by z with one or two
        variances (``"barnard"``, ``"barnard_unpooled"``).
    alternative
        ``"two-sided"``, ``"greater"`` or ``"less"``.

    Returns
    -------
    float
        NaN when nobody or everybody converted, or an arm has no units.
    """
    check_choice("mode", order, ORDERS)
    check_choice("mode", alternative, ALTERNATIVES)
    _table(k_t, n_t, k_c, n_c)
    if not n_t or not n_c or k_t + k_c in (0, n_t + n_c):
        return math.nan
    if order == "boschloo":
        if alternative == "two-sided":
            sides: tuple[Alternative, ...] = ("greater", "less")
            least = min(_largest(_fisher_all(n_t, n_c, s), k_t, k_c) for s in sides)
            return above_zero(2 * least)
        return above_zero(_largest(_fisher_all(n_t, n_c, alternative), k_t, k_c))
    z = _z_all(n_t, n_c, pooled=order == "barnard")
    far = {"two-sided": -np.abs(z), "greater": -z, "less": z}[alternative]
    return above_zero(_largest(far, k_t, k_c))


def _hypergeometric(n_t: int, n_c: int, k: int) -> tuple[Floats, Floats]:
    """Return the treatment's possible conversions of ``k`` in all, and ln of the chance of each."""
    at = np.arange(max(0, k - n_c), min(k, n_t) + 1.0)
    ways = _log_ways(n_t, at) + _log_ways(n_c, k - at)
    return at, np.asarray(ways - logsumexp(ways))


def _log_ways(n: float, k: Floats) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _fisher_all(n_t: int, n_c: int, alternative: Alternative) -> Floats:
    """Return (n_t + 1, n_c + 1) Fisher's one-sided p-value of every outcome."""
    p = np.ones((n_t + 1, n_c + 1))
    for k in range(n_t + n_c + 1):
        at, log_chance = _hypergeometric(n_t, n_c, k)
        rows = at.astype(np.int64)
        chance = np.exp(log_chance)
        tail = np.cumsum(chance[::-1])[::-1] if alternative == "greater" else np.cumsum(chance)
        p[rows, k - rows] = tail
    return p


def _z_all(n_t: int, n_c: int, *, pooled: bool) -> Floats:
    """Return (n_t + 1, n_c + 1) the z of every outcome; 0 where both rates are alike."""
    k_t, k_c = np.arange(n_t + 1.0)[:, None], np.arange(n_c + 1.0)[None, :]
    rate_t, rate_c = k_t / n_t, k_c / n_c
    if pooled:
        rate = (k_t + k_c) / (n_t + n_c)
        var = rate * (1 - rate) * (1 / n_t + 1 / n_c)
    else:
        var = rate_t * (1 - rate_t) / n_t + rate_c * (1 - rate_c) / n_c
    diff = rate_t - rate_c
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(diff == 0, 0.0, diff / np.sqrt(var))


def _largest(statistic: Floats, k_t: int, k_c: int) -> float:
    """Return the largest chance, over all common rates, of a statistic no larger than the one seen."""
    seen = statistic[k_t, k_c]
    kept = (statistic <= seen + _TIE * abs(seen)).astype(np.float64)
    low, high = 0.0, 1.0
    best = 0.0
    for _ in range(5):  # each time ten times as fine around the best
        rates = np.linspace(low, high, 201)[1:-1]
        chances = _chance_of(kept, rates)
        top = int(chances.argmax())
        best, step = max(best, float(chances[top])), (high - low) / 200
        low, high = max(rates[top] - 10 * step, 0.0), min(rates[top] + 10 * step, 1.0)
    return best


def _chance_of(kept: Floats, rates: Floats) -> Floats:
    """Return the chance of the outcomes that are kept, at each common rate."""
    first, second = (_binomial(size - 1, rates) for size in kept.shape)
    return np.asarray(((first @ kept) * second).sum(axis=1))


def _binomial(n: int, rates: Floats) -> Floats:
    k = np.arange(n + 1.0)
    return np.exp(_log_ways(n, k) + xlogy(k, rates[:, None]) + xlog1py(n - k, -rates[:, None]))


def _table(k_t: int, n_t: int, k_c: int, n_c: int) -> Floats:
    k, n = check_counts([k_t, k_c], "k"), check_counts([n_t, n_c], "n")
    if (k > n).any():
        raise UsageError(
            ko="전환 수가 인원보다 많습니다. 한 사람의 전환은 한 번만 세어 주십시오.",
            en="There are more conversions than units. Count each unit's conversion once.",
        )
    return np.array([k, n - k])


def _expected(
    k_t: int, n_t: int, k_c: int, n_c: int, *, correction: bool
) -> tuple[Floats, Floats] | None:
    seen = _table(k_t, n_t, k_c, n_c)
    across, down = seen.sum(axis=1), seen.sum(axis=0)
    if (across == 0).any() or (down == 0).any():
        return None
    expected = np.outer(across, down) / seen.sum()
    if correction:
        away = expected - seen
        seen = seen + np.minimum(0.5, np.abs(away)) * np.sign(away)
    return seen, expected


def _errors(
    rate_t: float, n_t: int, rate_c: float, n_c: int, *, pooled: bool
) -> tuple[float, float]:
    """Return the standard errors of the difference and of the ratio's logarithm."""
    if pooled:
        rate = (rate_t * n_t + rate_c * n_c) / (n_t + n_c)
        se = math.sqrt(rate * (1 - rate) * (1 / n_t + 1 / n_c))
        return se, se / rate if rate else math.nan
    se = math.sqrt(rate_t * (1 - rate_t) / n_t + rate_c * (1 - rate_c) / n_c)
    if not rate_t or not rate_c:
        return se, math.nan
    return se, math.sqrt((1 - rate_t) / (n_t * rate_t) + (1 - rate_c) / (n_c * rate_c))


def _p_value(diff: float, se: float, step: float, alternative: Alternative) -> float:
    if se == 0:
        return math.nan
    towards = math.copysign(max(abs(diff) - step, 0.0), diff)
    if alternative == "two-sided":
        return above_zero(2 * float(ndtr(-abs(towards) / se)))
    # A correction only ever weakens what speaks for the alternative.
    favours = (diff > 0) == (alternative == "greater")
    z = (towards if favours else diff) / se
    return above_zero(float(ndtr(-z if alternative == "greater" else z)))
