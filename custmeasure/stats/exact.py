"""Rates when conversions are few: intervals that count every outcome.

The test of `compare_rates` holds with few conversions too: summed over every outcome its false alarms are at
most 0.057 whatever the common rate is, and 0.05 at rates up to a tenth (docs/calibration.md). What is here
is a second opinion without a normal law. `fisher` asks, of the conversions that there were, how many fell to
the treatment; its mid-p counts the outcome seen half, because Fisher's own p-value is nearly always too
large, and its odds ratio has the interval that agrees. `clopper_pearson` is the interval of one rate that
never covers less than it says. `unconditional_test` has Barnard's and Boschloo's tests.

References
----------
Fisher (1935), J. R. Statist. Soc. 98, 39-82. Lancaster (1961), JASA 56, 223-234 (mid-p). Berry and Armitage
(1995), The Statistician 44, 417-423 (mid-p intervals). Clopper and Pearson (1934), Biometrika 26, 404-413.
Cochran (1954), Biometrics 10, 417-451 (when counts are small).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, gammaln, logsumexp

from custmeasure.errors import UsageError
from custmeasure.stats.roots import falling_root
from custmeasure.stats.tails import Floats, above_zero, check_counts, check_level

# An expected count below it is small: Cochran (1954), p. 420.
SMALL = 5.0
# ln of the odds ratios between which limits are searched.
FARTHEST = 100.0


@dataclass(frozen=True)
class OddsRatio:
    """The treatment's odds of converting ÷ the control's; NaN where there is nothing to compare.

    Attributes
    ----------
    odds_ratio, ci_lower, ci_upper
        The odds ratio of the counts, and the mid-p interval; 0 or infinite at an end.
    p_value
        Fisher's two-sided mid-p: below alpha exactly when the interval excludes 1.
    """

    odds_ratio: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    p_value: float = math.nan


def needs_exact(k_t: int, n_t: int, k_c: int, n_c: int) -> bool:
    """Return whether a count expected under equal rates is below 5.

    Examples
    --------
    >>> needs_exact(3, 200, 1, 200), needs_exact(30, 200, 10, 200)
    (True, False)
    """
    share = (k_t + k_c) / max(n_t + n_c, 1)
    return min(n_t, n_c) * min(share, 1 - share) < SMALL


def fisher(k_t: int, n_t: int, k_c: int, n_c: int, alpha: float = 0.05) -> OddsRatio:
    """Compare two rates given how many converted in all: odds ratio with mid-p.

    Parameters
    ----------
    k_t, n_t, k_c, n_c
        Conversions and units of treatment and control.
    alpha
        1 - the confidence of the interval.

    Raises
    ------
    UsageError
        For counts that are no counts, or more conversions than units.

    Examples
    --------
    >>> seen = fisher(9, 200, 1, 200)
    >>> round(seen.odds_ratio, 2), round(seen.ci_lower, 2), round(seen.p_value, 4)
    (9.38, 1.51, 0.0109)
    """
    _check(k_t, n_t, k_c, n_c)
    half = check_level(alpha) / 2
    if not n_t or not n_c or k_t + k_c in (0, n_t + n_c):
        return OddsRatio()
    at, log_ways = _outcomes(n_t, n_c, k_t + k_c)
    upper_tail = _mid_tail(at, log_ways, k_t, 0.0)
    p_value = above_zero(2 * min(upper_tail, 1 - upper_tail))
    crossed = (n_t - k_t) * k_c
    odds_ratio = k_t * (n_c - k_c) / crossed if crossed else math.inf
    lower, upper = (_end(at, log_ways, k_t, share) for share in (half, 1 - half))
    return OddsRatio(odds_ratio, lower, upper, p_value)


def clopper_pearson(k: ArrayLike, n: ArrayLike, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Return the exact interval of one rate or many; arguments as `wilson`.

    Examples
    --------
    >>> lower, upper = clopper_pearson([0, 4], [30, 200])
    >>> lower.round(4).tolist(), upper.round(4).tolist()
    ([0.0, 0.0055], [0.1157, 0.0504])
    """
    conversions, units = np.broadcast_arrays(check_counts(k, "k"), check_counts(n, "n"))
    half = check_level(alpha) / 2
    missed = units - conversions
    # Clopper and Pearson (1934), as quantiles of beta laws.
    lower = np.where(conversions > 0, betaincinv(np.maximum(conversions, 1), missed + 1, half), 0)
    upper = np.where(missed > 0, 1 - betaincinv(np.maximum(missed, 1), conversions + 1, half), 1)
    return np.where(units > 0, lower, np.nan), np.where(units > 0, upper, np.nan)


def _check(k_t: int, n_t: int, k_c: int, n_c: int) -> None:
    conversions, units = check_counts([k_t, k_c], "k"), check_counts([n_t, n_c], "n")
    if (conversions > units).any():
        raise UsageError(
            ko="전환 수가 인원보다 많습니다. 한 사람의 전환은 한 번만 세어 주십시오.",
            en="There are more conversions than units. Count each unit's conversion once.",
        )


def _outcomes(n_t: int, n_c: int, k: int) -> tuple[Floats, Floats]:
    """Return the treatment's possible conversions of ``k``, and ln of the ways to each."""
    at = np.arange(max(0, k - n_c), min(k, n_t) + 1, dtype=np.float64)
    ways = gammaln(at + 1) + gammaln(n_t - at + 1) + gammaln(k - at + 1) + gammaln(n_c - k + at + 1)
    return at, np.asarray(ways.min() - ways)


def _mid_tail(at: Floats, log_ways: Floats, seen: int, log_odds: float) -> float:
    """Return the chance of more than ``seen``, plus half that of ``seen``: Lancaster (1961)."""
    log_chance = log_ways + at * log_odds
    chance = np.exp(log_chance - logsumexp(log_chance))
    return float(chance[at > seen].sum() + chance[at == seen].sum() / 2)


def _end(at: Floats, log_ways: Floats, seen: int, share: float) -> float:
    """Return the odds ratio at which the upper mid-tail is ``share``; 0 or infinite at an end."""
    if seen == at[0] and share < 0.5:
        return 0.0
    if seen == at[-1] and share > 0.5:
        return math.inf
    return math.exp(
        falling_root(
            lambda odds: share - _mid_tail(at, log_ways, seen, odds), -FARTHEST, FARTHEST, 1e-12
        )
    )
